"""Decides which files a request has: the complete video of several episodes, a cut of it, own videos, or images."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path

from .._contract import Limits
from .cutting import cut_video, has_ffmpeg
from .requests import Film, Request, SubjectT, Task, own_videos, pictures, shared_video

# Room for the form around the files of a request.
FORM_BYTES = 1024 * 1024


@asynccontextmanager
async def request_for(limits: Limits, draft: Path, tasks: Sequence[Task[SubjectT]]) -> AsyncIterator[Request[SubjectT] | None]:
    """Make a request for the first tasks: as many as fit into one.

    :param draft: path for a cut of a video file, which exists as long as the request
    :returns: null if the service does not accept the video of the first task
    """
    first = tasks[0].footage
    if not isinstance(first, Film):
        alike = list(takewhile(lambda task: not isinstance(task.footage, Film), tasks))
        yield await asyncio.to_thread(pictures, alike, limits["batch_frames"])
        return
    if first.range_s is None:
        alike = list(takewhile(lambda task: isinstance(task.footage, Film) and task.footage.range_s is None, tasks))
        yield await asyncio.to_thread(own_videos, alike)
        return
    alike = list(takewhile(lambda task: isinstance(task.footage, Film) and task.footage.file == first.file, tasks))
    try:
        yield await _shared(alike, draft, limits["upload_bytes"] - FORM_BYTES)
    finally:
        _remove(draft)


async def _shared(tasks: Sequence[Task[SubjectT]], draft: Path, most_bytes: int) -> Request[SubjectT] | None:
    """A request for as many of these episodes of one video file as the service accepts."""
    while tasks:
        # An episode can have several tasks, but its frames count once.
        films = dict.fromkeys(task.footage for task in tasks if isinstance(task.footage, Film))
        video = await _video(list(films), draft, most_bytes)
        if video is not None:
            return shared_video(tasks, video)
        tasks = tasks[: len(tasks) // 2]  # a shorter range makes a smaller file
    return None


async def _video(films: Sequence[Film], draft: Path, most_bytes: int) -> Path | None:
    """The complete file, or ``draft`` with a cut of it. Null if the service accepts neither."""
    whole = films[0].file
    fits = _size(whole) <= most_bytes
    if fits and 2 * sum(film.frames for film in films) >= films[0].frames_of_file:
        return whole
    ranges = [film.range_s for film in films if film.range_s]
    start_s, end_s = min(start for start, _ in ranges), max(end for _, end in ranges)
    was_cut = has_ffmpeg() and await cut_video(whole, draft, start_s, end_s)
    if was_cut and _size(draft) <= min(most_bytes, _size(whole)):
        return draft
    return whole if fits else None


def _size(path: Path) -> int:
    return path.stat().st_size


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
