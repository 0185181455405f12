"""Success: does the score tell successes from failures?"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

import numpy as np

from .counts import labelled
from .estimates import AucEstimate, Bootstrap, auc_of
from .metrics import Fit, auc, best_fit, fits
from .readings import Reading, by_label, by_task

FEWEST_FOR_A_THRESHOLD = 5
"""As in a calibration of the service."""


class Measure(TypedDict):
    """How well one number of an episode tells successes from failures.

    ``within_tasks`` is the mean AUC of the ``tasks`` that have both labels, null with none.
    """

    measure: str
    what: str
    auc: AucEstimate
    within_tasks: float | None
    tasks: int


class SuccessReport(TypedDict):
    """AUC of several measures; the threshold and the ROC curve are those of the score.

    ``missing`` says why there is no AUC or no threshold. A point of ``roc`` is (false positive rate, true positive rate).
    """

    missing: str | None
    measures: list[Measure]
    threshold: Fit | None
    roc: list[tuple[float, float]]


def success_of(readings: Sequence[Reading], final: int, bootstrap: Bootstrap) -> SuccessReport:
    """Return the section.

    :param final: how many prefixes the score averages
    """
    measures = [_measure(name, what, read, readings, bootstrap) for name, (what, read) in _measures(final).items()]
    good, bad = by_label(readings, lambda reading: reading.curve.score)
    found = fits(good + bad, [True] * len(good) + [False] * len(bad)) if good and bad else []
    enough = min(len(good), len(bad)) >= FEWEST_FOR_A_THRESHOLD
    best = best_fit(found) if enough else None
    return {
        "missing": _missing(len(good), len(bad), best is not None),
        "measures": [measure for measure in measures if measure["auc"]["value"] is not None],
        "threshold": best,
        "roc": roc_corners([(1 - fit["specificity"], fit["sensitivity"]) for fit in found]),
    }


def _measures(final: int) -> Mapping[str, tuple[str, Callable[[Reading], float | None]]]:
    last = "the last prefix" if final == 1 else f"the last {final} prefixes"
    return {
        "score": (f"Mean reward of {last}: the paper's score", lambda reading: reading.curve.score),
        "last": ("Reward of the last prefix", lambda reading: float(reading.curve.rewards[-1])),
        "log_odds": (f"Mean log odds of True against False over {last}", lambda reading: _log_odds(reading, final)),
        "corrected": ("Score minus that of the static video", _corrected),
        "voc": ("VOC, which GVL uses as its score", lambda reading: reading.curve.voc),
        "change": ("Reward of the last prefix minus that of the first", _change),
    }


def _log_odds(reading: Reading, final: int) -> float | None:
    if reading.result["method"] != "topreward":
        return None
    return float(np.mean([prefix["log_odds"] for prefix in reading.result["prefixes"][-final:]]))


def _corrected(reading: Reading) -> float | None:
    controls = reading.result["controls"] if reading.result["method"] == "topreward" else None
    return float(controls["static"]["corrected"]["score"]) if controls and controls["static"] else None


def _change(reading: Reading) -> float:
    return float(reading.curve.rewards[-1] - reading.curve.rewards[0])


def _measure(
    name: str, what: str, read: Callable[[Reading], float | None], readings: Sequence[Reading], bootstrap: Bootstrap
) -> Measure:
    good, bad = by_label(readings, read)
    pairs = [by_label(of_task, read) for of_task in by_task(readings).values()]
    values = [auc(*pair) for pair in pairs if pair[0] and pair[1]]
    return {
        "measure": name,
        "what": what,
        "auc": auc_of(good, bad, bootstrap),
        "within_tasks": float(np.mean(values)) if values else None,
        "tasks": len(values),
    }


def _missing(successes: int, failures: int, has_threshold: bool) -> str | None:
    found = f"Episodes with a score: {labelled(successes, failures)}"
    if not successes or not failures:
        return f"{found}. An AUC and a threshold need both."
    if min(successes, failures) < FEWEST_FOR_A_THRESHOLD:
        return f"{found}. A threshold needs at least {FEWEST_FOR_A_THRESHOLD} of each."
    return None if has_threshold else "No threshold is better than chance: successes do not score higher than failures."


def roc_corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the ROC curve from (0, 0), without the points inside straight lines along an axis."""
    corners: list[tuple[float, float]] = [(0.0, 0.0)] if points else []
    for point in points:
        if len(corners) > 1 and any(corners[-2][axis] == corners[-1][axis] == point[axis] for axis in (0, 1)):
            corners.pop()
        corners.append(point)
    return corners
