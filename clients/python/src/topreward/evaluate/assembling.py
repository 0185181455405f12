"""Puts the results together: an Evaluation."""

from collections.abc import Mapping

from .._contract import EpisodeResult, Model, Problem
from ..lerobot.failures import UsageError
from .evaluation import EvaluatedEpisode, Evaluation
from .job import Job
from .journal import read_lines
from .scoring import aims_of
from .subjects import Subject


def evaluation_of(job: Job, model: Model, left_out: Mapping[str, str]) -> Evaluation:
    """Return what the journal of a finished run says.

    :raises UsageError: if the engine cannot answer any question
    """
    if len(left_out) == len(job.questions):
        reasons = "\n".join(f"  {name}: {reason}" for name, reason in left_out.items())
        raise UsageError(f"The service can answer none of the questions:\n{reasons}")
    wanted = {aim.key for subject in job.subjects.subjects for aim in aims_of(job, subject)}
    lines = {line.key: line for line in read_lines(job.folder) if line.key in wanted}
    results = {key: line.result for key, line in lines.items() if line.result is not None}
    problems = {key: line.problem for key, line in lines.items() if line.problem is not None}
    return Evaluation(
        dataset=job.subjects.name,
        published_name=job.published_name,
        model=model,
        questions=job.questions,
        left_out=left_out,
        episodes=tuple(_episode(job, subject, left_out, results, problems) for subject in job.subjects.subjects),
    )


def _episode(
    job: Job,
    subject: Subject,
    left_out: Mapping[str, str],
    results: Mapping[str, EpisodeResult],
    problems: Mapping[str, Problem],
) -> EvaluatedEpisode:
    keys = {aim.question.name: aim.key for aim in aims_of(job, subject) if aim.question.name not in left_out}
    own = {name: results[key] for name, key in keys.items() if key in results}
    unsent = dict.fromkeys(keys, subject.footage) if isinstance(subject.footage, dict) else {}
    frames, seconds = _length(subject, own)
    return EvaluatedEpisode(
        name=subject.name,
        task=subject.task,
        instruction=subject.instruction,
        other_instruction=job.others[subject.instruction],
        success=subject.success,
        frames=frames,
        duration_s=seconds,
        results=own,
        problems=unsent or {name: problems[key] for name, key in keys.items() if key in problems},
    )


def _length(subject: Subject, results: Mapping[str, EpisodeResult]) -> tuple[int, float]:
    """Frames and seconds. For a video of its own, the longest prefix of a result says them; without a result they are 0."""
    if subject.frames is not None and subject.seconds is not None:
        return subject.frames, subject.seconds
    for result in results.values():
        if result["method"] != "gvl":
            longest = result["prefixes"][-1]
            return longest["length"], longest["time_s"]
    return 0, 0.0
