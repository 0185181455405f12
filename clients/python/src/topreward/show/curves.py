"""The curves of an episode, from a result or from a run of ``topreward annotate``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..annotate.folder import finished_outcomes, journal_path, read_plan
from ..annotate.journal import read_journal
from ..annotate.outcomes import Outcome
from ..lerobot.failures import UsageError
from ..lerobot.files import read_object

MOST_FRAMES = 10**9
# rerun counts nanoseconds, and takes a larger number for milliseconds.
LONGEST_S = 10**9
MOST = 1e30


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
    try:
        return _curves_of_result(result)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise UsageError(f'{path} is not a result of POST /v1/rewards with the method "topreward".') from error


def _curves_of_result(result: Any) -> dict[str, Curve]:
    """Nobody has checked the result: numbers that are none, or too many frames, must not get further than this."""
    prefixes = result["prefixes"]
    ends = [_index(prefix["length"]) - 1 for prefix in prefixes]
    times = _numbers([prefix["time_s"] for prefix in prefixes], LONGEST_S)
    progress = _numbers(result["progress_curve"] or [], MOST)[: ends[-1] + 1]
    frames = list(range(len(progress)))
    seconds = np.interp(frames, [0, *ends], [0.0, *times]).tolist()
    success = result["success"]
    return _curves(
        Curve(ends, times, _numbers([prefix["log_prob_true"] for prefix in prefixes], MOST)),
        Curve(frames, seconds, progress),
        _numbers([success["threshold"]], MOST)[0] if success else None,
    )


def _index(value: Any) -> int:
    """:raises ValueError: if it is not a whole number from 1 on"""
    if type(value) is int and 1 <= value <= MOST_FRAMES:
        return value
    raise ValueError(value)


def _numbers(values: Any, most: float) -> list[float]:
    """:raises ValueError: if one is not a number from -most to most"""
    for value in values:
        if type(value) not in (int, float) or not -most <= value <= most:
            raise ValueError(value)
    return [float(value) for value in values]


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
    """All curves that there are. The threshold has a value at the first frame and at the end of the longest prefix."""
    curves = {"log_prob_true": log_prob}
    if progress.values:
        curves["progress"] = progress
    if threshold is not None:
        first = [(0, 0.0)] if log_prob.frames[-1] else []
        frames, seconds = zip(*first, (log_prob.frames[-1], log_prob.seconds[-1]), strict=True)
        curves["success_threshold"] = Curve(frames, seconds, [threshold] * len(frames))
    return curves
