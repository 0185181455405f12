"""Statistics of a column as LeRobot stores them: lists with one number, because the column has the shape [1]."""

import numpy as np
import numpy.typing as npt

from .columns import FrameValues

QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}

Stats = dict[str, list[float]]


def stats_of(column: npt.NDArray[np.float32]) -> Stats:
    """Return the statistics of the values that are not NaN; there is at least one."""
    known = column[~np.isnan(column)].astype(np.float64)
    quantiles = {name: [float(np.quantile(known, share))] for name, share in QUANTILES.items()}
    return {**_basic(known), **quantiles}


def episode_stats(values: FrameValues, episode: int) -> dict[str, Stats]:
    """Return the statistics of each column in one episode, without quantiles, which v2.1 does not have.

    A column without a number in this episode is left out.
    """
    rows = slice(*np.searchsorted(values.episode_index, [episode, episode + 1]))
    known = {name: column[rows][~np.isnan(column[rows])] for name, column in values.columns.items()}
    return {name: _basic(column.astype(np.float64)) for name, column in known.items() if len(column)}


def _basic(known: npt.NDArray[np.float64]) -> Stats:
    return {
        "min": [float(known.min())],
        "max": [float(known.max())],
        "mean": [float(known.mean())],
        "std": [float(known.std())],
        "count": [len(known)],
    }
