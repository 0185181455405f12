"""What the service is asked about every episode."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from .._contract import PromptVariant
from ..lerobot.failures import UsageError
from .evaluation import Kind, Question

KINDS: tuple[Kind, ...] = get_args(Kind)

# Pairs of single tokens in the vocabulary of large models that answer "True or not". The prompt's own pair is not among them:
# it is what the other questions ask. Compare App. B of the paper.
PAIRS = ("Yes|No", "yes|no", "true|false", "Correct|Incorrect", "Success|Failure", "Done|Failed")

# How many answers a service lists at most, and vLLM by default.
TOP_ANSWERS = 20


def questions_of(
    kinds: Sequence[Kind],
    prefixes: Mapping[str, int],
    prompt: PromptVariant,
    pairs: Sequence[tuple[str, str]],
    top_answers: int,
) -> tuple[Question, ...]:
    """Return the questions, in the order of KINDS.

    :param pairs: texts for True and for False, one question for each
    :param top_answers: how many of the most likely tokens to list; 0 for none
    """
    common: dict[str, Any] = {"prefixes": dict(prefixes), "prompt": prompt}
    listed = {"top_answers": top_answers} if top_answers else {}
    space = " " if prompt == "open" else ""  # the user turn does not end, so an answer is the next word of its sentence
    of_kind: dict[Kind, list[Question]] = {
        "topreward": [_question("topreward", {**common, "controls": {"static": True, "reversed": True}, **listed})],
        "published": [_question("published", {**common, "pipeline": "published"})],
        "answers": [
            Question(
                f"answers {true}|{false}",
                "answers",
                {**common, "answers": {"true_texts": [space + true], "false_texts": [space + false]}},
            )
            for true, false in pairs
        ],
        "instruction_likelihood": [
            _question("instruction_likelihood", {"method": "instruction_likelihood", "prefixes": dict(prefixes)})
        ],
        "gvl": [_question("gvl", {"method": "gvl"})],
    }
    return tuple(question for kind in KINDS if kind in kinds for question in of_kind[kind])


def _question(kind: Kind, asked: Mapping[str, Any]) -> Question:
    return Question(kind, kind, asked)


def asked_of(question: Question, instruction: str, other: str | None) -> dict[str, Any]:
    """Return a question about one episode, without its clock.

    :param other: the instruction of the control; null for none
    """
    asked = {"instruction": instruction, **question.asked}
    if other is None or "controls" not in asked:
        return asked
    return {**asked, "controls": {**asked["controls"], "other_instruction": other}}


def parse_questions(text: str) -> tuple[Kind, ...]:
    """Read ``topreward,published``.

    :raises UsageError: if there is no such question
    """
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise UsageError(f"--questions: there is no question {unknown[0]!r}. Known: {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if kind in names)


def parse_pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Read pairs like ``Yes|No``. Spaces around a text are dropped: the prompt decides whether it needs one.

    :raises UsageError: if it is not a pair of two different texts, or is there twice
    """
    pairs: list[tuple[str, str]] = []
    for text in texts:
        true, bar, false = (piece.strip() for piece in text.partition("|"))
        if not (true and bar and false) or "|" in false or true == false:
            raise UsageError(f"--answers {text!r} is not TRUE|FALSE, for example 'Yes|No'.")
        if (true, false) in pairs:
            raise UsageError(f"--answers {text!r} is there twice.")
        pairs.append((true, false))
    return pairs
