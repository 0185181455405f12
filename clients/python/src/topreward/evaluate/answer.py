"""Answers ranked, as in appendix B of the paper: which texts and which tokens differ most between successes and failures?"""

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from .._contract import TopAnswer
from .estimates import AucEstimate, Bootstrap, auc_of
from .evaluation import Evaluation, Question
from .readings import Reading, by_label, in_group, readings_of

MOST_TOKENS = 10


class AnswerRow(TypedDict):
    """A choice of answers. Probabilities are those of its texts for True after the complete video; means by label."""

    question: str
    true_texts: list[str]
    false_texts: list[str]
    successes: float | None
    failures: float | None
    difference: float | None
    auc: AucEstimate


class TokenRow(TypedDict):
    """A token. Means by label are between (low, high): where an episode does not list it, only a bound is known.

    ``difference`` is successes − failures. ``listed``: how many successes and failures list the token.
    """

    text: str
    id: int
    successes: tuple[float, float]
    failures: tuple[float, float]
    difference: tuple[float, float]
    listed: tuple[int, int]


class AnswerReport(TypedDict):
    """Both rankings. ``successes`` and ``failures`` count the episodes with a list of tokens; ``tokens`` needs both."""

    choices: list[AnswerRow]
    tokens: list[TokenRow]
    successes: int
    failures: int


def answers_of(evaluation: Evaluation, main: Sequence[Reading], bootstrap: Bootstrap) -> AnswerReport:
    """Return the section.

    :param main: readings of the main ``Question``, for the tokens
    """
    asked = [question for question in evaluation.questions if question.kind in ("topreward", "answers")]
    rows = [_choice(question, readings_of(evaluation, question), bootstrap) for question in asked]
    good, bad = (_lists(main, success) for success in (True, False))
    return {
        "choices": sorted((row for row in rows if row), key=lambda row: -abs(row["difference"] or 0.0)),
        "tokens": _tokens(good, bad) if good and bad else [],
        "successes": len(good),
        "failures": len(bad),
    }


def _choice(question: Question, readings: Sequence[Reading], bootstrap: Bootstrap) -> AnswerRow | None:
    result = readings[0].result if readings else None
    if result is None or result["method"] != "topreward":
        return None
    answers = result["provenance"]["answers"]
    good, bad = by_label(readings, _last_probability)
    successes, failures = (float(np.mean(values)) if values else None for values in (good, bad))
    scores = by_label(readings, lambda reading: reading.curve.score)
    return {
        "question": question.name,
        "true_texts": answers["true_texts"],
        "false_texts": answers["false_texts"],
        "successes": successes,
        "failures": failures,
        "difference": None if successes is None or failures is None else successes - failures,
        "auc": auc_of(*scores, bootstrap),
    }


def _last_probability(reading: Reading) -> float | None:
    result = reading.result
    return math.exp(result["prefixes"][-1]["log_prob_true"]) if result["method"] == "topreward" else None


def _lists(readings: Sequence[Reading], success: bool) -> list[list[TopAnswer]]:
    results = [reading.result for reading in in_group(readings, "successes" if success else "failures")]
    return [result["top_answers"] for result in results if result["method"] == "topreward" and result["top_answers"]]


def _tokens(good: Sequence[list[TopAnswer]], bad: Sequence[list[TopAnswer]]) -> list[TokenRow]:
    """The tokens with the largest difference that is certain; of equal ones, the largest in the middle of the bounds."""
    texts = {answer["id"]: answer["text"] for answers in (*good, *bad) for answer in answers}
    (successes, unlisted), (failures, unlisted_bad) = _bounds(good), _bounds(bad)
    rows: list[TokenRow] = []
    for token, text in texts.items():
        low, high, listed = successes.get(token, (0.0, unlisted, 0))
        low_bad, high_bad, listed_bad = failures.get(token, (0.0, unlisted_bad, 0))
        rows.append(
            {
                "text": text,
                "id": token,
                "successes": (low, high),
                "failures": (low_bad, high_bad),
                "difference": (low - high_bad, high - low_bad),
                "listed": (listed, listed_bad),
            }
        )
    rows.sort(key=lambda row: (-_certain(row["difference"]), -abs(sum(row["difference"])), row["id"]))
    return rows[:MOST_TOKENS]


def _certain(difference: tuple[float, float]) -> float:
    low, high = difference
    return 0.0 if low <= 0 <= high else min(abs(low), abs(high))


def _bounds(lists: Sequence[list[TopAnswer]]) -> tuple[dict[int, tuple[float, float, int]], float]:
    """Bounds of the mean probability of each token, in how many lists it is, and the upper bound of one that is in none.

    A token that is not in a list has at most the probability of the least likely one there, and at most the rest up to 1.
    """
    most = [_most_unlisted(answers) for answers in lists]
    unlisted = sum(most)
    found: dict[int, tuple[float, float, int]] = {}
    for answers, bound in zip(lists, most, strict=True):
        for answer in answers:
            low, high, listed = found.get(answer["id"], (0.0, unlisted, 0))
            probability = math.exp(answer["log_prob"])
            found[answer["id"]] = (low + probability, high + probability - bound, listed + 1)
    count = len(lists)
    return {
        token: (low / count, max(low, high) / count, listed) for token, (low, high, listed) in found.items()
    }, unlisted / count


def _most_unlisted(answers: Sequence[TopAnswer]) -> float:
    probabilities = [math.exp(answer["log_prob"]) for answer in answers]
    return min(max(0.0, 1.0 - sum(probabilities)), *probabilities)
