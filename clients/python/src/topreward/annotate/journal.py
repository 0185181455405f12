"""The journal of a unit: one line for each episode as soon as its outcome is known, on the disk before the next one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .failures import UsageError
from .outcomes import Outcome, from_json, to_json

if os.name == "nt":

    def _lock(file: BinaryIO) -> None:
        """Windows does not let a second process replace an open file, which has the same effect."""
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Keep other runs away from this unit. The system releases the lock when the process ends."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another run works on {file.name}. Wait until it has ended, or use --shard.") from None
        except OSError:  # a network file system without locks
            return


class Journal:
    """Outcomes of a unit so far. ``run`` says what they were made with; those of another run are dropped."""

    def __init__(self, file: BinaryIO, run: str) -> None:
        self._file, self._run = file, run
        self.outcomes: dict[int, Outcome] = {}
        kept = _lines(file.read(), run)
        for outcome in map(from_json, kept):
            self.outcomes[outcome.episode] = outcome
        self._write([run, *kept])

    def _write(self, lines: Sequence[str]) -> None:
        """Replace the content. Only a cut off line or lines of another run are lost if the process is killed here."""
        content = "".join(f"{line}\n" for line in lines).encode()
        self._file.seek(0)
        self._file.write(content)
        self._file.truncate(len(content))
        self._sync()

    def add(self, outcome: Outcome) -> None:
        """Write an outcome, and wait until it is on the disk."""
        self.outcomes[outcome.episode] = outcome
        self._file.write(f"{to_json(outcome)}\n".encode())
        self._sync()

    def forget_failures(self) -> None:
        """Drop the outcomes of episodes that failed, so that they are asked again."""
        self.outcomes = {index: outcome for index, outcome in self.outcomes.items() if outcome.failure is None}
        self._write([self._run, *map(to_json, self.outcomes.values())])

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _lines(content: bytes, run: str) -> list[str]:
    """The complete lines of a journal of this run. The last one can be cut off: the process was killed while it wrote."""
    header, *lines = content[: content.rfind(b"\n") + 1].decode().split("\n")
    return [line for line in lines if line] if header == run else []


def read_journal(path: Path, run: str) -> dict[int, Outcome]:
    """Return the outcomes in a journal, also while a run writes it; none if there is no journal of this run."""
    content = path.read_bytes() if path.is_file() else b""
    return {outcome.episode: outcome for outcome in map(from_json, _lines(content, run))}


@contextmanager
def open_journal(path: Path, run: str) -> Iterator[Journal]:
    """Open the journal of a unit, for this process only.

    :raises UsageError: if another process has it open
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with path.open("r+b") as file:
        _lock(file)
        yield Journal(file, run)
