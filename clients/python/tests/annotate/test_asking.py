"""Retries, smaller batches and pacing, against a client that answers as a test says. No service is needed."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from topreward import AsyncClient, BatchItem, Problem, Refused, Unanswered
from topreward.annotate.asking import score_tasks
from topreward.annotate.command import add_arguments
from topreward.annotate.context import Context
from topreward.annotate.job import Job, job_of
from topreward.annotate.journal import Journal, open_journal
from topreward.annotate.tasks import task_of
from topreward.lerobot import asking
from topreward.lerobot.episodes import Clip, Episode
from topreward.lerobot.failures import ServiceError
from topreward.lerobot.pacing import Pacer
from topreward.lerobot.report import Report
from topreward.lerobot.requests import Task

SETTINGS = {"model": "m", "profile": "qwen3-vl", "engine": "e 1", "prompt layout": "reference", "service": "topreward-server 1"}
MODEL = {"limits": {"batch_episodes": 256, "batch_frames": 1000, "upload_bytes": 1 << 28}}
PROVENANCE = {
    "model": "m",
    "profile": {"name": "qwen3-vl", "verified": True},
    "engine": {"name": "e", "version": "1"},
    "layout": "reference",
    "service": {"name": "topreward-server", "version": "1"},
}
NEWER = {"name": "topreward-server", "version": "2"}
RESULT = {
    "progress_curve": [0.0, 1.0],
    "prefixes": [{"length": 2, "log_prob_true": -1.0}],
    "score": -1.0,
    "success": None,
    "voc": None,
    "log_prob_range": {"span": 0.0, "flat": None},
    "warnings": [],
    "provenance": PROVENANCE,
}

END = {"event": "end", "scored": 0, "failed": 0, "gvl": None}

Line = dict[str, Any]
Answer = Callable[[list[int]], list[Line]]


def problem(status: int, code: str) -> Problem:
    known = {"type": "", "title": "", "status": status, "code": code, "detail": "Because.", "instance": ""}
    return cast(Problem, known)


class Fake:
    """Answers the nth batch with the nth function, and further ones with results."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.batches: list[list[int]] = []

    async def score_batch(
        self, items: Sequence[BatchItem], *, videos: Sequence[Path] = (), patience_s: float | None = None
    ) -> AsyncIterator[Line]:
        episodes = [int(item.episode["instruction"]) for item in items]
        self.batches.append(episodes)
        answer = self._answers.pop(0) if self._answers else results
        for line in answer(episodes):
            yield line
        yield END


def results(episodes: list[int]) -> list[Line]:
    return [{"event": "result", "index": index, "result": RESULT} for index in range(len(episodes))]


def problems(status: int, code: str) -> Answer:
    return lambda episodes: [
        {"event": "problem", "index": index, "problem": problem(status, code)} for index in range(len(episodes))
    ]


def raises(error: Exception) -> Answer:
    def answer(episodes: list[int]) -> list[Line]:
        raise error

    return answer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(asking, "LONGEST_PAUSE_S", 0.002)


@pytest.fixture
def job(short: Path, tmp_path: Path) -> Job:
    out = str(tmp_path / "x.parquet")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["--root", str(short), "--camera", "observation.images.top", "--out", out])
    made = job_of(args)
    video = f"{short}/videos/observation.images.top/chunk-000/file-000.mp4"
    return replace(made, frames_of_file={video: 2}, patience_s=0.5)


def score(job: Job, fake: Fake, count: int = 4) -> tuple[Journal, Context]:
    """Score episodes of two frames each, whose instruction is their number."""
    context, tasks = context_of(job, fake, count)
    with open_journal(job.folder / "parts/a.jsonl", "run") as journal:
        asyncio.run(score_tasks(context, "a", tasks, journal))
        return journal, context


def context_of(job: Job, fake: Fake, count: int) -> tuple[Context, list[Task[Episode]]]:
    (video,) = job.frames_of_file
    episodes = [Episode(number, 2 * number, 2, (), "", Clip(video, 0.5 * number), video) for number in range(count)]
    tasks = [task_of(job, episode, str(episode.index)) for episode in episodes]
    pacer, report = Pacer(8), Report(count, 1.0)
    return Context(job, SETTINGS, cast(Any, MODEL), cast(AsyncClient, fake), pacer, report), tasks


def codes(journal: Journal) -> dict[int, str | None]:
    return {index: each.failure.code if each.failure else None for index, each in sorted(journal.outcomes.items())}


def test_one_batch_is_enough_if_all_goes_well(job: Job) -> None:
    fake = Fake()
    journal, context = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3]]
    assert codes(journal) == {0: None, 1: None, 2: None, 3: None}
    assert context.pacer.limit == 3


def test_a_deadline_makes_batches_smaller_and_fails_nobody_but_the_last(job: Job) -> None:
    late = problems(504, "deadline-exceeded")
    fake = Fake(late, late, late, late, late)
    journal, _ = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3], [0, 1], [0], [0], [0], [1], [2], [3]]
    assert codes(journal) == {0: "deadline-exceeded", 1: None, 2: None, 3: None}


def test_an_engine_that_fails_for_one_episode_is_asked_three_times(job: Job) -> None:
    def two_fails(episodes: list[int]) -> list[Line]:
        lines = results(episodes)
        for line in lines:
            if episodes[line["index"]] == 2:
                line |= {"event": "problem", "problem": problem(502, "engine-failed")}
        return lines

    fake = Fake(two_fails, two_fails, two_fails)
    journal, _ = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3], [2], [2]]
    assert codes(journal) == {0: None, 1: None, 2: "engine-failed", 3: None}


def test_a_wrong_episode_is_not_asked_again(job: Job) -> None:
    fake = Fake(problems(422, "video-damaged"))
    journal, _ = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3]]
    assert set(codes(journal).values()) == {"video-damaged"}


def test_a_refused_batch_is_divided_until_one_episode_is_to_blame(job: Job) -> None:
    too_large = raises(Refused(problem(413, "upload-too-large")))
    fake = Fake(too_large, too_large, too_large)
    journal, _ = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3], [0, 1], [0], [1], [2], [3]]
    assert codes(journal) == {0: "upload-too-large", 1: None, 2: None, 3: None}


def test_a_busy_service_is_asked_less_and_results_are_kept(job: Job) -> None:
    def half(episodes: list[int]) -> list[Line]:
        return results(episodes)[:2] + problems(503, "server-busy")(episodes)[2:]

    fake = Fake(half, raises(Unanswered("cut off")))
    journal, context = score(job, fake)
    assert fake.batches == [[0, 1, 2, 3], [2, 3], [2, 3]]
    assert codes(journal) == {0: None, 1: None, 2: None, 3: None}
    assert context.pacer.limit == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raises(Refused(problem(401, "unauthorized"))), "refuses every request"),
        (raises(Unanswered("No result.", problem(503, "engine-unavailable"))), "No result for 0.5 s"),
        (
            lambda episodes: [{**results(episodes)[0], "result": {**RESULT, "provenance": {**PROVENANCE, "model": "n"}}}],
            "n now",
        ),
        (
            lambda episodes: [{**results(episodes)[0], "result": {**RESULT, "provenance": {**PROVENANCE, "service": NEWER}}}],
            "service: topreward-server 1 before, topreward-server 2 now",
        ),
    ],
)
def test_some_answers_end_the_run(job: Job, answer: Answer, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        score(job, Fake(*[answer] * 1000))


def test_a_busy_service_ends_no_run_that_gets_results(job: Job) -> None:
    """One unit gets results for longer than the patience. The other one waits for its turn, and is refused then."""
    now = [0]

    class Slow(Fake):
        async def score_batch(
            self, items: Sequence[BatchItem], *, videos: Sequence[Path] = (), patience_s: float | None = None
        ) -> AsyncIterator[Line]:
            now[0] += 1
            if now[0] == 2:
                raise Unanswered("Busy.", problem(503, "server-busy"))
            for line in results([int(item.episode["instruction"]) for item in items]):
                if now[0] == 1:
                    await asyncio.sleep(0.2)
                yield line

    async def both() -> list[dict[int, str | None]]:
        context, tasks = context_of(job, Slow(), 4)
        context = replace(context, pacer=Pacer(1))
        with open_journal(job.folder / "parts/a.jsonl", "a") as a, open_journal(job.folder / "parts/b.jsonl", "b") as b:
            await asyncio.gather(score_tasks(context, "a", tasks, a), score_tasks(context, "b", tasks, b))
            return [codes(a), codes(b)]

    assert asyncio.run(both()) == [{0: None, 1: None, 2: None, 3: None}] * 2


def test_the_pacer_halves_and_grows() -> None:
    async def run() -> list[int]:
        pacer, limits = Pacer(8), []
        for busy in (False, False, False, True, True, True, False):
            if busy:
                pacer.slower()
            else:
                await pacer.faster()
            limits.append(pacer.limit)
        return limits

    assert asyncio.run(run()) == [3, 4, 5, 2, 1, 1, 2]


def test_the_pacer_lets_in_as_many_as_it_says() -> None:
    async def run() -> int:
        pacer, active, most = Pacer(8), 0, 0

        async def work() -> None:
            nonlocal active, most
            async with pacer.slot():
                active += 1
                most = max(most, active)
                await asyncio.sleep(0)
                active -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        return most

    assert asyncio.run(run()) == 2
