"""Which episodes of a LeRobot dataset are successes: a file of labels, or the column ``next.success``."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..lerobot.dataset import Dataset
from ..lerobot.episodes import Episode
from ..lerobot.failures import UsageError
from ..lerobot.files import json_of, read_text
from .tabular import Row, read_rows

COLUMN = "next.success"

Labels = dict[int, bool | None]


def labels_of(dataset: Dataset, episodes: Sequence[Episode], file: Path | None) -> Labels:
    """Return the labels of episodes by their numbers. An episode that is not there has none.

    :param episodes: all of the dataset
    :param file: ``.json``, ``.jsonl`` or ``.csv``; null for the column of the dataset
    :raises UsageError: if the file is not a table of labels, or names an episode that does not exist
    """
    if file is None:
        return _of_column(dataset, episodes) if COLUMN in dataset.info.get("features", {}) else {}
    labels: Labels = {}
    existing = {episode.index for episode in episodes}
    for row in _rows(file):
        number = row.number("episode")
        if number not in existing:
            raise row.wrong(f"the dataset has no episode {number}; the last one is {max(existing, default=None)}.")
        if number in labels:
            raise row.wrong(f"episode {number} has a label already.")
        labels[number] = row.flag("success")
    return labels


def _rows(file: Path) -> list[Row]:
    if file.suffix in (".jsonl", ".csv"):
        return read_rows(file, ("episode", "success"))
    if file.suffix != ".json":
        raise UsageError(f"--labels {file}: the name must end with .json, .jsonl or .csv.")
    known = json_of(read_text(file), f"--labels {file}")
    if not isinstance(known, dict):
        raise UsageError(f'--labels {file} must be an object, for example {{"0": true, "1": false}}.')
    return [Row(f"{file}, member {name!r}", {"episode": name, "success": label}) for name, label in known.items()]


def _of_column(dataset: Dataset, episodes: Sequence[Episode]) -> Labels:
    """An episode with a true frame is a success. Files that cannot be read give no labels: their episodes fail anyway.

    :raises UsageError: if the column has other values than true and false
    """
    labels: Labels = {}
    for file in dict.fromkeys(episode.data_file for episode in episodes):
        labels |= _of_file(dataset.root / file)
    return labels


def _of_file(path: Path) -> Labels:
    try:
        with pq.ParquetFile(path) as parquet:
            table = parquet.read(columns=["episode_index", COLUMN])
    except (OSError, pa.ArrowException):
        return {}
    if table.num_columns < 2:  # a column that only info.json has
        return {}
    try:
        flags = _flags(table[COLUMN])
    except pa.ArrowException as error:
        raise UsageError(f"{path}: {COLUMN} is neither true nor false: {error}. Use --labels.") from error
    table = pa.table({"episode": table["episode_index"], "success": flags})
    groups = table.group_by("episode").aggregate([("success", "any")])
    return {row["episode"]: row["success_any"] for row in groups.to_pylist()}


def _flags(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """True, false or null for each row."""
    if pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):  # a feature of the shape (1,)
        column = pc.list_element(column, 0)
    if pa.types.is_floating(column.type):  # NaN is no label, and a cast would make it true
        column = pc.if_else(pc.is_nan(column), None, column)
    return pc.cast(column, pa.bool_())
