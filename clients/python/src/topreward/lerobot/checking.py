"""What can be said about an episode before the service is asked: its instruction, its rows and its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from .dataset import Camera, Dataset
from .episodes import Episode
from .requests import Film, Footage, Pictures, range_of
from .rows import RowSpan, read_images, row_spans, task_of_first_row


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an episode cannot be sent."""

    code: str
    detail: str


def instruction_of(dataset: Dataset, episode: Episode, first_task: bool, tasks: Mapping[int, str]) -> str | Fault:
    """Return the instruction of an episode: its task.

    :param first_task: if the episode has several tasks, take that of its first frame
    :param tasks: texts of the dataset's tasks; needed with ``first_task`` only
    """
    if len(episode.tasks) == 1 and episode.tasks[0].strip():
        return episode.tasks[0]
    if len(episode.tasks) < 2:
        return Fault("missing-instruction", "The dataset has no task for this episode.")
    if not first_task:
        listed = "; ".join(sorted(episode.tasks))
        detail = f"The episode has {len(episode.tasks)} tasks: {listed}. Use --instruction or --several-tasks first."
        return Fault("several-tasks", detail)
    number = task_of_first_row(dataset, episode)
    if number is None or number not in tasks:
        return Fault("missing-instruction", "The first frame of this episode has no task.")
    return tasks[number]


def file_faults(dataset: Dataset, episodes: Sequence[Episode]) -> dict[int, Fault]:
    """Return what is wrong with the files and rows of these episodes, by the numbers of those that cannot be sent."""
    known: dict[str, dict[int, RowSpan] | Fault] = {}
    for episode in episodes:
        if episode.data_file not in known:
            known[episode.data_file] = _spans(dataset.root / episode.data_file)
    faults = {episode.index: _fault(dataset.root, episode, known[episode.data_file]) for episode in episodes}
    return {index: fault for index, fault in faults.items() if fault}


def _spans(file: Path) -> dict[int, RowSpan] | Fault:
    """The rows of a data file. A dataset can be on this machine without it: then nothing is checked."""
    if not file.is_file():
        return {}
    try:
        return row_spans(file)
    except (OSError, pa.ArrowException, KeyError) as error:
        return Fault("data-unreadable", f"{file} cannot be read: {error}")


def _fault(root: Path, episode: Episode, spans: dict[int, RowSpan] | Fault) -> Fault | None:
    if isinstance(spans, Fault):
        return spans
    file = episode.clip.file if episode.clip else episode.data_file
    if not (root / file).is_file():
        return Fault("file-missing", f"{root / file} does not exist.")
    if not spans:
        return None
    span = spans.get(episode.index, RowSpan(0, episode.first_frame))
    if span != RowSpan(episode.length, episode.first_frame):
        detail = (
            f"{episode.data_file} has {span.count} rows from index {span.first_frame} on, "
            f"the table of episodes says {episode.length} from {episode.first_frame} on."
        )
        return Fault("frame-count", detail)
    return None


def frames_of_files(episodes: Sequence[Episode]) -> dict[str, int]:
    """Return the frames of all episodes of each video file."""
    frames: dict[str, int] = {}
    for episode in episodes:
        if episode.clip:
            frames[episode.clip.file] = frames.get(episode.clip.file, 0) + episode.length
    return frames


def footage_of(dataset: Dataset, camera: Camera, episode: Episode, frames_of_file: Mapping[str, int]) -> Footage:
    """Return where the frames of an episode are."""
    if episode.clip is None:
        return Pictures(partial(read_images, dataset, episode, camera), episode.length, dataset.fps)
    file, range_s = episode.clip.file, range_of(episode, episode.clip, dataset.fps)
    return Film(dataset.root / file, range_s, episode.length, frames_of_file[file])
