"""Files that only grow, a line at a time. A process that is killed while it writes leaves a cut last line, and nothing else."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .failures import UsageError

if os.name == "nt":

    def _lock(file: BinaryIO, advice: str) -> None:
        """Windows does not let a second process replace an open file, which has the same effect."""
else:
    import fcntl

    def _lock(file: BinaryIO, advice: str) -> None:
        """Keep other runs away from this file. The system releases the lock when the process ends."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another run works on {file.name}. Wait until it has ended, or use {advice}.") from None
        except OSError:  # a network file system without locks
            return


@contextmanager
def locked(path: Path, advice: str) -> Iterator[BinaryIO]:
    """Open a file for reading and writing, for this process only. It is made if it is not there.

    :param advice: the flag that avoids a conflict
    :raises UsageError: if another process has it open
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with path.open("r+b") as file:
        _lock(file, advice)
        yield file


def append_line(file: BinaryIO, line: str) -> None:
    """Write a line, and wait until it is on the disk."""
    file.write(f"{line}\n".encode())
    file.flush()
    os.fsync(file.fileno())


def complete_lines(content: bytes) -> list[bytes]:
    """Return all lines but a cut last one."""
    return list(each_line(io.BytesIO(content)))


def each_line(file: BinaryIO) -> Iterator[bytes]:
    """Return the lines one after another, without line feeds. A damaged one may not be UTF-8.

    A cut last one is removed from the file, whose position is then its end.
    """
    end = 0
    # A line break is a line feed and nothing else: texts may have other separators in them.
    for line in file:
        if not line.endswith(b"\n"):
            file.truncate(file.seek(end))
            return
        end += len(line)
        yield line[:-1]
