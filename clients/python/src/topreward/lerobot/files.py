"""Small files that people write, and files that are complete or absent, whenever the process is killed."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .failures import UsageError


def read_text(path: Path) -> str:
    """:raises UsageError: if the file cannot be read"""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def json_of(text: str, where: str) -> Any:
    """Read JSON.

    :param where: file, and line if it has several, for people
    :raises UsageError: if it is something else, or has too many brackets inside each other
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where}: this is not JSON: {error}") from error
    except RecursionError:
        raise UsageError(f"{where}: this is not JSON: too many brackets are inside each other") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that has one JSON object.

    :raises UsageError: if the file cannot be read, or has something else
    """
    return object_of(read_text(path), str(path))


def object_of(text: str, where: str) -> dict[str, Any]:
    """Read one JSON object, as ``json_of`` does.

    :raises UsageError: if it is something else
    """
    known = json_of(text, where)
    if not isinstance(known, dict):
        raise UsageError(f"{where}: this is not a JSON object.")
    return known


def read_objects(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a file with one JSON object in each line, and the number of the line. Empty lines are left out.

    :raises UsageError: if the file cannot be read, or a line has something else
    """
    lines = enumerate(read_text(path).split("\n"), 1)
    return [(number, object_of(line, f"{path} line {number}")) for number, line in lines if line.strip()]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to. It becomes ``path`` when the block ends, or is removed if the block fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Machines with a common folder have processes with the same number: in containers, it is often 1.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield draft
        flush(draft)
        draft.replace(path)
        flush(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small file."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Some systems cannot do it for folders."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
