"""Scores the episodes of a unit: in one batch, in smaller ones where that helps, and again where that helps."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import cast

from .._contract import Problem, RewardResult
from ..errors import Refused, Unanswered, UnusableAnswer, refusal
from .context import Context
from .episodes import Episode
from .failures import ServiceError, UsageError
from .folder import check_service
from .identity import differences
from .journal import Journal
from .outcomes import Outcome, failed, outcome_of_result
from .requests import Request, Task
from .sources import request_for

# An episode that fails this often, for a reason that can pass, is recorded as failed.
ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
BUSY = {429, 503}
PASSING = {408, 502, 504, *BUSY}
# Stands for a response that did not arrive, or was cut off.
LOST: Problem = {
    "type": "about:blank",
    "title": "No response",
    "status": 503,
    "code": "no-response",
    "detail": "The response did not arrive, or was cut off.",
    "instance": "",
}


class Next(Enum):
    """What to do with the episodes that have no outcome after a request."""

    GO_ON = "go on"
    SMALLER = "send fewer at once"
    WAIT = "wait, and send them again"


@dataclass
class Attempts:
    """What happened to the requests of a unit so far."""

    most: int
    of_episode: Counter[int] = field(default_factory=Counter)
    failures: int = 0
    retry_after_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Reply:
    """A response. ``problems`` are those of single episodes, ``whole`` is one of the complete request."""

    problems: list[tuple[Task, Problem]]
    whole: Problem | None = None

    @property
    def is_busy(self) -> bool:
        every = [problem for _, problem in self.problems] if self.whole is None else [self.whole]
        return any(problem["status"] in BUSY for problem in every)


async def score_tasks(context: Context, name: str, tasks: Sequence[Task], journal: Journal) -> None:
    """Ask for the outcome of every task, and write each to the journal as soon as it is known.

    :param name: of the unit
    :raises ServiceError: if the service is busy or away for ``patience_s``, or if it refuses every request
    """
    attempts = Attempts(most=context.model["limits"]["batch_episodes"])
    waiting = list(tasks)
    while waiting:
        async with request_for(context, name, waiting[: attempts.most]) as request:
            if request is None:
                record(context, journal, waiting[0].episode, _too_large(waiting[0]))
                step = Next.GO_ON
            else:
                for task, reason in request.unreadable:
                    record(context, journal, task.episode, failed(task.episode, task.instruction, "data-unreadable", reason))
                step = await _send(context, request, attempts, journal) if request.tasks else Next.GO_ON
        waiting = [task for task in waiting if task.episode.index not in journal.outcomes]
        if step is Next.SMALLER:
            attempts.most = max(1, min(attempts.most, len(request.tasks) if request else 1) // 2)
        elif step is Next.WAIT and waiting:
            await _pause(context, attempts)


async def _send(context: Context, request: Request, attempts: Attempts, journal: Journal) -> Next:
    """Send a request, and keep what it leads to."""
    async with context.pacer.slot():
        reply = await _read(context, request, attempts, journal)
    if reply.is_busy:
        context.pacer.slower()
    else:
        await context.pacer.faster()
    if reply.whole is None:
        steps = [_judge(context, request, attempts, journal, *each) for each in reply.problems]
    elif reply.is_busy:
        return Next.WAIT
    elif len(request.tasks) > 1:
        return Next.SMALLER
    else:
        steps = [_judge(context, request, attempts, journal, request.tasks[0], reply.whole)]
    return next((step for step in (Next.SMALLER, Next.WAIT) if step in steps), Next.GO_ON)


async def _read(context: Context, request: Request, attempts: Attempts, journal: Journal) -> Reply:
    """Write each result to the journal as soon as it arrives."""
    problems: list[tuple[Task, Problem]] = []
    attempts.retry_after_s = 0.0
    try:
        async for line in context.client.score_batch(request.items, videos=request.videos, patience_s=0):
            if line["event"] == "end":
                continue
            task = request.tasks[line["index"]]
            if line["event"] == "problem":
                problems.append((task, line["problem"]))
                continue
            result = cast(RewardResult, line["result"])
            _check_maker(context, result)
            record(context, journal, task.episode, outcome_of_result(task.episode, task.instruction, result))
            attempts.failures = 0
            context.pacer.responded()
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


def _judge(context: Context, request: Request, attempts: Attempts, journal: Journal, task: Task, problem: Problem) -> Next:
    """Record the problem of an episode, or decide to ask again.

    :raises UsageError: if every episode would have this problem
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
    attempts.of_episode[task.episode.index] += 1
    if status in PASSING and attempts.of_episode[task.episode.index] < ATTEMPTS:
        return Next.WAIT
    record(context, journal, task.episode, failed(task.episode, task.instruction, code, problem["detail"]))
    return Next.GO_ON


async def _pause(context: Context, attempts: Attempts) -> None:
    """Wait as long as the service says, and longer after each failure in a row.

    :raises ServiceError: if the pause would end ``patience_s`` after the last response to any unit
    """
    attempts.failures += 1
    growing = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts.failures - 1))
    seconds = attempts.retry_after_s + random.uniform(0.5, 1.0) * growing
    if time.monotonic() + seconds - context.pacer.last_response > context.job.patience_s:
        raise ServiceError(f"No result for {context.job.patience_s:g} s. Last failure: {attempts.reason}")
    await asyncio.sleep(seconds)


def record(context: Context, journal: Journal, episode: Episode, outcome: Outcome) -> None:
    """Write an outcome to the journal, count it, and say why an episode failed."""
    journal.add(outcome)
    if outcome.failure is not None:
        context.report.say(f"episode {episode.index}: {outcome.failure.code}: {outcome.failure.detail}")
    context.report.known_now(outcome.failure is not None, episode.length / context.job.dataset.fps)


def _too_large(task: Task) -> Outcome:
    detail = "The video of this episode is larger than the service accepts, and ffmpeg could not cut it."
    return failed(task.episode, task.instruction, "upload-too-large", detail)


def _check_maker(context: Context, result: RewardResult) -> None:
    """:raises ServiceError: if a result was made by another model or service than the run"""
    made = result["provenance"]
    now = {
        "model": made["model"],
        "engine": f"{made['engine']['name']} {made['engine']['version']}",
        "prompt layout": made["layout"],
    }
    changed = differences({name: context.settings[name] for name in now}, now)
    if changed:
        raise ServiceError(f"The service has changed during the run: {'; '.join(changed)}.")
    check_service(context.job.folder, made["service"])
