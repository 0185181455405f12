"""The episodes of a labelled set, before the service is asked."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .._contract import Problem
from ..lerobot.asking import problem_here
from ..lerobot.failures import UsageError
from ..lerobot.maker import Settings
from ..lerobot.requests import Footage


@dataclass(frozen=True, slots=True)
class Subject:
    """An episode with its label. ``footage`` is where its frames are, or why it cannot be sent.

    ``instruction`` is empty if the dataset has none; such an episode cannot be sent.

    ``identity`` is the SHA-256 of what decides its frames and their times, so that earlier results can be told from those of
    other frames. ``frames`` and ``seconds`` are null if only the service can say.
    """

    name: str
    task: str
    instruction: str
    success: bool | None
    footage: Footage | Problem
    identity: str
    frames: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Episodes to evaluate a model with. ``settings`` are what all of them share, by names that people read."""

    name: str
    settings: Settings
    subjects: tuple[Subject, ...]


def fault(code: str, detail: str) -> Problem:
    """Return why an episode cannot be sent."""
    return problem_here(code, detail)


def digest(value: object) -> str:
    """Return the SHA-256 of a value that JSON can hold, also with the names of files that are not Unicode."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def check_texts(found: LabelledSet, other_instruction: str | None) -> None:
    """Say which text cannot be sent or written, before anything is scored: half of a character, or a name of other bytes.

    :raises UsageError: if a text is not Unicode
    """
    texts = (found.name, other_instruction or "")
    for text in (*texts, *(text for each in found.subjects for text in (each.name, each.task, each.instruction))):
        if re.search("[\ud800-\udfff]", text):
            raise UsageError(f"{text!r} is not Unicode. Change this text, or rename this file.")


def other_instructions(subjects: Sequence[Subject], chosen: str | None) -> dict[str, str | None]:
    """Return, for each instruction of a set, the next one in alphabetical order; after the last one comes the first.

    :param chosen: use this one for all of them instead
    :returns: null for an instruction that has no other one, and for an episode without an instruction
    """
    known = sorted({subject.instruction for subject in subjects if subject.instruction})
    following = [chosen] * len(known) if chosen is not None else [*known[1:], *known[:1]]
    others = {own: other if other != own else None for own, other in zip(known, following, strict=True)}
    return {"": None, **others}
