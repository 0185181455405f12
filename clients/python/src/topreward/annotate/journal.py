"""The journal of a unit: one line for each episode as soon as its outcome is known, on the disk before the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..lerobot.failures import UsageError
from ..lerobot.lines import append_line, complete_lines, locked
from .outcomes import Outcome, from_json, to_json

# Replaces the line of an outcome where failures before it no longer count.
FORGET = "forget failures"


class Journal:
    """Outcomes of a unit so far. ``run`` says what they were made with; those of another run are dropped.

    A journal only grows, so a process that is killed while it writes leaves a cut last line, and nothing else.
    """

    def __init__(self, file: BinaryIO, run: str) -> None:
        self._file = file
        content = file.read()
        self.outcomes = _outcomes(file.name, content, run)
        if content.startswith(f"{run}\n".encode()):
            file.truncate(file.seek(content.rfind(b"\n") + 1))
        else:
            file.truncate(file.seek(0))
            append_line(file, run)

    def add(self, outcome: Outcome) -> None:
        """Write an outcome, and wait until it is on the disk."""
        append_line(self._file, to_json(outcome))
        self.outcomes[outcome.episode] = outcome

    def forget_failures(self) -> None:
        """Drop the outcomes of episodes that failed, so that they are scored again."""
        append_line(self._file, FORGET)
        self.outcomes = {index: outcome for index, outcome in self.outcomes.items() if outcome.failure is None}


def _outcomes(name: str, content: bytes, run: str) -> dict[int, Outcome]:
    """The outcomes in a journal of this run. The last line can be cut.

    :raises UsageError: if another line is damaged
    """
    lines = complete_lines(content)
    outcomes: dict[int, Outcome] = {}
    for line in lines[1:] if lines[:1] == [run.encode()] else []:
        if line == FORGET.encode():
            outcomes = {index: outcome for index, outcome in outcomes.items() if outcome.failure is None}
        else:
            outcome = _outcome(name, line)
            outcomes[outcome.episode] = outcome
    return outcomes


def _outcome(name: str, line: bytes) -> Outcome:
    try:
        return from_json(line.decode())
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{name} has a line that cannot be read: {error}. Remove this file to score its episodes again, or use --fresh."
        ) from error


def read_journal(path: Path, run: str) -> dict[int, Outcome]:
    """Return the outcomes in a journal, also while a run writes it; none if there is no journal of this run.

    :raises UsageError: if it is damaged
    """
    return _outcomes(str(path), path.read_bytes(), run) if path.is_file() else {}


@contextmanager
def open_journal(path: Path, run: str) -> Iterator[Journal]:
    """Open the journal of a unit, for this process only.

    :raises UsageError: if another process has it open, or if it is damaged
    """
    with locked(path, "--shard") as file:
        yield Journal(file, run)
