"""Makes requests of tasks: which files are sent, and where in them an episode begins and ends."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import pyarrow as pa

from .._batch import BatchItem
from .._contract import Episode as EpisodeOptions
from .._frames import Frames
from .episodes import Clip, Episode

# Files of several episodes are sent together up to this size. It bounds the memory for images.
GROUP_BYTES = 64 * 1024 * 1024

SubjectT = TypeVar("SubjectT")


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """An episode in a video file. ``frames_of_file`` counts all episodes of the file.

    ``range_s`` is where it begins and ends in the file, in seconds; null if the file has this episode only.
    """

    file: Path
    range_s: tuple[float, float] | None
    frames: int
    frames_of_file: int


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """An episode whose frames are images or one ``.npy``, which ``read`` returns.

    ``read`` raises OSError, ValueError or pyarrow.ArrowException if it cannot.
    """

    read: Callable[[], list[bytes] | Path]
    frames: int
    fps: float


Footage = Film | Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Task(Generic[SubjectT]):
    """An episode, and what is asked about it: members of the contract's Episode, without a clock."""

    subject: SubjectT
    footage: Footage
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request(Generic[SubjectT]):
    """A batch: one item for each task, in their order, and the files that they name.

    ``unreadable`` has tasks that are not in the batch, and why their images cannot be read.
    """

    tasks: tuple[Task[SubjectT], ...]
    items: list[BatchItem]
    videos: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Task[SubjectT], str]] = field(default_factory=list)


def range_of(episode: Episode, clip: Clip, fps: float) -> tuple[float, float] | None:
    """Return where an episode begins and ends in its video file, in seconds.

    ``from_timestamp`` of a dataset is a sum of durations and can lie off by almost half a frame. So the range begins half
    a frame before it and ends half a frame after the last frame, and the number of frames decides where that is. A file of
    one episode is read completely: a wrong number of frames is then seen in both directions.
    """
    if clip.start_s is None:
        return None
    return max(0.0, clip.start_s - 0.5 / fps), clip.start_s + (episode.length - 0.5) / fps


def shared_video(tasks: Sequence[Task[SubjectT]], video: Path) -> Request[SubjectT]:
    """Return a request for episodes of one video file, which is sent once."""
    return Request(tuple(tasks), [_video_item(task, 0) for task in tasks], videos=[video])


def own_videos(tasks: Iterable[Task[SubjectT]]) -> Request[SubjectT]:
    """Return a request for the first of these episodes, each with a video file of its own."""
    chosen: list[Task[SubjectT]] = []
    videos: list[Path] = []
    total = 0
    for task in tasks:
        assert isinstance(task.footage, Film)
        if task.footage.file not in videos:
            total += task.footage.file.stat().st_size
            if chosen and total > GROUP_BYTES:
                break
            videos.append(task.footage.file)
        chosen.append(task)
    items = [_video_item(task, videos.index(cast(Film, task.footage).file)) for task in chosen]
    return Request(tuple(chosen), items, videos=videos)


def pictures(tasks: Iterable[Task[SubjectT]], most_frames: int) -> Request[SubjectT]:
    """Return a request for the first of these tasks, with the images of each.

    :param most_frames: most frames in one batch; one episode is taken in any case
    """
    chosen: list[Task[SubjectT]] = []
    items: list[BatchItem] = []
    unreadable: list[tuple[Task[SubjectT], str]] = []
    known: dict[Pictures, list[bytes] | Path | str] = {}
    frames = total = 0
    for task in tasks:
        assert isinstance(task.footage, Pictures)
        if chosen and frames + task.footage.frames > most_frames:
            break
        if task.footage not in known:
            known[task.footage] = _read(task.footage)
        images = known[task.footage]
        if isinstance(images, str):
            unreadable.append((task, images))
            continue
        total += _bytes_of(images)
        if chosen and total > GROUP_BYTES:
            break
        chosen.append(task)
        frames += task.footage.frames
        asked = {**task.asked, "fps": task.footage.fps}
        items.append(BatchItem(cast(EpisodeOptions, asked), frames=cast(Frames, images)))
    return Request(tuple(chosen), items, unreadable=unreadable)


def _read(footage: Pictures) -> list[bytes] | Path | str:
    """The images of an episode, or why they cannot be read."""
    try:
        return footage.read()
    except (OSError, ValueError, pa.ArrowException) as error:
        return str(error) or type(error).__name__


def _bytes_of(images: list[bytes] | Path) -> int:
    return images.stat().st_size if isinstance(images, Path) else sum(map(len, images))


def _video_item(task: Task[SubjectT], video: int) -> BatchItem:
    range_s = cast(Film, task.footage).range_s
    clock = {"from_s": range_s[0], "to_s": range_s[1]} if range_s else {}
    return BatchItem(cast(EpisodeOptions, {**task.asked, **clock}), video=video)
