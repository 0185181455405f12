"""Makes requests of episodes: which files are sent, and where in them an episode begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pyarrow as pa

from .._batch import BatchItem
from .._contract import Episode as EpisodeOptions
from ..lerobot.dataset import Camera, Dataset
from ..lerobot.episodes import Clip, Episode
from ..lerobot.rows import read_images
from .options import Options

# Files of several episodes are sent together up to this size. It bounds the memory for images.
GROUP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Task:
    """An episode to score, and its instruction."""

    episode: Episode
    instruction: str


@dataclass(frozen=True, slots=True)
class Request:
    """A batch: one item for each task, in their order, and the files that they name.

    ``unreadable`` has tasks that are not in the batch, and why their images cannot be read.
    """

    tasks: tuple[Task, ...]
    items: list[BatchItem]
    videos: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Task, str]] = field(default_factory=list)


def clock_of(episode: Episode, clip: Clip, fps: float) -> dict[str, float]:
    """Return where an episode begins and ends in its video file, in seconds.

    ``from_timestamp`` of a dataset is a sum of durations and can lie off by almost half a frame. So the range begins half
    a frame before it and ends half a frame after the last frame, and the number of frames decides where that is. A file of
    one episode is read completely: a wrong number of frames is then seen in both directions.
    """
    if clip.start_s is None:
        return {}
    return {
        "from_s": max(0.0, clip.start_s - 0.5 / fps),
        "to_s": clip.start_s + (episode.length - 0.5) / fps,
    }


def shared_video(tasks: Sequence[Task], video: Path, options: Options, fps: float) -> Request:
    """Return a request for episodes of one video file, which is sent once."""
    items = [_video_item(task, options, fps, 0) for task in tasks]
    return Request(tuple(tasks), items, videos=[video])


def own_videos(tasks: Sequence[Task], dataset: Dataset, options: Options) -> Request:
    """Return a request for the first of these episodes, each with a video file of its own."""
    chosen: list[Task] = []
    videos: list[Path] = []
    total = 0
    for task in tasks:
        assert task.episode.clip is not None
        video = dataset.root / task.episode.clip.file
        total += video.stat().st_size
        if chosen and total > GROUP_BYTES:
            break
        chosen.append(task)
        videos.append(video)
    items = [_video_item(task, options, dataset.fps, number) for number, task in enumerate(chosen)]
    return Request(tuple(chosen), items, videos=videos)


def image_frames(tasks: Sequence[Task], dataset: Dataset, camera: Camera, options: Options, most_frames: int) -> Request:
    """Return a request for the first of these episodes, with their images.

    :param most_frames: most frames in one batch; one episode is taken in any case
    """
    chosen: list[Task] = []
    items: list[BatchItem] = []
    unreadable: list[tuple[Task, str]] = []
    frames = total = 0
    for task in tasks:
        if chosen and frames + task.episode.length > most_frames:
            break
        try:
            images = read_images(dataset, task.episode, camera)
        except (OSError, pa.ArrowException) as error:
            unreadable.append((task, str(error)))
            continue
        total += sum(map(len, images))
        if chosen and total > GROUP_BYTES:
            break
        chosen.append(task)
        frames += len(images)
        asked = {**options.episode(task.instruction), "fps": dataset.fps}
        items.append(BatchItem(cast(EpisodeOptions, asked), frames=images))
    return Request(tuple(chosen), items, unreadable=unreadable)


def _video_item(task: Task, options: Options, fps: float, video: int) -> BatchItem:
    assert task.episode.clip is not None
    asked = {**options.episode(task.instruction), **clock_of(task.episode, task.episode.clip, fps)}
    return BatchItem(cast(EpisodeOptions, asked), video=video)
