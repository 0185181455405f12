"""What is asked, and with which other instruction."""

import pytest

from topreward.evaluate.questions import KINDS, asked_of, parse_pairs, parse_questions, questions_of
from topreward.evaluate.subjects import Subject, fault, other_instructions
from topreward.lerobot.failures import UsageError


def subject(instruction: str) -> Subject:
    return Subject("a", "task", instruction, None, fault("file-missing", "gone"), "id", None, None)


@pytest.mark.parametrize(("prompt", "true", "false"), [("open", " Yes", " No"), ("chat", "Yes", "No")])
def test_an_answer_continues_the_open_prompt_and_begins_a_turn_of_chat(prompt: str, true: str, false: str) -> None:
    (question,) = questions_of(["answers"], {"count": 5}, prompt, parse_pairs(["Yes|No"]), 20)  # type: ignore[arg-type]
    assert question.name == "answers Yes|No"
    assert question.asked == {
        "prefixes": {"count": 5},
        "prompt": prompt,
        "answers": {"true_texts": [true], "false_texts": [false]},
    }


def test_every_kind_is_one_question_but_answers_are_one_for_each_pair() -> None:
    questions = questions_of(KINDS, {"every": 2}, "open", [("Yes", "No"), ("1", "0")], 0)
    assert [question.name for question in questions] == [
        "topreward",
        "published",
        "answers Yes|No",
        "answers 1|0",
        "instruction_likelihood",
        "gvl",
    ]
    assert questions[0].asked["controls"] == {"static": True, "reversed": True}
    assert "top_answers" not in questions[0].asked
    assert questions[1].asked["pipeline"] == "published"
    # The prompt of the instruction likelihood is another one, and GVL has no prefixes.
    assert questions[4].asked == {"method": "instruction_likelihood", "prefixes": {"every": 2}}
    assert questions[5].asked == {"method": "gvl"}


def test_only_a_question_with_controls_has_the_other_instruction() -> None:
    topreward, published = questions_of(["topreward", "published"], {"count": 5}, "open", [], 20)
    asked = asked_of(topreward, "Open it.", "Close it.")
    assert asked["controls"] == {"static": True, "reversed": True, "other_instruction": "Close it."}
    assert asked["instruction"] == "Open it."
    assert "other_instruction" not in topreward.asked["controls"]
    assert "controls" not in asked_of(published, "Open it.", "Close it.")
    assert "other_instruction" not in asked_of(topreward, "Open it.", None)["controls"]


def test_the_other_instruction_is_the_next_one_of_the_set() -> None:
    subjects = [subject(text) for text in ("C", "A", "", "B", "A")]
    assert other_instructions(subjects, None) == {"": None, "A": "B", "B": "C", "C": "A"}
    assert other_instructions(subjects[:1], None) == {"": None, "C": None}
    assert other_instructions(subjects, "B") == {"": None, "A": "B", "B": None, "C": "B"}


def test_questions_have_one_order() -> None:
    assert parse_questions("gvl, topreward") == ("topreward", "gvl")
    with pytest.raises(UsageError, match="there is no question 'gvls'"):
        parse_questions("topreward,gvls")


@pytest.mark.parametrize("text", ["Yes", "Yes|", "|No", "Yes|No|Maybe", "Yes|Yes", " | "])
def test_a_pair_has_two_different_texts(text: str) -> None:
    with pytest.raises(UsageError, match="is not TRUE"):
        parse_pairs([text])


def test_a_pair_is_asked_once() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_pairs(["Yes|No", " Yes | No"])
