"""Forms that are streamed: files are read in pieces while they are sent, and the length is known before."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PIECE_BYTES = 256 * 1024


def json_of(document: Any) -> bytes:
    """A document as JSON. Scalars and arrays of NumPy become numbers and lists.

    :raises ValueError: for NaN and infinity, which JSON does not have
    """
    return json.dumps(document, allow_nan=False, default=lambda value: value.tolist()).encode()


@dataclass(frozen=True)
class Part:
    """A file of a form: bytes, pieces of bytes, or a path that is read while it is sent."""

    name: str
    content: bytes | Path | tuple[bytes | memoryview, ...]

    @cached_property
    def size(self) -> int:
        if isinstance(self.content, Path):
            return self.content.stat().st_size
        if isinstance(self.content, tuple):
            return sum(memoryview(piece).nbytes for piece in self.content)
        return len(self.content)

    def pieces(self) -> Iterator[bytes | memoryview]:
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
            return
        for whole in self.content if isinstance(self.content, tuple) else (self.content,):
            view = memoryview(whole).cast("B")
            for start in range(0, len(view), PIECE_BYTES):
                yield view[start : start + PIECE_BYTES]


class Form:
    """A form with one JSON part, first, and files. It can be sent several times.

    :param name: name of the JSON part, ``"episode"`` or ``"batch"``
    """

    def __init__(self, name: str, document: Any, files: Sequence[Part] = ()) -> None:
        self._boundary = secrets.token_hex(16)
        self._first = self._head(name, "") + json_of(document)
        self._files = files

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    @cached_property
    def size(self) -> int:
        return sum(len(piece) for piece in self._frame()) + sum(part.size for part in self._files)

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The body, in pieces of at most 256 KiB."""
        first, *heads, last = self._frame()
        yield first
        for head, part in zip(heads, self._files, strict=True):
            yield head
            yield from part.pieces()
        yield last

    def _frame(self) -> list[bytes]:
        """What stands before, between and after the files."""
        heads = [b"\r\n" + self._head(part.name, '; filename="file"') for part in self._files]
        return [self._first, *heads, f"\r\n--{self._boundary}--\r\n".encode()]

    def _head(self, name: str, more: str) -> bytes:
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
