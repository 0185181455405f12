"""The gate and its filter file."""

import json

from topreward.evaluate.evaluation import Evaluation
from topreward.evaluate.filter import Filter, filter_of
from topreward.evaluate.report import report_of

from .evaluations import episode, evaluation, reward_result


def with_scores(names: list[str]) -> Evaluation:
    """Episodes with the scores −1, −2, −3 …, the last one with a problem."""
    scored = [episode(name, reward_result([-1.0 - place] * 3), True) for place, name in enumerate(names[:-1])]
    return evaluation([*scored, episode(names[-1], None)])


def filtered(names: list[str], gate: float | None) -> Filter:
    found = filter_of(report_of(with_scores(names), gate, 0, 0))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_a_score_at_the_bar_is_kept() -> None:
    found = filtered(["0", "1", "2", "3"], -2.0)
    assert (found["gate"], found["keep"]) == (-2.0, [0, 1])
    assert found["drop"] == [
        {"episode": 2, "score": -3.0, "reason": "score below the gate"},
        {"episode": 3, "score": None, "reason": "no score: video-damaged"},
    ]
    assert found["dataset"] == {"mean": -2.0, "keep": True}
    assert "--dataset.episodes" in found["use"]


def test_a_set_reaches_its_own_mean() -> None:
    """As the bar of an audited set: the mean in its report.json is rounded, possibly up."""
    scores = [-1.2345678, -2.3456789, -0.1234567, -7.7777777]
    of = evaluation([episode(str(place), reward_result([score] * 3), True) for place, score in enumerate(scores)])
    mean = report_of(of, None, 0, 0)["gate"]["mean"]["value"]
    assert mean is not None
    assert mean > sum(scores) / len(scores)
    assert report_of(of, mean, 0, 0)["gate"]["keep_dataset"] is True
    assert report_of(of, mean + 0.001, 0, 0)["gate"]["keep_dataset"] is False


def test_the_bar_may_be_as_far_off_as_six_digits_are() -> None:
    of = evaluation([episode("0", reward_result([-1.0000049] * 3), True)])
    mean = report_of(of, None, 0, 0)["gate"]["mean"]["value"]
    assert mean == -1.0
    assert report_of(of, mean, 0, 0)["gate"]["keep_dataset"] is True
    assert report_of(of, mean + 2e-5, 0, 0)["gate"]["keep_dataset"] is False


def test_a_dataset_below_the_bar_is_dropped_as_a_whole() -> None:
    assert filtered(["0", "1", "2", "3"], -1.5)["dataset"] == {"mean": -2.0, "keep": False}


def test_without_a_bar_only_episodes_without_a_score_are_dropped() -> None:
    found = filtered(["0", "1", "2"], None)
    assert (found["gate"], found["keep"], found["dataset"]["keep"]) == (None, [0, 1], None)
    assert [row["episode"] for row in found["drop"]] == [2]


def test_names_stay_names_unless_all_are_numbers() -> None:
    assert filtered(["0", "a/b.mp4", "2"], -9.0)["keep"] == ["0", "a/b.mp4"]
    assert filtered(["007", "8", "9"], -9.0)["keep"] == ["007", "8"]


def test_the_report_says_what_the_gate_did() -> None:
    gate = report_of(with_scores(["0", "1", "2", "3"]), -2.0, 0, 0)["gate"]
    assert (gate["kept"], gate["dropped"], gate["unscored"], gate["successes_mean"]) == (2, 1, 1, -2.0)
    assert gate["mean"] == {"value": -2.0, "low": None, "high": None, "n": 3}
    unjudged = report_of(with_scores(["0", "1", "2", "3"]), None, 0, 0)["gate"]
    assert (unjudged["kept"], unjudged["dropped"], unjudged["unscored"]) == (0, 0, 1)


def test_the_mean_of_the_successes_is_theirs() -> None:
    scores = {-1.0: True, -2.0: True, -6.0: False, -7.0: None}
    of = evaluation([episode(str(score), reward_result([score] * 3), label) for score, label in scores.items()])
    gate = report_of(of, None, 0, 0)["gate"]
    assert (gate["mean"]["value"], gate["successes_mean"]) == (-4.0, -1.5)


def test_an_episode_that_was_not_asked_has_no_score() -> None:
    of = evaluation([episode("0", None, results={}, problems={}), episode("1", reward_result([-1.0] * 3))])
    found = filter_of(report_of(of, -2.0, 0, 0))
    assert found["keep"] == [1]
    assert found["drop"] == [{"episode": 0, "score": None, "reason": "no score: not asked"}]


def test_nothing_was_scored() -> None:
    found = filter_of(report_of(evaluation([episode("0", None)]), -1.0, 0, 0))
    assert found["dataset"] == {"mean": None, "keep": None}
