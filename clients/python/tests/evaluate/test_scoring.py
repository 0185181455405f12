"""How requests are made and what of their responses counts, against a client that answers as a test says."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

from topreward import BatchItem
from topreward.evaluate import command, scoring
from topreward.evaluate.assembling import evaluation_of
from topreward.evaluate.command import add_arguments
from topreward.evaluate.evaluation import Evaluation
from topreward.evaluate.job import job_of
from topreward.evaluate.journal import open_journal
from topreward.lerobot.failures import ServiceError, UsageError

MADE = {
    "service": {"name": "topreward-server", "version": "1"},
    "profile": {"name": "qwen3-vl", "verified": True},
    "engine": {"name": "vllm", "version": "9"},
    "model": "m",
    "prompt": {"text": "long"},
}
Line = dict[str, Any]
Answer = Callable[[dict[str, Any]], Line]


def layout_of(episode: dict[str, Any]) -> str:
    """This engine writes the prompts open and chat in different ways."""
    return {"open": "reference", "chat": "nested"}[episode.get("prompt", "open")]


def result(episode: dict[str, Any]) -> Line:
    """A result of the method that was requested."""
    method = episode.get("method", "topreward")
    common: dict[str, Any] = {"method": method, "voc": None, "warnings": [], "usage": {}}
    if method == "gvl":
        return {"event": "result", "result": {**common, "frames": [], "complete": True, "text": "1", "provenance": MADE}}
    texts = {name: {"sum": -1.0, "mean": -1.0, "tokens": [-1.0]} for name in ("with_full_stop", "without_full_stop")}
    curve = {"progress_curve": [0.0, 1.0], "prefixes": [{"length": 2, "time_s": 0.5, "reward": -1.0, **texts}]}
    return {"event": "result", "result": {**common, **curve, "provenance": {**MADE, "layout": layout_of(episode)}}}


def problem(code: str, status: int = 422) -> Line:
    known = {"type": "", "title": "", "status": status, "code": code, "detail": f"Because of {code}.", "instance": ""}
    return {"event": "problem", "problem": known}


class Fake:
    """Stands for AsyncClient. ``batches`` are the episodes of each request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.batches: list[list[dict[str, Any]]] = []

    def __call__(self, *_: object, **__: object) -> "Fake":
        return self

    async def __aenter__(self) -> "Fake":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def model(self) -> dict[str, Any]:
        prompts = {"open": {"layout": "reference"}, "chat": {"layout": "nested"}}
        limits = {"batch_episodes": 6, "batch_frames": 1000, "upload_bytes": 1 << 28}
        made = {name: MADE[name] for name in ("model", "profile", "engine", "service")}
        return {**made, "prompts": prompts, "limits": limits, "video": True}

    async def score_batch(
        self, items: Sequence[BatchItem], *, videos: Sequence[Path] = (), patience_s: float | None = None
    ) -> AsyncIterator[Line]:
        episodes: list[dict[str, Any]] = [dict(item.episode) for item in items]
        self.batches.append(episodes)
        for index, episode in enumerate(episodes):
            yield {**self.answer(episode), "index": index}


Evaluate = Callable[..., tuple[Evaluation, Fake]]


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Evaluate ten episodes of two frames, with two instructions."""
    for number in range(10):
        folder = tmp_path / "set" / ("success" if number % 2 else "failure")
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{number}.npy", np.zeros((2, 4, 4, 3), np.uint8))

    def run(answer: Answer, *flags: str) -> tuple[Evaluation, Fake]:
        fake = Fake(answer)
        monkeypatch.setattr(scoring, "AsyncClient", fake)
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        own = ["--folder", str(tmp_path / "set"), "--fps", "4", "--instruction", "x", "--out", str(tmp_path / "out")]
        job = job_of(parser.parse_args([*own, "--patience", "0", "--in-flight", "1", *flags]))
        with ExitStack() as stack:
            return evaluation_of(job, *asyncio.run(scoring.score(job, stack))), fake

    return run


def test_a_batch_has_all_questions_about_as_many_episodes_as_fit(evaluate: Evaluate) -> None:
    evaluation, fake = evaluate(result, "--questions", "topreward,published")
    assert [len(batch) for batch in fake.batches] == [6, 6, 6, 2]
    assert [episode.get("pipeline") for episode in fake.batches[0]] == [None, "published"] * 3
    assert all(set(episode.results) == {"topreward", "published"} for episode in evaluation.episodes)
    assert (evaluation.episodes[0].frames, evaluation.episodes[0].duration_s) == (2, 0.5)


def test_more_questions_than_fit_into_a_batch_are_divided(evaluate: Evaluate) -> None:
    evaluation, fake = evaluate(result)
    assert len(evaluation.questions) == 10
    assert [len(batch) for batch in fake.batches] == [6, 4] * 10
    assert all(len(episode.results) == 10 for episode in evaluation.episodes)


def test_the_prompt_of_the_likelihood_is_not_the_chosen_one(evaluate: Evaluate) -> None:
    evaluation, _ = evaluate(result, "--prompt", "chat", "--questions", "topreward,instruction_likelihood,gvl")
    assert all(len(episode.results) == 3 and not episode.problems for episode in evaluation.episodes)


def test_a_question_that_the_engine_cannot_answer_is_asked_once(evaluate: Evaluate) -> None:
    def without_gvl(episode: dict[str, Any]) -> Line:
        return problem("method-unsupported") if episode.get("method") == "gvl" else result(episode)

    evaluation, fake = evaluate(without_gvl, "--questions", "topreward,gvl")
    assert evaluation.left_out == {"gvl": "Because of method-unsupported."}
    assert all(set(episode.results) == {"topreward"} and not episode.problems for episode in evaluation.episodes)
    # The first batch asks it for each of its three episodes. No other one asks it.
    assert sum(episode.get("method") == "gvl" for batch in fake.batches for episode in batch) == 3
    evaluation, fake = evaluate(without_gvl, "--questions", "topreward,gvl")
    assert (evaluation.left_out, fake.batches) == ({"gvl": "Because of method-unsupported."}, [])


def test_one_question_about_one_episode_can_fail(evaluate: Evaluate) -> None:
    seen: list[str] = []

    def third_fails(episode: dict[str, Any]) -> Line:
        seen.append(episode.get("pipeline", "aligned"))
        return problem("context-exceeded") if seen.count("published") == 3 and seen[-1] == "published" else result(episode)

    evaluation, _ = evaluate(third_fails, "--questions", "topreward,published")
    failed = [
        (episode.name, set(episode.results), dict(episode.problems)) for episode in evaluation.episodes if episode.problems
    ]
    assert [(name, results, set(problems)) for name, results, problems in failed] == [
        ("success/5.npy", {"topreward"}, {"published"})
    ]
    assert evaluation.left_out == {}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"model": "n"}, "model: m before, n now"),
        (
            {"service": {"name": "topreward-server", "version": "2"}},
            "service: topreward-server 1 before, topreward-server 2 now",
        ),
    ],
)
def test_a_result_of_another_model_or_service_ends_the_run_and_is_not_kept(
    evaluate: Evaluate, other: dict[str, Any], words: str
) -> None:
    seen: list[dict[str, Any]] = []

    def changes(episode: dict[str, Any]) -> Line:
        seen.append(episode)
        line = result(episode)
        if len(seen) == 4:
            line["result"]["provenance"] = {**line["result"]["provenance"], **other}
        return line

    with pytest.raises(ServiceError, match=words):
        evaluate(changes, "--questions", "topreward")
    _, fake = evaluate(result, "--questions", "topreward")
    assert sum(map(len, fake.batches)) == 7


def test_a_result_for_other_frames_is_a_problem(evaluate: Evaluate) -> None:
    def longer(episode: dict[str, Any]) -> Line:
        line = result(episode)
        return {**line, "result": {**line["result"], "progress_curve": [0.0, 0.5, 1.0]}}

    evaluation, _ = evaluate(longer, "--questions", "topreward")
    assert {episode.problems["topreward"]["code"] for episode in evaluation.episodes} == {"frame-count"}


def test_no_other_run_changes_the_results_while_the_report_is_made(
    evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(result, "--questions", "topreward")  # makes the set
    monkeypatch.setattr(scoring, "AsyncClient", Fake(result))
    out = tmp_path / "out"
    evaluations: list[Evaluation] = []

    def refused() -> None:
        with pytest.raises(UsageError, match="Another run"), open_journal(out, {}, fresh=True, retry_failed=False):
            pass

    def evaluation_meanwhile(*args: Any) -> Evaluation:
        refused()
        return evaluation_of(*args)

    def write_meanwhile(_: object, evaluation: Evaluation) -> None:
        refused()
        evaluations.append(evaluation)

    monkeypatch.setattr(command, "evaluation_of", evaluation_meanwhile)
    monkeypatch.setattr(command, "_write", write_meanwhile)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    flags = ["--folder", str(tmp_path / "set"), "--fps", "4", "--instruction", "x", "--out", str(out)]
    assert command.run(parser.parse_args([*flags, "--questions", "topreward"])) == 0
    assert [len(evaluation.episodes) for evaluation in evaluations] == [10]
    with open_journal(out, {}, fresh=True, retry_failed=False) as journal:
        assert journal.known == set()
