"""The outcome of one episode: its numbers, or why there are none."""

import json
from dataclasses import asdict, dataclass

import numpy as np

from .._contract import RewardResult
from ..lerobot.episodes import Episode


@dataclass(frozen=True, slots=True)
class Scores:
    """What is kept of a result. ``progress`` has one value for each frame, the other lists one for each prefix."""

    progress: list[float]
    prefix_lengths: list[int]
    log_prob_true: list[float]
    score: float
    success: bool | None
    success_threshold: float | None
    voc: float | None
    log_prob_span: float
    flat: bool | None
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an episode has no numbers. ``code`` is that of the service's problem, or one of ``topreward annotate``."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Either the scores or the failure of an episode. ``instruction`` is null if the dataset has none."""

    episode: int
    instruction: str | None
    scores: Scores | None
    failure: Failure | None


def outcome_of_result(episode: Episode, instruction: str, result: RewardResult) -> Outcome:
    """Keep the numbers of a result with progress, if it has as many frames as the table of episodes says."""
    progress = result["progress_curve"] or []
    if len(progress) != episode.length:
        detail = f"The video has {len(progress)} frames for this episode, the table of episodes says {episode.length}."
        return failed(episode, instruction, "frame-count", detail)
    success = result["success"]
    scores = Scores(
        # The file of LeRobot has single precision. Rounded here, a journal and a part have the same numbers.
        progress=[float(value) for value in np.asarray(progress, np.float32)],
        prefix_lengths=[prefix["length"] for prefix in result["prefixes"]],
        log_prob_true=[float(prefix["log_prob_true"]) for prefix in result["prefixes"]],
        score=float(result["score"]),
        success=success and success["flag"],
        success_threshold=success and success["threshold"],
        voc=result["voc"],
        log_prob_span=float(result["log_prob_range"]["span"]),
        flat=result["log_prob_range"]["flat"],
        warnings=[*(warning["code"] for warning in result["warnings"]), *_drift(episode)],
    )
    return Outcome(episode.index, instruction, scores, None)


def _drift(episode: Episode) -> list[str]:
    """A warning if the start of an episode may lie one frame off. Larger gaps are episodes that were left out."""
    drift = abs(episode.clip.drift) if episode.clip else 0.0
    return ["timestamp-drift"] if 0.5 <= drift < 2 else []


def failed(episode: Episode, instruction: str | None, code: str, detail: str) -> Outcome:
    """Return the outcome of an episode without numbers."""
    return Outcome(episode.index, instruction, None, Failure(code, detail))


def to_json(outcome: Outcome) -> str:
    """Return one line. Numbers keep all their digits."""
    return json.dumps(asdict(outcome), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_json(line: str) -> Outcome:
    """Read what ``to_json`` wrote."""
    known = json.loads(line)
    return Outcome(
        known["episode"],
        known["instruction"],
        known["scores"] and Scores(**known["scores"]),
        known["failure"] and Failure(**known["failure"]),
    )
