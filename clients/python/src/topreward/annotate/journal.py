"""The journal of a unit: one line for each episode as soon as its outcome is known, on the disk before the next one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..lerobot.failures import UsageError
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


# Replaces the line of an outcome where failures before it no longer count.
FORGET = "forget failures"


class Journal:
    """Outcomes of a unit so far. ``run`` says what they were made with; those of another run are dropped.

    A journal only grows, so a process that is killed while it writes leaves a cut last line, and nothing else.
    """

    def __init__(self, file: BinaryIO, run: str) -> None:
        self._file = file
        content = file.read()
        self.outcomes = _outcomes(content, run)
        if content.startswith(f"{run}\n".encode()):
            file.truncate(file.seek(content.rfind(b"\n") + 1))
        else:
            file.truncate(file.seek(0))
            self._append(run)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome, and wait until it is on the disk."""
        self._append(to_json(outcome))
        self.outcomes[outcome.episode] = outcome

    def forget_failures(self) -> None:
        """Drop the outcomes of episodes that failed, so that they are scored again."""
        self._append(FORGET)
        self.outcomes = {index: outcome for index, outcome in self.outcomes.items() if outcome.failure is None}

    def _append(self, line: str) -> None:
        self._file.write(f"{line}\n".encode())
        self._file.flush()
        os.fsync(self._file.fileno())


def _outcomes(content: bytes, run: str) -> dict[int, Outcome]:
    """The outcomes in a journal of this run. The last line can be cut."""
    header, *lines = content[: content.rfind(b"\n") + 1].decode().split("\n")
    outcomes: dict[int, Outcome] = {}
    for line in lines if header == run else []:
        if line == FORGET:
            outcomes = {index: outcome for index, outcome in outcomes.items() if outcome.failure is None}
        elif line:
            outcome = from_json(line)
            outcomes[outcome.episode] = outcome
    return outcomes


def read_journal(path: Path, run: str) -> dict[int, Outcome]:
    """Return the outcomes in a journal, also while a run writes it; none if there is no journal of this run."""
    return _outcomes(path.read_bytes(), run) if path.is_file() else {}


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
