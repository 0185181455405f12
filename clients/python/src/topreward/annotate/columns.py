"""Columns that a run adds to a dataset: which one, and its value for every frame."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from ..lerobot.dataset import Dataset
from ..lerobot.failures import UsageError

Source = Literal["log_prob_true", "progress"]


@dataclass(frozen=True, slots=True)
class Column:
    """A feature of the dataset to write, for example ``next.reward``, and which numbers it has."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class FrameValues:
    """The value of each column at every frame, float32, by the name of the column. Frames without one have NaN.

    ``index`` and ``episode_index`` are those of the frames, both in increasing order.
    """

    index: npt.NDArray[np.int64]
    episode_index: npt.NDArray[np.int64]
    columns: dict[str, npt.NDArray[np.float32]]


def parse_column(text: str) -> Column:
    """Read ``next.reward=log_prob_true`` or ``NAME=progress``. For argparse."""
    name, _, source = text.partition("=")
    for known in get_args(Source):
        if source == known and name.strip() == name != "" and "/" not in name:
            return Column(name, known)
    raise argparse.ArgumentTypeError(f"{text!r} is neither NAME=log_prob_true nor NAME=progress, or NAME has a slash")


def check_columns(dataset: Dataset, columns: Sequence[Column], target: Path | None) -> None:
    """Say what is wrong before anything is scored.

    :param target: the folder of the new dataset
    :raises UsageError: if a name is taken, if there is no such folder to write to, or if a flag lacks the other one
    """
    if not columns and target is None:
        return
    if not columns or target is None:
        raise UsageError("--add-column and --column-out need each other: the columns, and the folder of the new dataset.")
    names = [column.name for column in columns]
    taken = [name for name in names if name in dataset.info["features"] or names.count(name) > 1]
    if taken:
        raise UsageError(f"--add-column: the dataset has {', '.join(dict.fromkeys(taken))} already. Choose another name.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"--column-out {target} exists and is not empty.")
    if target.resolve().is_relative_to(dataset.root.resolve()):
        raise UsageError(f"--column-out {target} is in the folder of the dataset. Choose a folder outside it.")


def read_values(progress: Path, columns: Sequence[Column]) -> FrameValues:
    """Return the values of columns from ``topreward_progress.parquet``.

    Between two prefixes, ``log_prob_true`` is linear, and constant outside them, as progress is.
    """
    table = pq.read_table(progress)
    episodes = table["episode_index"].to_numpy()
    known = {
        "progress": table["progress_sparse"].to_numpy(),
        "log_prob_true": _between_prefixes(table["log_prob_true"].to_numpy(), episodes),
    }
    values = {column.name: known[column.source].astype(np.float32) for column in columns}
    return FrameValues(table["index"].to_numpy(), episodes, values)


def _between_prefixes(log_prob: npt.NDArray[np.float64], episodes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Fill the gaps of each episode. An episode without any number stays NaN."""
    filled = np.full(len(log_prob), np.nan)
    starts = np.flatnonzero(np.diff(episodes, prepend=episodes[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(episodes)], strict=True):
        known = start + np.flatnonzero(~np.isnan(log_prob[start:end]))
        if len(known):
            filled[start:end] = np.interp(np.arange(start, end), known, log_prob[known])
    return filled
