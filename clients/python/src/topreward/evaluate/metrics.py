"""Numbers of curves and of scores: rank correlations, AUC, thresholds. All of them are pure."""

import math
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


class Fit(TypedDict):
    """A threshold in nats, and the counts of episodes. At or above it, an episode counts as a success."""

    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    sensitivity: float
    specificity: float
    precision: float
    youden: float


def average_ranks(values: Sequence[float] | Floats) -> Floats:
    """Return ranks from 1, in the order of the values. Equal values get the mean of their ranks."""
    _, group, counts = np.unique(np.asarray(values, np.float64), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[group]
    return ranks


def voc(values: Sequence[float] | Floats) -> float | None:
    """Spearman's correlation of the values with their order, as the service computes it. Null if fewer than two differ."""
    return _with_order(average_ranks(values))


def pearson(values: Sequence[float] | Floats) -> float | None:
    """Pearson's correlation of the values with their order. Null if fewer than two differ."""
    return _with_order(np.asarray(values, np.float64))


def kendall(values: Sequence[float] | Floats) -> float | None:
    """Kendall's τ-a of the values with their order: (C − D) / (n (n − 1) / 2), ties count as neither. Null below two values."""
    array = np.asarray(values, np.float64)
    if len(array) < 2:
        return None
    signs = np.sign(array[None, :] - array[:, None])
    return float(np.triu(signs, 1).sum() / (len(array) * (len(array) - 1) / 2))


def _with_order(values: Floats) -> float | None:
    if len(values) < 2 or np.all(values == values[0]):
        return None
    centred = values - values.mean()
    largest = np.abs(centred).max()
    if largest == 0:
        return None
    centred = centred / largest  # squares of very small numbers would be 0
    order = np.arange(len(values)) - (len(values) - 1) / 2
    scale = math.sqrt(float(centred @ centred) * float(order @ order))
    return float(np.clip(float(centred @ order) / scale, -1.0, 1.0))


def auc(successes: Sequence[float] | Floats, failures: Sequence[float] | Floats) -> float:
    """Return the share of all pairs in which the success is above the failure, ties counted half. Both have at least one."""
    ranks = average_ranks(np.concatenate([np.asarray(successes), np.asarray(failures)]))[: len(successes)]
    count = len(successes)
    return float((ranks.sum() - count * (count + 1) / 2) / (count * len(failures)))


def newcombe(value: float, successes: int, failures: int) -> tuple[float, float]:
    """Return the 95 % interval of an AUC: Newcombe's method 5 (2006), as in a calibration of the service."""
    others = (successes + failures) / 2 - 1

    def is_within(theta: float) -> bool:
        spread = 1 + others * (1 - theta) / (2 - theta) + others * theta / (1 + theta)
        return (theta - value) ** 2 <= _Z**2 * theta * (1 - theta) * spread / (successes * failures)

    return _border(0.0, value, is_within), _border(1.0, value, is_within)


def _border(end: float, value: float, is_within: Callable[[float], bool]) -> float:
    inside, outside = value, end
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_within(middle) else (inside, middle)
    return inside


def fits(scores: Sequence[float], labels: Sequence[bool]) -> list[Fit]:
    """Return all thresholds that divide the episodes in different ways, the highest first. The service's calibrations do so.

    A threshold is halfway between the lowest score that counts as a success and the highest that does not.

    :param labels: at least one success and one failure
    """
    ordered = sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])
    successes = sum(labels)
    found: list[Fit] = []
    hits = 0
    for place, (score, label) in enumerate(ordered):
        hits += label
        following = ordered[place + 1][0] if place + 1 < len(ordered) else None
        if following != score:
            threshold = score if following is None else _between(following, score)
            found.append(_fit(threshold, hits, place + 1 - hits, successes, len(ordered) - successes))
    return found


def best_fit(found: Sequence[Fit]) -> Fit | None:
    """Return the fit with the largest Youden's J, of equal ones the highest threshold. Null if none is better than chance."""
    best = max(found, key=lambda fit: fit["youden"], default=None)
    return best if best and best["youden"] > 0 else None


def _fit(threshold: float, hits: int, false_alarms: int, successes: int, failures: int) -> Fit:
    return {
        "threshold": threshold,
        "true_positives": hits,
        "false_positives": false_alarms,
        "true_negatives": failures - false_alarms,
        "false_negatives": successes - hits,
        "sensitivity": hits / successes,
        "specificity": (failures - false_alarms) / failures,
        "precision": hits / (hits + false_alarms),
        # Computed from whole numbers, so that equal values compare as equal.
        "youden": (hits * failures - false_alarms * successes) / (successes * failures),
    }


def _between(lower: float, higher: float) -> float:
    middle = lower + (higher - lower) / 2
    return middle if middle > lower else higher  # two neighbouring doubles have no number between them
