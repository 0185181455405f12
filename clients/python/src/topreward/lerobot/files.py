"""Files that are complete or absent, whenever the process is killed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
