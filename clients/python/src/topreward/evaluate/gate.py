"""The quality gate: how many episodes reach a bar, and whether their mean does."""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from .estimates import Bootstrap, Estimate, mean_of
from .readings import Reading, in_group

_ROUNDED = 1e-5


class Gate(TypedDict):
    """``bar`` is null if none was given; then nothing is judged. ``successes_mean`` is the bar of ``--gate mean``."""

    bar: float | None
    measure: str
    mean: Estimate
    successes_mean: float | None
    keep_dataset: bool | None
    kept: int
    dropped: int
    unscored: int


def gate_of(readings: Sequence[Reading], episodes: int, bar: float | None, final: int, bootstrap: Bootstrap) -> Gate:
    """Return the section.

    :param episodes: how many there are, with those that have no score
    """
    mean = mean_of([reading.curve.score for reading in readings], bootstrap)
    kept = sum(passes(reading.curve.score, bar) is True for reading in readings)
    good = [reading.curve.score for reading in in_group(readings, "successes")]
    return {
        "bar": bar,
        "measure": f"mean reward of the last {final} prefixes, in nats",
        "mean": mean,
        "successes_mean": float(np.mean(good)) if good else None,
        "keep_dataset": None if mean["value"] is None else passes(mean["value"], bar),
        "kept": kept,
        "dropped": 0 if bar is None else len(readings) - kept,
        "unscored": episodes - len(readings),
    }


def passes(score: float, bar: float | None) -> bool | None:
    """Return whether a score reaches the bar; null without one.

    A bar that is the mean in a report.json has six digits, so the same set must still reach it.
    """
    return None if bar is None else score >= bar or math.isclose(score, bar, rel_tol=_ROUNDED)
