"""The bar of the quality gate, as ``--gate`` says it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .._contract import Model
from ..lerobot.failures import UsageError
from ..lerobot.files import json_of, read_text
from ..lerobot.maker import Settings, differences
from .evaluation import Evaluation, Question
from .readings import in_group, main_question, readings_of

# Reports of version 0.2 name no profile.
DEFAULT_PROFILE = "qwen3-vl"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the score, in nats: a number, the mean of the set's own successes, or none.

    ``made`` says how the scores behind the number were made; empty if a person chose it.
    """

    value: float | None
    of_successes: bool = False
    made: Settings = field(default_factory=dict)


def bar_of(text: str | None) -> Bar:
    """Read ``-1.5``, ``mean``, or the path of an earlier report.json.

    :raises UsageError: if it is none of them, or if the report has no mean score
    """
    if text is None or text == "mean":
        return Bar(None, of_successes=text == "mean")
    try:
        value = float(text)
    except ValueError:
        return _of_report(Path(text))
    if not math.isfinite(value):
        raise UsageError(f"--gate {text!r} is not a finite number.")
    return Bar(value)


def _of_report(path: Path) -> Bar:
    if not path.is_file():
        raise UsageError(f"--gate {str(path)!r} is neither a number, nor mean, nor the report.json of an audited set.")
    text = read_text(path)
    try:
        report = json_of(text, str(path))
        mean, made = report["gate"]["mean"]["value"], report["made"]
        asked = next(question["asked"] for question in made["questions"] if question["name"] == made["main"])
        settings = _made(str(made["model"]), str(made.get("profile", DEFAULT_PROFILE)), str(made["main"]), asked)
    except (UsageError, KeyError, TypeError, AttributeError, StopIteration):
        raise UsageError(f"--gate {path} is not a report.json of topreward evaluate with scores.") from None
    if not isinstance(mean, float) or not math.isfinite(mean):
        raise UsageError(f"--gate {path} has no mean score: none of its episodes was scored.")
    return Bar(mean, made=settings)


def check_bar(bar: Bar, model: Model, main: Question | None) -> None:
    """Compare how the scores behind a bar were made with how the scores of a run will be made.

    :param main: the question whose scores are judged; null if only the model is known yet
    :raises UsageError: if the scores cannot be compared
    """
    if not bar.made:
        return
    served = {"model": model["model"], "profile": model["profile"]["name"]}
    now = {**_made("", "", main.name, main.asked), **served} if main else {**bar.made, **served}
    changed = differences(bar.made, now)
    if changed:
        raise UsageError(f"--gate: the scores of that report cannot be compared with these: {'; '.join(changed)}.")


def _made(model: str, profile: str, question: str, asked: Mapping[str, Any]) -> Settings:
    """What decides a score, by names that people read."""
    return {
        "model": model,
        "profile": profile,
        "question": question,
        "prefixes": ", ".join(f"{name}={number}" for name, number in asked.get("prefixes", {}).items()),
        "prompt": str(asked.get("prompt")),
    }


def value_of(bar: Bar, evaluation: Evaluation) -> float | None:
    """Return the bar for an evaluation, in nats; null for none.

    :raises UsageError: if it is the mean of no episodes, or of scores that were made in another way
    """
    main = main_question(evaluation)
    check_bar(bar, evaluation.model, main)
    if not bar.of_successes:
        return bar.value
    good = [reading.curve.score for reading in in_group(readings_of(evaluation, main), "successes")]
    if not good:
        raise UsageError("--gate mean: no episode that is labelled a success has a score.")
    return float(np.mean(good))
