"""Decides which files a request has: the complete video of several episodes, a cut of it, own videos, or images."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ..lerobot.cutting import cut_video, has_ffmpeg
from ..lerobot.episodes import Clip
from .context import Context
from .requests import Request, Task, clock_of, image_frames, own_videos, shared_video


@asynccontextmanager
async def request_for(context: Context, name: str, tasks: Sequence[Task]) -> AsyncIterator[Request | None]:
    """Make a request for the first tasks: as many as fit into one.

    :param name: of the unit, for the file of a cut video, which exists as long as the request
    :returns: null if the service does not accept the video of the first task
    """
    clip = tasks[0].episode.clip
    if clip is None:
        most = context.model["limits"]["batch_frames"]
        yield await asyncio.to_thread(image_frames, tasks, context.job.dataset, context.job.camera, context.job.options, most)
        return
    if clip.start_s is None:
        yield await asyncio.to_thread(own_videos, tasks, context.job.dataset, context.job.options)
        return
    draft = context.job.folder / "parts" / f"{name}.mp4"
    try:
        yield await _shared(context, tasks, clip, draft)
    finally:
        _remove(draft)


async def _shared(context: Context, tasks: Sequence[Task], clip: Clip, draft: Path) -> Request | None:
    """A request for as many of these episodes of one video file as the service accepts."""
    while tasks:
        video = await _video(context, tasks, clip, draft)
        if video is not None:
            return shared_video(tasks, video, context.job.options, context.job.dataset.fps)
        tasks = tasks[: len(tasks) // 2]  # a shorter range makes a smaller file
    return None


async def _video(context: Context, tasks: Sequence[Task], clip: Clip, draft: Path) -> Path | None:
    """The complete file, or ``draft`` with a cut of it. Null if the service accepts neither."""
    whole = context.job.dataset.root / clip.file
    fits = _size(whole) <= context.upload_bytes
    frames = sum(task.episode.length for task in tasks)
    if fits and 2 * frames >= context.job.frames_of_file[clip.file]:
        return whole
    was_cut = has_ffmpeg() and await cut_video(whole, draft, *_range(tasks, context.job.dataset.fps))
    if was_cut and _size(draft) <= min(context.upload_bytes, _size(whole)):
        return draft
    return whole if fits else None


def _range(tasks: Sequence[Task], fps: float) -> tuple[float, float]:
    clocks = [clock_of(task.episode, task.episode.clip, fps) for task in tasks if task.episode.clip]
    return min(clock["from_s"] for clock in clocks), max(clock["to_s"] for clock in clocks)


def _size(path: Path) -> int:
    return path.stat().st_size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
