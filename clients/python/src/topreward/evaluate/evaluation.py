"""What an evaluation knows: the episodes with their labels, what the service was asked, and its results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .._contract import EpisodeResult, Model, Problem

Kind = Literal["topreward", "published", "answers", "instruction_likelihood", "gvl"]


@dataclass(frozen=True, slots=True)
class Question:
    """One request about every episode.

    ``name`` is unique: the kind, or ``answers`` and the texts. ``asked`` has members of the contract's Episode, without the
    instruction, the clock and the other instruction of an episode.
    """

    name: str
    kind: Kind
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluatedEpisode:
    """An episode, its label, and what the service said about it.

    ``name`` is the number or the path of the episode. Episodes with the same ``task`` are compared with each other. ``success``
    is null without a label. ``results`` and ``problems`` are by the name of the question: one of both for each question that
    the engine can answer.
    """

    name: str
    task: str
    instruction: str
    other_instruction: str | None
    success: bool | None
    frames: int
    duration_s: float
    results: Mapping[str, EpisodeResult]
    problems: Mapping[str, Problem]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A labelled set after it was scored.

    ``left_out`` has the questions that the engine cannot answer, and why. ``dataset`` is the name that the report shows;
    ``published_name`` is the name under which the paper has figures, null if it has none.
    """

    dataset: str
    published_name: str | None
    model: Model
    questions: tuple[Question, ...]
    left_out: Mapping[str, str]
    episodes: tuple[EvaluatedEpisode, ...]
