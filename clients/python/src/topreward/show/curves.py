"""The curves of an episode, from a result or from a run of ``topreward annotate``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from .._contract import RewardResult
from ..annotate.folder import finished_outcomes, journal_path, read_plan
from ..annotate.journal import read_journal
from ..annotate.outcomes import Outcome
from ..lerobot.failures import UsageError
from ..lerobot.files import read_object


@dataclass(frozen=True, slots=True)
class Curve:
    """Values at frames: their numbers from 0, and their times in seconds from the first frame of the episode."""

    frames: Sequence[int]
    seconds: Sequence[float]
    values: Sequence[float]


def curves_of_file(path: Path) -> dict[str, Curve]:
    """Return the curves of a response of ``POST /v1/rewards`` by their names.

    Such a response has the times of prefixes only. The times between them are linear. Progress after the longest prefix is
    constant, and left out.

    :raises UsageError: if the file has no result of the method ``topreward``
    """
    result = read_object(path)
    if result.get("method", "topreward") != "topreward" or not result.get("prefixes"):
        raise UsageError(f'{path} is not a result of POST /v1/rewards with the method "topreward".')
    return _curves_of_result(cast(RewardResult, result))


def _curves_of_result(result: RewardResult) -> dict[str, Curve]:
    prefixes = result["prefixes"]
    ends = [prefix["length"] - 1 for prefix in prefixes]
    times = [prefix["time_s"] for prefix in prefixes]
    frames = list(range(ends[-1] + 1))
    seconds = np.interp(frames, [0, *ends], [0.0, *times]).tolist()
    success = result["success"]
    return _curves(
        Curve(ends, times, [prefix["log_prob_true"] for prefix in prefixes]),
        Curve(frames, seconds, (result["progress_curve"] or [])[: len(frames)]),
        success["threshold"] if success else None,
    )


def curves_of_episode(folder: Path, episode: int) -> dict[str, Curve]:
    """Return the curves of an episode of a run, also while the run works.

    :param folder: the folder of the run
    :raises UsageError: if the folder has no run, or if the episode has no numbers
    """
    plan = read_plan(folder)
    outcome = _outcome(folder, episode)
    if outcome is None:
        raise UsageError(f"{folder} has no numbers of episode {episode}.")
    if outcome.scores is None:
        reason = f"{outcome.failure.code}: {outcome.failure.detail}" if outcome.failure else ""
        raise UsageError(f"Episode {episode} has no numbers: {reason}")
    scores, fps = outcome.scores, float(plan.settings["fps"])
    ends = [length - 1 for length in scores.prefix_lengths]
    frames = list(range(len(scores.progress)))
    return _curves(
        Curve(ends, [end / fps for end in ends], scores.log_prob_true),
        Curve(frames, [frame / fps for frame in frames], scores.progress),
        scores.success_threshold,
    )


def _outcome(folder: Path, episode: int) -> Outcome | None:
    for unit in read_plan(folder).units:
        known = finished_outcomes(folder, unit.name, unit.run) or read_journal(journal_path(folder, unit.name), unit.run)
        if episode in known:
            return known[episode]
    return None


def _curves(log_prob: Curve, progress: Curve, threshold: float | None) -> dict[str, Curve]:
    """All curves that there are. The threshold has a value at the first and at the last frame."""
    curves = {"log_prob_true": log_prob}
    if progress.values:
        curves["progress"] = progress
    if threshold is not None:
        places = sorted({0, len(progress.frames) - 1})
        ends = [(progress.frames[place], progress.seconds[place]) for place in places]
        frames, seconds = zip(*ends, strict=True)
        curves["success_threshold"] = Curve(frames, seconds, [threshold] * len(places))
    return curves
