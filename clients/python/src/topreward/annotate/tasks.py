"""The episodes of a unit that can be sent, and the outcomes of the others."""

from collections.abc import Sequence

from ..lerobot.checking import Fault, file_faults, footage_of, instruction_of
from ..lerobot.episodes import Episode
from ..lerobot.requests import Task
from .context import Context
from .job import Job
from .outcomes import Outcome, failed


def prepare(context: Context, episodes: Sequence[Episode]) -> tuple[list[Task[Episode]], list[tuple[Episode, Outcome]]]:
    """Return the episodes that can be sent, and the outcomes of those that cannot."""
    tasks: list[Task[Episode]] = []
    outcomes: list[tuple[Episode, Outcome]] = []
    faults = file_faults(context.job.dataset, episodes)
    for episode in episodes:
        instruction = _instruction(context.job, episode)
        if isinstance(instruction, Fault):
            outcomes.append((episode, failed(episode, None, instruction.code, instruction.detail)))
        elif episode.index in faults:
            fault = faults[episode.index]
            outcomes.append((episode, failed(episode, instruction, fault.code, fault.detail)))
        else:
            tasks.append(task_of(context.job, episode, instruction))
    return tasks, outcomes


def task_of(job: Job, episode: Episode, instruction: str) -> Task[Episode]:
    """Return the task of scoring an episode."""
    footage = footage_of(job.dataset, job.camera, episode, job.frames_of_file)
    return Task(episode, footage, job.options.episode(instruction))


def _instruction(job: Job, episode: Episode) -> str | Fault:
    if job.options.instruction is not None:
        return job.options.instruction
    return instruction_of(job.dataset, episode, job.options.several_tasks == "first", job.tasks)
