"""What an evaluation costs, before anything is sent."""

from ..annotate.cost import ROBOT_SECONDS_PER_SECOND
from .evaluation import Kind
from .job import Job

# How often a model reads an episode for a question. The static and the reversed video are as long as the episode. In the
# published pipeline, each of 15 prefixes has a pass of its own, and they are half as long on average.
PASSES: dict[Kind, float] = {"topreward": 3, "published": 8, "answers": 1, "instruction_likelihood": 1, "gvl": 1}


def cost_of(job: Job) -> dict[str, object]:
    """Return the size of an evaluation in numbers.

    ``frames``, ``robot_seconds`` and ``hours`` are without the episodes of ``unknown_length``: videos of their own.
    """
    every = job.subjects.subjects
    sent = [subject for subject in every if not isinstance(subject.footage, dict)]
    seconds = sum(subject.seconds or 0.0 for subject in sent)
    passes = sum(PASSES[question.kind] for question in job.questions)
    return {
        "episodes": len(every),
        "unreadable": len(every) - len(sent),
        "successes": sum(subject.success is True for subject in every),
        "failures": sum(subject.success is False for subject in every),
        "unlabelled": sum(subject.success is None for subject in every),
        "questions": [question.name for question in job.questions],
        "requests": len(sent) * len(job.questions),
        "frames": sum(subject.frames or 0 for subject in sent),
        "robot_seconds": round(seconds, 1),
        "unknown_length": sum(subject.seconds is None for subject in sent),
        "hours": round(seconds * passes / ROBOT_SECONDS_PER_SECOND / 3600, 4),
    }
