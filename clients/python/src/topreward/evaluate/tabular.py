"""Small tables that people write: JSON Lines and CSV, with errors that name the line."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..lerobot.dataset import FPS_RANGE, fps_of
from ..lerobot.failures import UsageError
from ..lerobot.files import read_objects, read_text


class Row:
    """A row of a table. Every error says where it is, and what to write instead.

    :ivar where: file and line, for people
    """

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self._values = values

    def wrong(self, words: str) -> UsageError:
        """Return an error about this row."""
        return UsageError(f"{self.where}: {words}")

    def text(self, name: str) -> str | None:
        """Return a text; null if it is missing or empty."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{name} must be a text, found {value!r}.")
        return value

    def flag(self, name: str) -> bool | None:
        """Return true or false; null if it is missing or empty."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        known = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else value
        if not isinstance(known, bool):
            raise self.wrong(f"{name} must be true, false or empty, found {value!r}.")
        return known

    def rate(self, name: str) -> float | None:
        """Return frames per second; null if it is missing or empty."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        fps = fps_of(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        if fps is None:
            raise self.wrong(f"{name} must be a number {FPS_RANGE}, found {value!r}.")
        return fps

    def number(self, name: str) -> int:
        """Return a whole number from 0 on."""
        value = self._values.get(name)
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", text):
            raise self.wrong(f"{name} must be the number of an episode, found {value!r}.")
        return int(text)


def read_rows(path: Path, columns: tuple[str, ...]) -> list[Row]:
    """Read ``.jsonl`` or ``.csv``. Empty lines are left out.

    :param columns: the known ones; another one is an error, because a misspelt label would be no label
    :raises UsageError: if the file cannot be read, or a line is wrong
    """
    read = _csv if path.suffix == ".csv" else read_objects
    rows = []
    for number, values in read(path):
        unknown = [name for name in values if name not in columns]
        where = f"{path} line {number}"
        if unknown:
            raise UsageError(f"{where}: there is no {unknown[0]!r} here. Known: {', '.join(columns)}.")
        rows.append(Row(where, values))
    return rows


def _csv(path: Path) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), restkey="", strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        for values in reader:
            if "" in values:
                raise UsageError(f"{path} line {reader.line_num}: there are more values than columns.")
            rows.append((reader.line_num, dict(values)))
    except csv.Error as error:
        raise UsageError(f"{path} after line {reader.line_num}: {error}") from error
    return rows
