"""One row for each episode, with its curve for the plots."""

from typing import TypedDict

from .control import control_curve
from .evaluation import EvaluatedEpisode, Evaluation, Question
from .gate import passes
from .readings import Reading


class EpisodeRow(TypedDict):
    """An episode and its numbers for the main ``Question``; null where the service has none.

    ``rewards`` and ``static`` have a value for each prefix, ``shares`` its length as a share of the longest. ``keep`` is null
    without a bar.
    """

    name: str
    task: str
    instruction: str
    success: bool | None
    duration_s: float
    score: float | None
    voc: float | None
    span: float | None
    flat: bool | None
    warnings: list[str]
    problem: str | None
    keep: bool | None
    shares: list[float]
    rewards: list[float]
    static: list[float] | None


def rows_of(evaluation: Evaluation, main: Question | None, readings: list[Reading], bar: float | None) -> list[EpisodeRow]:
    """Return the rows, in the order of the evaluation."""
    known = {id(reading.episode): reading for reading in readings}
    return [_row(episode, main, known.get(id(episode)), bar) for episode in evaluation.episodes]


def _row(episode: EvaluatedEpisode, main: Question | None, reading: Reading | None, bar: float | None) -> EpisodeRow:
    problem = episode.problems.get(main.name) if main else None
    curve = reading.curve if reading else None
    static = control_curve(reading, "static") if reading else None
    return {
        "name": episode.name,
        "task": episode.task,
        "instruction": episode.instruction,
        "success": episode.success,
        "duration_s": episode.duration_s,
        "score": curve.score if curve else None,
        "voc": curve.voc if curve else None,
        "span": curve.span if curve else None,
        "flat": curve.flat if curve else None,
        "warnings": [warning["code"] for warning in reading.result["warnings"]] if reading else [],
        "problem": problem["code"] if problem else None,
        "keep": passes(curve.score, bar) if curve else None,
        "shares": curve.shares.tolist() if curve else [],
        "rewards": curve.rewards.tolist() if curve else [],
        "static": [float(value) for value in static["rewards"]] if static else None,
    }
