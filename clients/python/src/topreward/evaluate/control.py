"""Controls: what the model says about videos and instructions that the robot did not have, and what time explains."""

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

import numpy as np

from .._contract import ControlCurve, StaticControl
from .estimates import AucEstimate, Bootstrap, Estimate, auc_of, mean_of
from .metrics import Floats, voc
from .published import PLATEAU_VOC
from .readings import Group, Reading, best_group, by_label, in_group

ControlName = Literal["static", "reversed", "other_instruction"]
NAMES: tuple[ControlName, ...] = ("static", "reversed", "other_instruction")
PLATEAUS = (0.8, 0.5, 0.3)
_BINS = 15


class ControlRow(TypedDict):
    """A control beside the same episodes without it: ``real``. Differences are real − control, paired by episode.

    ``final`` is the reward of the last prefix. ``auc``: how often the final reward of an episode is above that of a control.
    """

    control: ControlName
    real_voc: Estimate
    voc: Estimate
    voc_difference: Estimate
    real_span: Estimate
    span: Estimate
    real_final: Estimate
    final: Estimate
    final_difference: Estimate
    auc: AucEstimate


class TimeIndex(TypedDict):
    """What time explains without the video.

    ``duration_auc``: the length in seconds as a score. ``explained``: the share of the variance of all rewards that is between
    the means of 15 steps of time, over all episodes together; ``static_explained`` is that of the static videos.
    """

    duration_auc: AucEstimate
    explained: float | None
    static_explained: float | None
    episodes: int


class Plateau(TypedDict):
    """VOC of curves that are held from a ``share`` of their prefixes on.

    ``straight_line`` is that of a line that rises until there."""

    share: float
    voc: Estimate
    straight_line: float | None
    paper_at_least: float


class ControlReport(TypedDict):
    """``group`` says whose curves are compared: successes if there are any."""

    group: Group
    rows: list[ControlRow]
    left_out: dict[str, str]
    time_index: TimeIndex
    plateaus: list[Plateau]


def controls_of(readings: Sequence[Reading], bootstrap: Bootstrap) -> ControlReport:
    """Return the section."""
    group = best_group(readings)
    members = in_group(readings, group)
    found = {name: [(reading, curve) for reading in members if (curve := control_curve(reading, name))] for name in NAMES}
    return {
        "group": group,
        "rows": [_row(name, pairs, bootstrap) for name, pairs in found.items() if pairs],
        "left_out": {name: "No episode has this control." for name, pairs in found.items() if not pairs},
        "time_index": _time_index(readings, bootstrap),
        "plateaus": [_plateau(members, share, bootstrap) for share in PLATEAUS],
    }


def control_curve(reading: Reading, name: ControlName) -> ControlCurve | StaticControl | None:
    """Return a control of an episode; null if it was not requested."""
    if reading.result["method"] != "topreward" or not reading.result["controls"]:
        return None
    return reading.result["controls"][name]


def _row(name: ControlName, pairs: Sequence[tuple[Reading, ControlCurve | StaticControl]], bootstrap: Bootstrap) -> ControlRow:
    def mean(value: Callable[[Reading, ControlCurve | StaticControl], float | None]) -> Estimate:
        return mean_of([value(*pair) for pair in pairs], bootstrap)

    real = [float(reading.curve.rewards[-1]) for reading, _ in pairs]
    control = [float(curve["rewards"][-1]) for _, curve in pairs]
    return {
        "control": name,
        "real_voc": mean(lambda reading, _: reading.curve.voc),
        "voc": mean(lambda _, curve: curve["voc"]),
        "voc_difference": mean(lambda reading, curve: _minus(reading.curve.voc, curve["voc"])),
        "real_span": mean(lambda reading, _: reading.curve.span),
        "span": mean(lambda _, curve: curve["span"]),
        "real_final": mean_of(real, bootstrap),
        "final": mean_of(control, bootstrap),
        "final_difference": mean_of([a - b for a, b in zip(real, control, strict=True)], bootstrap),
        "auc": auc_of(real, control, bootstrap),
    }


def _minus(real: float | None, control: float | None) -> float | None:
    return None if real is None or control is None else real - control


def _time_index(readings: Sequence[Reading], bootstrap: Bootstrap) -> TimeIndex:
    still = [(reading, control_curve(reading, "static")) for reading in readings]
    static = [(reading.curve.shares, np.array(curve["rewards"])) for reading, curve in still if curve]
    durations = by_label(readings, lambda reading: reading.episode.duration_s)
    return {
        "duration_auc": auc_of(*durations, bootstrap),
        "explained": explained_by_time([(reading.curve.shares, reading.curve.rewards) for reading in readings]),
        "static_explained": explained_by_time(static),
        "episodes": len(readings),
    }


def explained_by_time(curves: Sequence[tuple[Floats, Floats]]) -> float | None:
    """Return the share of the variance of the values of all curves that the step of time explains (η²).

    :param curves: share of the episode 0…1, and value, of each prefix
    :returns: 0…1; null if there is no variance
    """
    if not curves:
        return None
    steps = np.round(np.concatenate([shares for shares, _ in curves]) * (_BINS - 1)).astype(int)
    values = np.concatenate([rewards for _, rewards in curves])
    total = float(((values - values.mean()) ** 2).sum())
    if total == 0:
        return None
    counts = np.bincount(steps, minlength=_BINS)
    means = np.bincount(steps, values, minlength=_BINS) / np.maximum(counts, 1)
    return float(np.clip((counts * (means - values.mean()) ** 2).sum() / total, 0.0, 1.0))


def held_from(values: Floats, share: float) -> Floats:
    """Return the values, with the one at a share of the prefixes repeated to the end. At least the first one is kept."""
    kept = max(1, int(np.floor(share * len(values) + 0.5)))
    return np.concatenate([values[:kept], np.full(len(values) - kept, values[kept - 1])])


def _plateau(readings: Sequence[Reading], share: float, bootstrap: Bootstrap) -> Plateau:
    lengths = [len(reading.curve.rewards) for reading in readings]
    usual = max(set(lengths), key=lambda length: (lengths.count(length), length), default=0)
    return {
        "share": share,
        "voc": mean_of([voc(held_from(reading.curve.rewards, share)) for reading in readings], bootstrap),
        "straight_line": voc(held_from(np.arange(usual, dtype=np.float64), share)) if usual else None,
        "paper_at_least": PLATEAU_VOC,
    }
