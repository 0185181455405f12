"""The sections of a report: numbers counted by hand, and sets that have no numbers."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from topreward.evaluate import counts
from topreward.evaluate.evaluation import Evaluation, Question
from topreward.evaluate.html import html_of
from topreward.evaluate.report import Report, report_of

from .evaluations import (
    TOPREWARD,
    episode,
    evaluation,
    gvl_result,
    likelihood_result,
    problem,
    random_evaluation,
    reward_result,
)

RISING, FALLING, LEVEL = [-3.0, -2.0, -1.0], [-1.0, -2.0, -3.0], [-2.0, -2.0, -2.0]


def report(of: Evaluation, gate: float | None = None) -> Report:
    return report_of(of, gate, 200, 0)


def labelled(successes: Sequence[Sequence[float]], failures: Sequence[Sequence[float]]) -> Evaluation:
    good = [episode(f"good {place}", reward_result(rewards), True) for place, rewards in enumerate(successes)]
    bad = [episode(f"bad {place}", reward_result(rewards), False) for place, rewards in enumerate(failures)]
    return evaluation([*good, *bad])


def test_voc_leaves_undefined_ones_out_and_counts_them() -> None:
    groups = {group["group"]: group for group in report(labelled([RISING, LEVEL, RISING], [FALLING]))["order"]["overall"]}
    good = groups["successes"]
    assert (good["voc"]["value"], good["voc"]["n"], good["undefined"], good["flat"]) == (1.0, 2, 1, 1)
    assert good["voc_undefined_zero"]["value"] == pytest.approx(2 / 3, abs=1e-5)
    assert (good["voc_undefined_zero"]["n"], good["pearson_r"]["n"], good["kendall_tau_a"]["n"]) == (3, 3, 3)
    assert good["kendall_tau_a"]["value"] == pytest.approx(2 / 3, abs=1e-5)
    assert groups["failures"]["voc"]["value"] == -1.0
    assert groups["all"]["voc"]["value"] == pytest.approx(1 / 3, abs=1e-5)


def test_tasks_have_groups_of_their_own() -> None:
    a = [episode("0", reward_result(RISING), True, "a"), episode("1", reward_result(FALLING), False, "a")]
    b = [episode("2", reward_result(FALLING), None, "b")]
    tasks = report(evaluation([*b, *a]))["order"]["tasks"]
    assert [(task["task"], [group["group"] for group in task["groups"]]) for task in tasks] == [
        ("a", ["successes", "failures", "all"]),
        ("b", ["all"]),
    ]


def test_success_has_each_measure_overall_and_within_tasks() -> None:
    """In each task successes are above failures, but task b is lower than a in all: only the tasks see it."""
    curves = {"a": ([-3.0, -1.0], [-3.0, -2.0]), "b": ([-9.0, -5.0], [-9.0, -6.0])}
    episodes = []
    for task, pair in curves.items():
        for number in range(3):
            for success, rewards in zip((True, False), pair, strict=True):
                episodes.append(episode(f"{task}{number}{success}", reward_result(rewards), success, task))
    measures = {measure["measure"]: measure for measure in report(evaluation(episodes))["success"]["measures"]}
    score = measures["score"]
    assert score["auc"]["value"] == pytest.approx(0.75)
    assert (score["within_tasks"], score["tasks"]) == (1.0, 2)
    assert (score["auc"]["successes"], score["auc"]["failures"]) == (6, 6)
    assert measures["change"]["auc"]["value"] == 0.75
    assert measures["voc"]["auc"]["value"] == 0.5
    assert "corrected" not in measures  # no static control was asked


def test_measures_read_the_members_of_a_result() -> None:
    found = reward_result([-4.0, -3.0, -2.0, -1.0], {"static": [-4.0, -4.5, -4.0, -3.5]}, log_odds=[0.0, 1.0, 5.0, 6.0])
    other = reward_result([-4.0, -3.9, -2.1, -0.9], {"static": [-4.0, -5.0, -5.0, -5.0]}, log_odds=[9.0, 1.0, 5.0, 6.0])
    measures = {
        measure["measure"]: measure["auc"]["value"]
        for measure in report(evaluation([episode("0", found, True), episode("1", other, False)]))["success"]["measures"]
    }
    # Scores −2 and −2.3; last −1 and −0.9; log odds of the last three 4 and 4; corrected 2 and 2.7; VOC 1 and 1; changes 3
    # and 3.1.
    assert measures == {"score": 1.0, "last": 0.0, "log_odds": 0.5, "corrected": 0.0, "voc": 0.5, "change": 0.0}


def test_the_score_averages_as_many_prefixes_as_were_asked() -> None:
    question = Question("topreward", "topreward", {"success": {"final_prefixes": 1}})
    results = [reward_result(RISING, log_odds=[0.0, 0.0, 2.0]), reward_result(RISING, log_odds=[5.0, 5.0, 1.0])]
    episodes = [episode("0", results[0], True), episode("1", results[1], False)]
    measures = report(evaluation(episodes, [question]))["success"]["measures"]
    log_odds = next(measure for measure in measures if measure["measure"] == "log_odds")
    assert log_odds["what"].endswith("over the last prefix")
    assert log_odds["auc"]["value"] == 1.0


@pytest.mark.parametrize(
    ("successes", "failures", "reason"),
    [(3, 0, "An AUC and a threshold need both."), (4, 9, "A threshold needs at least 5 of each."), (0, 0, "need both")],
)
def test_it_says_why_there_is_no_threshold(successes: int, failures: int, reason: str) -> None:
    success = report(labelled([RISING] * successes, [FALLING] * failures))["success"]
    assert success["threshold"] is None
    assert reason in (success["missing"] or "")


def test_threshold_and_counts() -> None:
    success = report(labelled([[-1.0] * 3] * 5, [[-3.0] * 3] * 5))["success"]
    assert success["missing"] is None
    assert success["threshold"] is not None
    assert (success["threshold"]["threshold"], success["threshold"]["youden"]) == (-2.0, 1.0)
    assert success["roc"] == [(0, 0), (0, 1), (1, 1)]
    backwards = report(labelled([[-3.0] * 3] * 5, [[-1.0] * 3] * 5))["success"]
    assert backwards["threshold"] is None
    assert "better than chance" in (backwards["missing"] or "")


def test_controls_are_paired_and_only_successes_count() -> None:
    a = reward_result([-3.0, -2.0, -1.0], {"static": [-3.0, -2.5, -2.0], "reversed": [-1.0, -2.0, -3.0]})
    b = reward_result([-3.0, -2.0, -0.5], {"static": [-3.0, -3.0, -3.0], "reversed": [-1.0, -2.0, -3.0]})
    failed = reward_result([-3.0, -3.0, -9.0], {"static": [-3.0, -2.0, -1.0]})
    found = report(evaluation([episode("0", a, True), episode("1", b, True), episode("2", failed, False)]))["controls"]
    rows = {row["control"]: row for row in found["rows"]}
    assert found["group"] == "successes"
    assert found["left_out"] == {"other_instruction": "No episode has this control."}
    assert rows["static"]["final_difference"]["value"] == pytest.approx((1.0 + 2.5) / 2)
    assert rows["static"]["voc_difference"] == {"value": 0.0, "low": None, "high": None, "n": 1}  # that of b is undefined
    assert (rows["static"]["span"]["value"], rows["static"]["real_span"]["value"]) == (0.5, 2.25)
    assert rows["static"]["auc"]["value"] == 1.0
    assert rows["reversed"]["voc"]["value"] == -1.0
    assert rows["reversed"]["voc_difference"]["value"] == 2.0


def test_time_alone_is_the_duration_and_the_step() -> None:
    short = episode("0", reward_result(RISING, {"static": LEVEL}), True, duration_s=3.0)
    long = episode("1", reward_result(RISING, {"static": LEVEL}), False, duration_s=9.0)
    time = report(evaluation([short, long]))["controls"]["time_index"]
    assert time["duration_auc"]["value"] == 0.0
    assert time["explained"] == pytest.approx(1.0)
    assert time["static_explained"] is None  # it has no variance


def test_plateaus_beside_a_straight_line() -> None:
    line = np.linspace(-4, -1, 15).tolist()
    for row in report(labelled([line, line, line], []))["controls"]["plateaus"]:
        assert row["voc"]["value"] == row["straight_line"]
        assert (row["voc"]["n"], row["paper_at_least"]) == (3, 0.85)


def test_answers_are_ranked_by_their_difference() -> None:
    yes = Question("answers Yes|No", "answers", {"answers": {"true_texts": [" Yes"], "false_texts": [" No"]}})
    half, quarter = math.log(0.5), math.log(0.25)
    good = episode("0", reward_result([-3.0, half]), True)
    bad = episode("1", reward_result([-3.0, quarter]), False)
    results: list[dict[str, Any]] = [{"topreward": one.results["topreward"]} for one in (good, bad)]
    for found, share in zip(results, (0.1, 0.9), strict=True):
        found[yes.name] = reward_result([-3.0, math.log(share)], answers=("Yes", "No"))
    episodes = [episode(str(place), None, place == 0, results=found, problems={}) for place, found in enumerate(results)]
    choices = report(evaluation(episodes, [TOPREWARD, yes]))["answers"]["choices"]
    assert [(row["question"], row["true_texts"]) for row in choices] == [(yes.name, ["Yes"]), ("topreward", [" True"])]
    assert choices[0]["difference"] == pytest.approx(-0.8)
    assert choices[1]["difference"] == pytest.approx(0.25)
    assert (choices[0]["auc"]["value"], choices[1]["auc"]["value"]) == (0.0, 1.0)


def test_tokens_that_are_not_listed_have_bounds() -> None:
    p = math.log
    good = reward_result(RISING, tokens={"A": p(0.6), "B": p(0.1)})
    bad = reward_result(RISING, tokens={"B": p(0.5), "C": p(0.4)})
    answers = report(evaluation([episode("0", good, True), episode("1", bad, False), episode("2", good, True)]))["answers"]
    tokens = {row["text"]: row for row in answers["tokens"]}
    assert (answers["successes"], answers["failures"]) == (2, 1)
    assert tokens["B"]["difference"] == pytest.approx([-0.4, -0.4])
    # A is not in the failure's list: at most 0.4, the least likely there, and at most 0.1, the rest up to 1
    assert tokens["A"]["failures"] == pytest.approx([0, 0.1])
    assert tokens["A"]["difference"] == pytest.approx([0.5, 0.6])
    # C is in no success's list: at most 0.1, the least likely there
    assert tokens["C"]["successes"] == pytest.approx([0, 0.1])
    assert tokens["C"]["difference"] == pytest.approx([-0.4, -0.3])
    assert [row["text"] for row in answers["tokens"]] == ["A", "B", "C"]
    assert tokens["A"]["listed"] == (2, 0)


def test_tokens_need_both_labels() -> None:
    result = reward_result(RISING, tokens={"A": -1.0})
    assert report(evaluation([episode("0", result, True)]))["answers"]["tokens"] == []


def test_methods_beside_each_other() -> None:
    likelihood = Question("instruction_likelihood", "instruction_likelihood", {"method": "instruction_likelihood"})
    gvl = Question("gvl", "gvl", {"method": "gvl"})
    published = Question("published", "published", {"pipeline": "published"})
    episodes = []
    for number, (success, tokens, sums) in enumerate([(True, 4, [-9.0, -8.0, -4.0]), (False, 1, [-3.0, -3.0, -3.0])]):
        results = {
            "topreward": reward_result(RISING if success else FALLING),
            "instruction_likelihood": likelihood_result(sums, tokens),
            "gvl": gvl_result(0.5 if success else None, complete=True),
        }
        problems = {"published": problem("engine-failed")}
        episodes.append(episode(str(number), None, success, results=results, problems=problems))
    unread = {"gvl": gvl_result(0.9, complete=False)}
    episodes.append(episode("2", None, True, results=unread, problems={}))
    asked = [TOPREWARD, published, likelihood, gvl]
    left_out = {"published": "The service has no such pipeline."}
    rows = {row["title"]: row for row in report(evaluation(episodes, asked, left_out=left_out))["methods"]["rows"]}
    assert rows["TOPReward, published pipeline"]["left_out"] == left_out["published"]
    assert rows["TOPReward, published pipeline"]["problems"] == {"engine-failed": 2}
    # By the sum the success is lower (−7 and −3), per token it is higher (−1.75 and −3).
    assert rows["Instruction likelihood, sum"]["auc"]["value"] == 0.0
    assert rows["Instruction likelihood, mean per token"]["auc"]["value"] == 1.0
    assert rows["Instruction likelihood, sum"]["voc"]["value"] == 1.0
    gvl_row = rows["GVL"]
    assert (gvl_row["voc"]["value"], gvl_row["voc"]["n"], gvl_row["incomplete"]) == (0.5, 1, 1)
    assert gvl_row["voc_failures_zero"] == {"value": 0.25, "low": None, "high": None, "n": 2}
    assert gvl_row["auc"]["value"] == 1.0  # an undefined VOC counts as 0
    assert (gvl_row["requests"], gvl_row["prompt_tokens"], gvl_row["generated_tokens"]) == (6, 300, 90)


def test_likelihood_with_the_full_stop() -> None:
    asked = {"method": "instruction_likelihood", "likelihood": {"full_stop": True}}
    question = Question("instruction_likelihood", "instruction_likelihood", asked)
    results = [{question.name: likelihood_result([-4.0], tokens)} for tokens in (1, 4)]
    episodes = [episode(str(place), None, place == 0, results=found, problems={}) for place, found in enumerate(results)]
    rows = report(evaluation(episodes, [question]))["methods"]["rows"]
    assert rows[1]["auc"]["value"] == 0.0  # −5/2 and −5/5
    assert rows[1]["score"] == "mean of the last 3 prefixes"


def test_the_paper_is_beside_a_dataset_that_it_names() -> None:
    episodes = labelled([RISING], []).episodes
    found = report(evaluation(episodes, published_name="jaco_play"))["comparison"]
    assert found is not None
    values = {(figure["table"], figure["what"]): figure["value"] for figure in found["paper"]}
    assert values["Table 6", "VOC, TOPReward, Qwen3-VL-8B"] == 0.907
    assert values["Table 1, mean of 39 datasets", "VOC, TOPReward, Qwen3-VL-8B"] == 0.857
    assert [figure["estimate"]["value"] for figure in found["ours"]] == [1.0]
    assert any("first 20" in warning for warning in found["warnings"])
    assert report(evaluation(episodes))["comparison"] is None


def test_the_papers_static_sweep_and_its_failures() -> None:
    result = reward_result(RISING, {"static": [-3.0, -2.0, -2.5]})
    episodes = [episode("0", result, True), episode("1", reward_result([-4.0, -5.0, -6.0]), False)]
    sweep = report(evaluation(episodes, published_name="manirewardbench_lerobot"))["comparison"]
    failed = report(evaluation(episodes, published_name="manirewardbench_lerobot_failed"))["comparison"]
    assert sweep is not None
    assert failed is not None
    ours = {figure["what"]: figure["estimate"]["value"] for figure in sweep["ours"]}
    assert (ours["Final reward, real (successes)"], ours["Final reward, static video (successes)"]) == (-1.0, -2.5)
    aucs = {figure["what"]: figure["estimate"]["value"] for figure in failed["ours"]}
    assert aucs["AUC, TOPReward, aligned pipeline"] == 1.0
    assert ("Table 3", 0.654) in [(figure["table"], figure["value"]) for figure in failed["paper"]]


NOTHING: dict[str, Evaluation] = {
    "no episodes": evaluation([]),
    "no questions": evaluation([episode("0", None)], []),
    "only problems": evaluation([episode("0", None, True), episode("1", None, False)]),
    "no labels": evaluation([episode(str(number), reward_result(RISING)) for number in range(4)]),
    "one episode": labelled([RISING], []),
    "one prefix": labelled([[-1.0]], [[-1.0]]),
    "only failures": labelled([], [RISING] * 6),
    "all undefined": labelled([LEVEL] * 4, [LEVEL] * 4),
    "all equal": labelled([RISING] * 6, [RISING] * 6),
    "only GVL": evaluation(
        [episode("0", None, True, results={"gvl": gvl_result(None)}, problems={})], [Question("gvl", "gvl", {"method": "gvl"})]
    ),
    "left out": evaluation([episode("0", None, True, problems={})], left_out={"topreward": "no"}),
    "infinite": evaluation([episode("0", reward_result([-1e300, -1e300 * 10, -1.0]), True)]),
}


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("name", NOTHING)
def test_sets_without_numbers_have_a_report_too(name: str) -> None:
    found = report(NOTHING[name], -1.0)
    text = json.dumps(found, allow_nan=False)
    assert json.dumps(json.loads(text)) == text
    page = html_of(found)
    assert not re.search(r"\b(nan|NaN|None|inf)\b", page.split("</style>")[1])


def test_verdicts_do_not_overclaim() -> None:
    said = {name: " ".join(report(of)["summary"]["sentences"]) for name, of in NOTHING.items() if name != "infinite"}
    assert "nothing can be said about success" in said["no labels"]
    assert "too few to say whether rewards rise" in said["one episode"]
    assert "No episode has a VOC" in said["all undefined"]
    assert "do not show that the score tells success from failure" in said["all equal"]
    assert "VOC hardly sees failure" in said["all equal"]
    assert "Few episodes: 6 successes, 6 failures." in said["all equal"]
    wrong = " ".join(report(labelled([FALLING] * 6, [[-3.0, -2.0, 0.0]] * 6))["summary"]["sentences"])
    assert "wrong way round" in wrong
    assert "Failed episodes have a higher VOC" in wrong
    many = random_evaluation(5, 90, 3)
    assert "Few episodes" not in " ".join(report(many)["summary"]["sentences"])


def test_length_bias_is_named() -> None:
    def said(static: Sequence[float]) -> str:
        return report(labelled_with(static))["summary"]["sentences"][-2]

    def labelled_with(static: Sequence[float]) -> Evaluation:
        return evaluation([episode(str(number), reward_result(RISING, {"static": static}), True) for number in range(4)])

    assert said([-3.0, -3.0, -3.0]).startswith("The rise is not length alone.")
    assert said([-3.0, -2.5, -1.5]).startswith("Much of the rise may be length bias")
    assert said(RISING).startswith("Real videos do not end above static ones")


def test_the_same_input_and_seed_give_the_same_bytes() -> None:
    def made(seed: int) -> tuple[str, str]:
        found = report_of(random_evaluation(2, 30, 3), -2.0, 300, seed)
        return json.dumps(found, allow_nan=False), html_of(found)

    assert made(4) == made(4)
    assert made(4)[0] != made(5)[0]


def test_it_says_how_it_was_made() -> None:
    warned = episode("0", reward_result(RISING, warnings=["flat-curve"]), True)
    found = report_of(evaluation([warned, episode("1", None), episode("2", reward_result(LEVEL), False)]), None, 10, 3)
    made = found["made"]
    assert (made["model"], made["engine"], made["service"]) == ("pico", "onnxruntime 1", "topreward-server 0.2.0")
    assert (made["episodes"], made["scored"], made["successes"], made["failures"], made["unlabelled"]) == (3, 2, 1, 1, 1)
    assert (made["resamples"], made["seed"], made["layouts"], made["main"]) == (10, 3, ["reference"], "topreward")
    assert made["questions"][0]["problems"] == {"video-damaged": 1}
    rows = found["episodes"]
    assert (rows[0]["warnings"], rows[1]["problem"], rows[1]["score"]) == (["flat-curve"], "video-damaged", None)
    assert rows[0]["rewards"] == RISING
    assert rows[0]["shares"] == pytest.approx([1 / 3, 2 / 3, 1], abs=1e-5)
    assert len(found["definitions"]) > 15


def test_one_is_not_a_plural() -> None:
    assert [counts.counted(count, "episode") for count in (0, 1, 2)] == ["0 episodes", "1 episode", "2 episodes"]
    assert counts.labelled(1, 1) == "1 success, 1 failure"
    assert counts.labelled(2, 0) == "2 successes, 0 failures"
