"""Means and AUC with 95 % percentile bootstrap intervals over episodes. The same input and seed give the same numbers."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from .metrics import Floats, auc, newcombe

FEWEST = 3
_VALUES_AT_ONCE = 1_000_000


class Estimate(TypedDict):
    """A number from ``n`` episodes. ``value`` is null with none; ``low`` and ``high`` are null with fewer than three."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class AucEstimate(TypedDict):
    """AUC of a measure. ``low`` and ``high`` are null with fewer than three successes or failures.

    ``newcombe`` is the interval of the service's calibrations. It does not shrink to a point if all pairs are right.
    """

    value: float | None
    low: float | None
    high: float | None
    newcombe: tuple[float, float] | None
    successes: int
    failures: int


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How often to draw episodes again, and the seed of the report."""

    resamples: int
    seed: int


def mean_of(values: Iterable[float | None], bootstrap: Bootstrap) -> Estimate:
    """Return the mean of the values that exist."""
    known = np.sort(np.array([value for value in values if value is not None], np.float64))
    if not len(known):
        return {"value": None, "low": None, "high": None, "n": 0}

    def draw(rng: np.random.Generator, count: int) -> Floats:
        means: Floats = known[rng.integers(0, len(known), (count, len(known)))].mean(axis=1)
        return means

    low, high = _interval(draw, known, bootstrap)
    return {"value": float(known.mean()), "low": low, "high": high, "n": len(known)}


def auc_of(successes: Sequence[float], failures: Sequence[float], bootstrap: Bootstrap) -> AucEstimate:
    """Return the AUC, with an interval from successes and failures that are drawn again separately."""
    found: AucEstimate = {
        "value": None,
        "low": None,
        "high": None,
        "newcombe": None,
        "successes": len(successes),
        "failures": len(failures),
    }
    if not successes or not failures:
        return found
    found["value"] = value = auc(successes, failures)
    if min(len(successes), len(failures)) < FEWEST:
        return found
    found["newcombe"] = newcombe(value, len(successes), len(failures))
    good, bad = np.sort(np.array(successes)), np.sort(np.array(failures))
    below, up_to = np.searchsorted(bad, good, "left"), np.searchsorted(bad, good, "right")

    def draw(rng: np.random.Generator, count: int) -> Floats:
        """Each failure has a number of copies. A success is above those before its place."""
        copies = rng.multinomial(len(bad), np.full(len(bad), 1 / len(bad)), count)
        before = np.concatenate([np.zeros((count, 1)), np.cumsum(copies, axis=1)], axis=1)
        wins = (before[:, below] + before[:, up_to]) / 2
        weights = rng.multinomial(len(good), np.full(len(good), 1 / len(good)), count)
        shares: Floats = (wins * weights).sum(axis=1) / (len(good) * len(bad))
        return shares

    found["low"], found["high"] = _interval(draw, np.concatenate([good, bad]), bootstrap)
    return found


def _interval(
    draw: Callable[[np.random.Generator, int], Floats], values: Floats, bootstrap: Bootstrap
) -> tuple[float | None, float | None]:
    """The 2.5 % and 97.5 % quantiles of what is drawn, a few resamples at once so that memory stays small.

    The seed is that of the report and of the values: equal values have the same interval in every section.
    """
    if len(values) < FEWEST or bootstrap.resamples < 1:
        return None, None
    rng = np.random.default_rng([bootstrap.seed, zlib.crc32(values.tobytes())])
    at_once = max(1, _VALUES_AT_ONCE // len(values))
    parts = [min(at_once, bootstrap.resamples - start) for start in range(0, bootstrap.resamples, at_once)]
    low, high = np.quantile(np.concatenate([draw(rng, count) for count in parts]), [0.025, 0.975])
    return float(low), float(high)
