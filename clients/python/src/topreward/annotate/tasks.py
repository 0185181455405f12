"""What can be said about episodes before the service is asked: their instruction, their rows and their files."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..lerobot.episodes import Episode
from ..lerobot.rows import RowSpan, row_spans, task_of_first_row
from .context import Context
from .outcomes import Outcome, failed
from .requests import Task


def prepare(context: Context, episodes: Sequence[Episode]) -> tuple[list[Task], list[tuple[Episode, Outcome]]]:
    """Return the episodes that can be sent, and the outcomes of those that cannot."""
    spans: dict[str, dict[int, RowSpan] | Outcome] = {}
    tasks: list[Task] = []
    outcomes: list[tuple[Episode, Outcome]] = []
    for episode in episodes:
        if episode.data_file not in spans:
            spans[episode.data_file] = _spans(context.job.dataset.root / episode.data_file, episode)
        instruction = _instruction(context, episode)
        if isinstance(instruction, Outcome):
            outcomes.append((episode, instruction))
            continue
        fault = _fault(context, episode, instruction, spans[episode.data_file])
        if fault:
            outcomes.append((episode, fault))
        else:
            tasks.append(Task(episode, instruction))
    return tasks, outcomes


def _instruction(context: Context, episode: Episode) -> str | Outcome:
    """The instruction of an episode, or why there is none."""
    if context.job.options.instruction is not None:
        return context.job.options.instruction
    if len(episode.tasks) == 1 and episode.tasks[0].strip():
        return episode.tasks[0]
    if len(episode.tasks) < 2:
        return failed(episode, None, "missing-instruction", "The dataset has no task for this episode.")
    if context.job.options.several_tasks == "refuse":
        listed = "; ".join(sorted(episode.tasks))
        detail = f"The episode has {len(episode.tasks)} tasks: {listed}. Use --instruction or --several-tasks first."
        return failed(episode, None, "several-tasks", detail)
    number = task_of_first_row(context.job.dataset, episode)
    if number is None or number not in context.job.tasks:
        return failed(episode, None, "missing-instruction", "The first frame of this episode has no task.")
    return context.job.tasks[number]


def _spans(file: Path, episode: Episode) -> dict[int, RowSpan] | Outcome:
    """The rows of a data file. A dataset can be on this machine without it: then nothing is checked."""
    if not file.is_file():
        return {}
    try:
        return row_spans(file)
    except (OSError, pa.ArrowException, KeyError) as error:
        return failed(episode, None, "data-unreadable", f"{file} cannot be read: {error}")


def _fault(context: Context, episode: Episode, instruction: str, spans: dict[int, RowSpan] | Outcome) -> Outcome | None:
    """Why an episode cannot be sent; null if it can."""
    if isinstance(spans, Outcome):
        return failed(episode, instruction, "data-unreadable", spans.failure.detail if spans.failure else "")
    root = context.job.dataset.root
    file = episode.clip.file if episode.clip else episode.data_file
    if not (root / file).is_file():
        return failed(episode, instruction, "file-missing", f"{root / file} does not exist.")
    if not spans:
        return None
    span = spans.get(episode.index, RowSpan(0, episode.first_frame))
    if span != RowSpan(episode.length, episode.first_frame):
        detail = (
            f"{episode.data_file} has {span.count} rows from index {span.first_frame} on, "
            f"the table of episodes says {episode.length} from {episode.first_frame} on."
        )
        return failed(episode, instruction, "frame-count", detail)
    return None
