"""Scores tasks: in one batch, in smaller ones where that helps, and again where that helps."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Generic

from .._contract import EpisodeResult, Limits, Problem
from ..aio import AsyncClient
from ..errors import Refused, Unanswered, UnusableAnswer, refusal
from .failures import ServiceError, UsageError
from .pacing import Pacer
from .requests import Request, SubjectT, Task
from .sources import request_for

# A task that fails this often, for a reason that can pass, has failed.
ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
BUSY = {429, 503}
PASSING = {408, 502, 504, *BUSY}


def problem_here(code: str, detail: str, status: int = 422) -> Problem:
    """Return a problem that this machine found, not the service."""
    return {"type": "about:blank", "title": "Not sent", "status": status, "code": code, "detail": detail, "instance": ""}


# Stands for a response that did not arrive, or was cut off.
LOST = problem_here("no-response", "The response did not arrive, or was cut off.", 503)
TOO_LARGE = problem_here(
    "upload-too-large", "The video of this episode is larger than the service accepts, and ffmpeg could not cut it."
)


@dataclass(frozen=True, slots=True)
class Asking(Generic[SubjectT]):
    """Who is asked, and what happens with the answers.

    ``draft`` is the path for a cut of a video file. ``keep`` is called with each result as soon as it arrives, ``fail`` with
    the problem of a task that gets none: one of both, once for each task. Both may raise RunError, which ends the run.
    """

    client: AsyncClient
    limits: Limits
    pacer: Pacer
    patience_s: float
    draft: Path
    keep: Callable[[Task[SubjectT], EpisodeResult], None]
    fail: Callable[[Task[SubjectT], Problem], None]


class Next(Enum):
    """What to do with the tasks that have no outcome after a request."""

    GO_ON = "go on"
    SMALLER = "send fewer at once"
    WAIT = "wait, and send them again"


@dataclass
class Attempts(Generic[SubjectT]):
    """What happened to the requests so far."""

    most: int
    known: set[Task[SubjectT]] = field(default_factory=set)
    of_task: Counter[Task[SubjectT]] = field(default_factory=Counter)
    failures: int = 0
    retry_after_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Reply(Generic[SubjectT]):
    """A response. ``problems`` are those of single tasks, ``whole`` is one of the complete request."""

    problems: list[tuple[Task[SubjectT], Problem]]
    whole: Problem | None = None

    @property
    def is_busy(self) -> bool:
        every = [problem for _, problem in self.problems] if self.whole is None else [self.whole]
        return any(problem["status"] in BUSY for problem in every)


async def ask(asking: Asking[SubjectT], tasks: Sequence[Task[SubjectT]]) -> None:
    """Ask until every task has a result or a problem.

    :raises ServiceError: if the service is busy or away for ``patience_s``, or if it refuses every request
    :raises UsageError: if every task would have the same problem
    """
    attempts = Attempts[SubjectT](most=asking.limits["batch_episodes"])
    waiting = list(tasks)
    while waiting:
        async with request_for(asking.limits, asking.draft, waiting[: attempts.most]) as request:
            if request is None:
                _fail(asking, attempts, waiting[0], TOO_LARGE)
                step = Next.GO_ON
            else:
                for task, reason in request.unreadable:
                    _fail(asking, attempts, task, problem_here("data-unreadable", reason))
                step = await _send(asking, request, attempts) if request.tasks else Next.GO_ON
        waiting = [task for task in waiting if task not in attempts.known]
        if step is Next.SMALLER:
            attempts.most = max(1, min(attempts.most, len(request.tasks) if request else 1) // 2)
        elif step is Next.WAIT and waiting:
            await _pause(asking, attempts)


async def _send(asking: Asking[SubjectT], request: Request[SubjectT], attempts: Attempts[SubjectT]) -> Next:
    """Send a request, and keep what it leads to."""
    async with asking.pacer.slot():
        reply = await _read(asking, request, attempts)
    if reply.is_busy:
        asking.pacer.slower()
    else:
        await asking.pacer.faster()
    if reply.whole is None:
        steps = [_judge(asking, request, attempts, *each) for each in reply.problems]
    elif reply.is_busy:
        return Next.WAIT
    elif len(request.tasks) > 1:
        return Next.SMALLER
    else:
        steps = [_judge(asking, request, attempts, request.tasks[0], reply.whole)]
    return next((step for step in (Next.SMALLER, Next.WAIT) if step in steps), Next.GO_ON)


async def _read(asking: Asking[SubjectT], request: Request[SubjectT], attempts: Attempts[SubjectT]) -> Reply[SubjectT]:
    """Keep each result as soon as it arrives."""
    problems: list[tuple[Task[SubjectT], Problem]] = []
    attempts.retry_after_s = 0.0
    try:
        async for line in asking.client.score_batch(request.items, videos=request.videos, patience_s=0):
            task = request.tasks[line["index"]]
            if line["event"] == "problem":
                problems.append((task, line["problem"]))
                continue
            asking.keep(task, line["result"])
            attempts.known.add(task)
            attempts.failures = 0
            asking.pacer.responded()
    except Refused as error:
        if error.every_request:
            raise ServiceError(f"The service refuses every request: {error}") from error
        return Reply([], error.problem)
    except UnusableAnswer as error:
        raise ServiceError(str(error)) from error
    except Unanswered as error:
        attempts.reason, attempts.retry_after_s = str(error), error.retry_after_s
        return Reply([], error.problem or LOST)
    return Reply(problems)


def _judge(
    asking: Asking[SubjectT],
    request: Request[SubjectT],
    attempts: Attempts[SubjectT],
    task: Task[SubjectT],
    problem: Problem,
) -> Next:
    """Give a task up, or decide to ask again.

    :raises UsageError: if every task would have this problem
    """
    status, code = problem["status"], problem["code"]
    attempts.reason = f"{status} {code}"
    attempts.retry_after_s = max(attempts.retry_after_s, problem.get("retry_after_s", 0.0))
    if status in BUSY:
        return Next.WAIT
    if refusal(problem).every_request:
        raise UsageError(f"Every episode would fail: {problem['detail']}")
    if code == "deadline-exceeded" and len(request.tasks) > 1:
        return Next.SMALLER
    attempts.of_task[task] += 1
    if status in PASSING and attempts.of_task[task] < ATTEMPTS:
        return Next.WAIT
    _fail(asking, attempts, task, problem)
    return Next.GO_ON


def _fail(asking: Asking[SubjectT], attempts: Attempts[SubjectT], task: Task[SubjectT], problem: Problem) -> None:
    asking.fail(task, problem)
    attempts.known.add(task)


async def _pause(asking: Asking[SubjectT], attempts: Attempts[SubjectT]) -> None:
    """Wait as long as the service says, and longer after each failure in a row.

    :raises ServiceError: if the pause would end ``patience_s`` after the last response to any unit
    """
    attempts.failures += 1
    growing = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts.failures - 1))
    seconds = attempts.retry_after_s + random.uniform(0.5, 1.0) * growing
    if time.monotonic() + seconds - asking.pacer.last_response > asking.patience_s:
        raise ServiceError(f"No result for {asking.patience_s:g} s. Last failure: {attempts.reason}")
    await asyncio.sleep(seconds)
