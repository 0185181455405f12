"""TOPReward, both pipelines, instruction likelihood and GVL beside each other on the same episodes."""

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from .._contract import EpisodeResult, LikelihoodResult
from .estimates import AucEstimate, Bootstrap, Estimate, auc_of, mean_of
from .evaluation import EvaluatedEpisode, Evaluation, Question
from .metrics import voc
from .readings import Group, final_prefixes

_TITLES = {
    "topreward": "TOPReward, aligned pipeline",
    "published": "TOPReward, published pipeline",
    "instruction_likelihood": "Instruction likelihood",
    "gvl": "GVL",
}


class MethodRow(TypedDict):
    """One method. ``left_out`` is the reason if the engine cannot use it; then there are no other numbers.

    ``voc`` is over the group of the report. For GVL: complete episodes, an undefined VOC counts as 0, as in the authors' mean;
    ``voc_failures_zero`` counts ``incomplete`` episodes as 0 too. ``auc`` is that of ``score``. The cost is that of all
    episodes, with the controls.
    """

    question: str
    title: str
    score: str
    left_out: str | None
    voc: Estimate
    voc_failures_zero: Estimate | None
    undefined: int
    incomplete: int
    auc: AucEstimate
    problems: dict[str, int]
    episodes: int
    requests: int
    prompt_tokens: int
    generated_tokens: int


class MethodReport(TypedDict):
    """``group`` says whose VOC it is."""

    group: Group
    rows: list[MethodRow]


_Numbers = tuple[EvaluatedEpisode, float | None, float | None]
"""An episode, its VOC and its score."""


def methods_of(evaluation: Evaluation, group: Group, bootstrap: Bootstrap) -> MethodReport:
    """Return the section. The choices of answers have one of their own."""
    rows: list[MethodRow] = []
    for question in evaluation.questions:
        if question.kind == "instruction_likelihood":
            rows += [_likelihood(evaluation, question, group, how, bootstrap) for how in ("sum", "mean")]
        elif question.kind != "answers":
            rows.append(_row(evaluation, question, group, bootstrap))
    return {"group": group, "rows": rows}


def _row(evaluation: Evaluation, question: Question, group: Group, bootstrap: Bootstrap) -> MethodRow:
    results = _results(evaluation, question)
    if question.kind == "gvl":
        return _gvl(evaluation, question, results, group, bootstrap)
    numbers: list[_Numbers] = [
        (episode, result["voc"], float(result["score"])) for episode, result in results if result["method"] != "gvl"
    ]
    score = f"mean of the last {final_prefixes(question)} prefixes"
    return _made(evaluation, question, _TITLES[question.kind], score, numbers, group, bootstrap)


def _likelihood(evaluation: Evaluation, question: Question, group: Group, how: str, bootstrap: Bootstrap) -> MethodRow:
    """The rewards again from the sums or the means: one result has both."""
    full_stop = bool((question.asked.get("likelihood") or {}).get("full_stop", False))
    final = final_prefixes(question)
    numbers: list[_Numbers] = []
    for episode, result in _results(evaluation, question):
        if result["method"] == "instruction_likelihood":
            rewards = _likelihoods(result, full_stop, how == "sum")
            numbers.append((episode, voc(rewards), float(np.mean(rewards[-final:]))))
    title = f"{_TITLES[question.kind]}, {'sum' if how == 'sum' else 'mean per token'}"
    return _made(evaluation, question, title, f"mean of the last {final} prefixes", numbers, group, bootstrap)


def _likelihoods(result: LikelihoodResult, full_stop: bool, as_sum: bool) -> list[float]:
    texts = [prefix["with_full_stop"] if full_stop else prefix["without_full_stop"] for prefix in result["prefixes"]]
    return [float(text["sum"] if as_sum else text["mean"]) for text in texts]


def _gvl(
    evaluation: Evaluation,
    question: Question,
    results: Sequence[tuple[EvaluatedEpisode, EpisodeResult]],
    group: Group,
    bootstrap: Bootstrap,
) -> MethodRow:
    """As the service's means of a batch: incomplete answers are failures, and an undefined VOC is 0."""
    known = [(episode, result) for episode, result in results if result["method"] == "gvl"]
    complete: list[_Numbers] = [
        (episode, result["voc"], result["voc"] or 0.0)
        for episode, result in known
        if result["method"] == "gvl" and result["complete"]
    ]
    row = _made(evaluation, question, _TITLES["gvl"], "VOC, as in the paper", complete, group, bootstrap)
    inside = [result for episode, result in known if _is_in(episode, group)]
    values = [(result["voc"] or 0.0) if result["method"] == "gvl" and result["complete"] else 0.0 for result in inside]
    row["voc"] = mean_of([score for episode, _, score in complete if _is_in(episode, group)], bootstrap)
    row["voc_failures_zero"] = mean_of(values, bootstrap)
    row["incomplete"] = len(known) - len(complete)
    return row


def _made(
    evaluation: Evaluation,
    question: Question,
    title: str,
    score: str,
    numbers: Sequence[_Numbers],
    group: Group,
    bootstrap: Bootstrap,
) -> MethodRow:
    vocs = [value for episode, value, _ in numbers if _is_in(episode, group)]
    good, bad = (
        [number for episode, _, number in numbers if episode.success is label and number is not None] for label in (True, False)
    )
    usages = [result["usage"] for _, result in _results(evaluation, question)]
    codes = [episode.problems[question.name]["code"] for episode in evaluation.episodes if question.name in episode.problems]
    return {
        "question": question.name,
        "title": title,
        "score": score,
        "left_out": evaluation.left_out.get(question.name),
        "voc": mean_of(vocs, bootstrap),
        "voc_failures_zero": None,
        "undefined": sum(value is None for value in vocs),
        "incomplete": 0,
        "auc": auc_of(good, bad, bootstrap),
        "problems": dict(sorted(Counter(codes).items())),
        "episodes": len(usages),
        "requests": sum(usage["engine_requests"] for usage in usages),
        "prompt_tokens": sum(usage["prompt_tokens"] for usage in usages),
        "generated_tokens": sum(int(usage.get("generated_tokens", 0)) for usage in usages),  # type: ignore[call-overload]
    }


def _results(evaluation: Evaluation, question: Question) -> list[tuple[EvaluatedEpisode, EpisodeResult]]:
    name = question.name
    return [(episode, episode.results[name]) for episode in evaluation.episodes if name in episode.results]


def _is_in(episode: EvaluatedEpisode, group: Group) -> bool:
    return group == "all" or episode.success is (group == "successes")
