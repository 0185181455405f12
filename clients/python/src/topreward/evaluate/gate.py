"""The quality gate: which episodes reach a bar, and whether their mean does."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from .estimates import Bootstrap, Estimate, mean_of
from .readings import Reading, in_group

if TYPE_CHECKING:
    from .report import Report

_ROUNDED = 1e-5

USE = (
    "Episodes in `keep` have a score at or above `gate`. If all of them are numbers, LeRobot takes the list as it is: "
    "--dataset.episodes='[0, 2, 3]'."
)


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


class Dropped(TypedDict):
    """An episode that should not be used. ``score`` is null if it has none."""

    episode: int | str
    score: float | None
    reason: str


class DatasetVerdict(TypedDict):
    """The mean score of the dataset. ``keep`` is null without a bar or a score."""

    mean: float | None
    keep: bool | None


class Filter(TypedDict):
    """The content of filter.json. Episodes are numbers if all names are."""

    gate: float | None
    measure: str
    use: str
    dataset: DatasetVerdict
    keep: list[int | str]
    drop: list[Dropped]


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


def filter_of(report: "Report") -> Filter:
    """Return the content of filter.json. Without a bar, only episodes without a score are dropped."""
    gate, rows = report["gate"], report["episodes"]
    numbered = all(re.fullmatch(r"0|[1-9][0-9]*", row["name"], re.ASCII) for row in rows)

    def name_of(name: str) -> int | str:
        return int(name) if numbered else name

    keep: list[int | str] = []
    drop: list[Dropped] = []
    for row in rows:
        if row["score"] is None:
            drop.append(
                {"episode": name_of(row["name"]), "score": None, "reason": f"no score: {row['problem'] or 'not asked'}"}
            )
        elif row["keep"] is False:
            drop.append({"episode": name_of(row["name"]), "score": row["score"], "reason": "score below the gate"})
        else:
            keep.append(name_of(row["name"]))
    return {
        "gate": gate["bar"],
        "measure": gate["measure"],
        "use": USE,
        "dataset": {"mean": gate["mean"]["value"], "keep": gate["keep_dataset"]},
        "keep": keep,
        "drop": drop,
    }
