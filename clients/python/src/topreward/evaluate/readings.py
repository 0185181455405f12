"""What the sections read from the results: one curve for each episode and ``Question``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._contract import EpisodeResult, LikelihoodResult, RewardResult
from .evaluation import EvaluatedEpisode, Evaluation, Kind, Question
from .metrics import Floats

FINAL_PREFIXES = 3
"""The service's default of ``success.final_prefixes``."""

Group = Literal["successes", "failures", "all"]


@dataclass(frozen=True, slots=True)
class Curve:
    """The rewards of an episode. ``shares`` are the lengths of the prefixes as a share of the longest."""

    rewards: Floats
    shares: Floats
    score: float
    voc: float | None
    span: float
    flat: bool | None


@dataclass(frozen=True, slots=True)
class Reading:
    """An episode with its curve for the main ``Question``."""

    episode: EvaluatedEpisode
    curve: Curve
    result: RewardResult | LikelihoodResult


def curve_of(result: EpisodeResult | None) -> Curve | None:
    """Return the curve of a result; null if it has none, as with GVL."""
    if result is None or result["method"] == "gvl":
        return None
    lengths = np.array([prefix["length"] for prefix in result["prefixes"]], np.float64)
    return Curve(
        rewards=np.array([prefix["reward"] for prefix in result["prefixes"]], np.float64),
        shares=lengths / lengths[-1],
        score=float(result["score"]),
        voc=result["voc"],
        span=float(result["log_prob_range"]["span"]),
        flat=result["log_prob_range"]["flat"],
    )


def main_question(evaluation: Evaluation) -> Question | None:
    """Return the ``Question`` that most of the report is about: that of TOPReward, otherwise the next one that has curves."""
    order: tuple[Kind, ...] = ("topreward", "published", "answers", "instruction_likelihood")
    asked = [question for question in evaluation.questions if question.name not in evaluation.left_out]
    return next((question for kind in order for question in asked if question.kind == kind), None)


def readings_of(evaluation: Evaluation, question: Question | None) -> list[Reading]:
    """Return the episodes that have a curve for this ``Question``."""
    found: list[Reading] = []
    for episode in evaluation.episodes if question else ():
        result = episode.results.get(question.name) if question else None
        curve = curve_of(result)
        if curve is not None and result is not None and result["method"] != "gvl":
            found.append(Reading(episode, curve, result))
    return found


def final_prefixes(question: Question) -> int:
    """Return how many prefixes a score averages."""
    rule = question.asked.get("success") or {}
    return int(rule.get("final_prefixes", FINAL_PREFIXES))


def in_group(readings: Sequence[Reading], group: Group) -> list[Reading]:
    """Return the readings of a group. Episodes without a label are only in ``all``."""
    if group == "all":
        return list(readings)
    return [reading for reading in readings if reading.episode.success is (group == "successes")]


def best_group(readings: Sequence[Reading]) -> Group:
    """Return ``successes``, or ``all`` if no episode is labelled as one."""
    return "successes" if in_group(readings, "successes") else "all"


def by_label(readings: Sequence[Reading], measure: Callable[[Reading], float | None]) -> tuple[list[float], list[float]]:
    """Return the values of a measure for successes and for failures, without those that do not exist."""
    pairs = [(reading.episode.success, measure(reading)) for reading in readings]
    good = [value for success, value in pairs if success is True and value is not None]
    bad = [value for success, value in pairs if success is False and value is not None]
    return good, bad


def by_task(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    """Return the readings of each task, in the order of the names."""
    tasks: dict[str, list[Reading]] = {}
    for reading in readings:
        tasks.setdefault(reading.episode.task, []).append(reading)
    return dict(sorted(tasks.items()))
