"""Scores one unit: sends its episodes in batches, in smaller ones where that helps, and again where that helps."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..errors import Refused, Unanswered, UnusableAnswer
from .context import Context
from .cutting import cut_video, has_ffmpeg
from .episodes import Episode
from .failures import ServiceError
from .folder import check_service
from .journal import Journal
from .outcomes import Failure, Outcome, failed, outcome_of_result
from .requests import Request, Task, clock_of, image_frames, own_videos, shared_video

# An episode that fails this often for a reason that can pass is recorded as failed.
ATTEMPTS = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
BUSY_STATUSES = {429, 503}
PASSING_STATUSES = {408, 429, 502, 503, 504}


class Verdict(Enum):
    """What a request led to."""

    DONE = "done"
    AGAIN = "again"
    SMALLER = "smaller"


@dataclass
class Progress:
    """The state of a unit while it is scored. ``waiting`` has the episodes without an outcome."""

    waiting: list[Task]
    most: int
    attempts: Counter[int] = field(default_factory=Counter)
    failures: int = 0
    last_outcome: float = field(default_factory=time.monotonic)
    pause_s: float = 0.0
    reason: str = ""


async def score_tasks(context: Context, name: str, tasks: Sequence[Task], journal: Journal) -> None:
    """Ask for the outcome of every task, and write each to the journal as soon as it is known.

    :param name: of the unit, for the file of a cut video
    :raises ServiceError: if the service does not respond for ``patience_s``, or refuses every request
    """
    progress = Progress(list(tasks), min(len(tasks), context.model["limits"]["batch_episodes"]) or 1)
    while progress.waiting:
        async with _request(context, name, progress.waiting[: progress.most], journal) as request:
            verdict = await _send(context, request, progress, journal) if request else Verdict.DONE
        progress.waiting = [task for task in progress.waiting if task.episode.index not in journal.outcomes]
        if verdict is Verdict.SMALLER:
            progress.most = max(1, progress.most // 2)
        elif verdict is Verdict.AGAIN:
            await _pause(context, progress)


@asynccontextmanager
async def _request(
    context: Context, name: str, tasks: Sequence[Task], journal: Journal
) -> AsyncIterator[Request | None]:
    """Make a request for some of the tasks. Null if their file cannot be sent: then their outcomes are written."""
    dataset, options = context.dataset, context.options
    clip = tasks[0].episode.clip
    if clip is None:
        most = context.model["limits"]["batch_frames"]
        yield await asyncio.to_thread(image_frames, tasks, dataset, context.camera, options, most)
        return
    if clip.start_s is None:
        yield await asyncio.to_thread(own_videos, tasks, dataset, options)
        return
    target = context.folder / "parts" / f"{name}.mp4"
    try:
        video = await _video(context, tasks, dataset.root / clip.file, target)
        if video is None and len(tasks) > 1:
            # A shorter range makes a smaller file.
            async with _request(context, name, tasks[: len(tasks) // 2], journal) as smaller:
                yield smaller
            return
        if video is None:
            detail = "The video of this episode is larger than the service accepts, and cannot be cut with ffmpeg."
            _record(context, journal, tasks[0], failed_task(tasks[0], "upload-too-large", detail))
        yield shared_video(tasks, video, options, dataset.fps) if video else None
    finally:
        await asyncio.to_thread(target.unlink, missing_ok=True)


async def _video(context: Context, tasks: Sequence[Task], source: Path, target: Path) -> Path | None:
    """Return a file with these episodes that the service accepts: the complete one, or a cut. Null if there is none."""
    size = (await asyncio.to_thread(source.stat)).st_size
    file = tasks[0].episode.clip
    assert file is not None
    asked = sum(task.episode.length for task in tasks)
    if size <= context.upload_bytes and 2 * asked >= context.frames_of_file[file.file]:
        return source
    ranges = [_range(task.episode, context.dataset.fps) for task in tasks]
    if has_ffmpeg() and await cut_video(source, target, min(r[0] for r in ranges), max(r[1] for r in ranges)):
        cut_size = (await asyncio.to_thread(target.stat)).st_size
        if cut_size <= context.upload_bytes and cut_size < size:
            return target
    return source if size <= context.upload_bytes else None


def _range(episode: Episode, fps: float) -> tuple[float, float]:
    assert episode.clip is not None
    clock = clock_of(episode, episode.clip, fps)
    return clock["from_s"], clock["to_s"]


async def _send(context: Context, request: Request, progress: Progress, journal: Journal) -> Verdict:
    before = len(journal.outcomes)
    problems: list[tuple[Task, dict[str, Any]]] = []
    progress.pause_s, whole = 0.0, None
    async with context.pacer.slot():
        try:
            async for line in context.client.score_batch(request.items, videos=request.videos):
                task = request.tasks[line["index"]]
                if line["event"] == "result":
                    _check_maker(context, line["result"])
                    outcome = outcome_of_result(
                        task.episode.index, task.instruction, task.episode.length, line["result"]
                    )
                    _record(context, journal, task, outcome)
                    progress.last_outcome = time.monotonic()
                else:
                    problems.append((task, dict(line["problem"])))
        except Refused as error:
            if error.every_request:
                raise ServiceError(f"The service refuses every request: {error}") from error
            whole = dict(error.problem)
        except UnusableAnswer as error:
            raise ServiceError(str(error)) from error
        except Unanswered as error:
            progress.reason = str(error)
            progress.pause_s = error.retry_after_s
            if error.problem is None or error.problem["status"] in BUSY_STATUSES:
                context.pacer.slower()
                return Verdict.AGAIN
            whole = dict(error.problem)
    if whole is not None:
        if len(request.tasks) > 1:
            return Verdict.SMALLER
        problems.append((request.tasks[0], whole))
    verdict = Verdict.DONE
    for task, problem in problems:
        verdict = _judge(context, request, progress, journal, task, problem, verdict)
    if verdict is Verdict.DONE:
        progress.failures = 0
        await context.pacer.faster()
    if len(journal.outcomes) > before:
        progress.failures = 0
    return verdict


def _judge(
    context: Context,
    request: Request,
    progress: Progress,
    journal: Journal,
    task: Task,
    problem: dict[str, Any],
    verdict: Verdict,
) -> Verdict:
    """Record a problem of one episode, or decide to ask again."""
    index, code, status = task.episode.index, problem["code"], problem["status"]
    if status not in PASSING_STATUSES:
        _record(context, journal, task, failed_task(task, code, problem["detail"]))
        return verdict
    progress.reason = f"{status} {code}"
    progress.pause_s = max(progress.pause_s, float(problem.get("retry_after_s") or 0))
    if status in BUSY_STATUSES:
        if verdict is not Verdict.AGAIN:
            context.pacer.slower()
        return Verdict.AGAIN
    if code == "deadline-exceeded" and len(request.tasks) > 1:
        return Verdict.SMALLER
    progress.attempts[index] += 1
    if progress.attempts[index] >= ATTEMPTS:
        _record(context, journal, task, failed_task(task, code, problem["detail"]))
        return verdict
    return Verdict.AGAIN


async def _pause(context: Context, progress: Progress) -> None:
    """Wait as long as the service says, and longer after each failure in a row.

    :raises ServiceError: if there was no outcome for ``patience_s``
    """
    progress.failures += 1
    growing = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (progress.failures - 1))
    seconds = progress.pause_s + random.uniform(0.5, 1.0) * growing
    if time.monotonic() + seconds - progress.last_outcome > context.patience_s:
        raise ServiceError(f"No result for {context.patience_s:g} s. Last failure: {progress.reason}")
    await asyncio.sleep(seconds)


def failed_task(task: Task, code: str, detail: str) -> Outcome:
    return failed(task.episode.index, task.instruction, code, detail)


def _record(context: Context, journal: Journal, task: Task, outcome: Outcome) -> None:
    journal.add(outcome)
    record_report(context, task.episode, outcome.failure)


def record_report(context: Context, episode: Episode, failure: Failure | None) -> None:
    """Count an outcome, and say why an episode failed."""
    if failure is not None:
        context.report.say(f"episode {episode.index}: {failure.code}: {failure.detail}")
    context.report.known_now(failure is not None, episode.length / context.dataset.fps)


def _check_maker(context: Context, result: Any) -> None:
    """:raises ServiceError: if a result was made by another model or service than the run"""
    made = result["provenance"]
    now = {
        "model": made["model"],
        "engine": f"{made['engine']['name']} {made['engine']['version']}",
        "prompt layout": made["layout"],
    }
    changed = [f"{name} is {value}, was {context.settings[name]}" for name, value in now.items() if value != context.settings[name]]
    if changed:
        raise ServiceError(f"The service has changed during the run: {'; '.join(changed)}. Nothing of it was kept.")
    check_service(context.folder, made["service"])
