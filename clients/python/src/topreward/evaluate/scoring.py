"""Asks every question about every episode, several requests at once, and continues where an earlier run stopped."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from .._contract import EpisodeResult, Model, Problem
from ..aio import AsyncClient
from ..errors import Refused, Unanswered, UnusableAnswer
from ..lerobot.asking import Asking, ask
from ..lerobot.failures import ServiceError, UsageError
from ..lerobot.maker import check_maker, maker_of
from ..lerobot.pacing import Pacer
from ..lerobot.report import Report
from ..lerobot.requests import Film, Task
from ..lerobot.workers import work_through
from .bar import check_bar
from .evaluation import Question
from .job import Job
from .journal import Journal, Line, frames_of, open_journal, without_frames
from .questions import asked_of
from .subjects import Subject, digest, fault

# With one of these problems, the engine cannot answer the question, whatever the episode is.
CANNOT = {"method-unsupported", "invalid-answers", "frame-size-unsupported", "pipeline-unsupported"}

# Where a problem with the instruction of the control is.
OTHER = "/controls/other_instruction"


@dataclass(frozen=True, slots=True)
class Aim:
    """A question about an episode. ``key`` is that of its line in the journal."""

    subject: Subject
    question: Question
    key: str


@dataclass(frozen=True, slots=True)
class Context:
    """What the units of a run share. ``left_out`` has questions that the engine cannot answer, and why."""

    job: Job
    model: Model
    client: AsyncClient
    pacer: Pacer
    report: Report
    journal: Journal
    left_out: dict[str, str]


async def score(job: Job, stack: ExitStack) -> tuple[Model, dict[str, str]]:
    """Ask what the journal does not have yet.

    :param stack: until it ends, no other run can change the results
    :returns: the model, and the questions that it cannot answer with the service's reason
    :raises RunError: what ended the run
    """
    try:
        client = AsyncClient(job.url, api_key=job.api_key, patience_s=job.patience_s)
    except ValueError as error:
        raise UsageError(str(error)) from error
    async with client:
        try:
            model = await client.model()
        except (Refused, Unanswered, UnusableAnswer) as error:
            raise ServiceError(str(error)) from error
        if not model["video"] and any(isinstance(subject.footage, Film) for subject in job.subjects.subjects):
            raise ServiceError(f"{job.url} cannot read videos: it needs ffmpeg.")
        check_bar(job.bar, model, None)
        journal = stack.enter_context(open_journal(job.folder, job.settings(model), job.fresh, job.retry_failed))
        left_out = _left_out_before(job, journal)
        for name, reason in left_out.items():
            print(f"{name} is left out: {reason}", file=sys.stderr)
        seconds = sum(subject.seconds or 0.0 for subject in job.subjects.subjects)
        report = Report(len(job.subjects.subjects), seconds, sys.stderr)
        context = Context(job, model, client, Pacer(job.in_flight), report, journal, left_out)
        try:
            await work_through(list(_units(context)), job.in_flight, partial(_score_unit, context))
        finally:
            report.close()
    return model, left_out


def aims_of(job: Job, subject: Subject) -> list[Aim]:
    """Return all questions about an episode."""
    return [Aim(subject, question, _key(job, subject, question)) for question in job.questions]


def _key(job: Job, subject: Subject, question: Question) -> str:
    return digest([subject.identity, asked_of(question, subject.instruction, job.others[subject.instruction])])


def _left_out_before(job: Job, journal: Journal) -> dict[str, str]:
    """The questions that an earlier run found to be impossible."""
    return {
        aim.question.name: journal.problems[aim.key]["detail"]
        for subject in job.subjects.subjects
        for aim in aims_of(job, subject)
        if aim.key in journal.problems and journal.problems[aim.key]["code"] in CANNOT
    }


@dataclass(frozen=True, slots=True)
class _Unit:
    """Episodes that are sent together: of one video file, or each with files of its own."""

    number: int
    subjects: tuple[Subject, ...]


def _units(context: Context) -> Iterator[_Unit]:
    """Cut the episodes into units whose questions fit into one batch."""
    most = max(1, context.model["limits"]["batch_episodes"] // len(context.job.questions))
    number = 0
    for _, group in groupby(context.job.subjects.subjects, key=_shared_file):
        alike = tuple(group)
        for start in range(0, len(alike), most):
            yield _Unit(number, alike[start : start + most])
            number += 1


def _shared_file(subject: Subject) -> Path | None:
    footage = subject.footage
    return footage.file if isinstance(footage, Film) and footage.range_s else None


async def _score_unit(context: Context, unit: _Unit) -> None:
    tasks: list[Task[Aim]] = []
    waiting: dict[str, int] = {}
    for subject in unit.subjects:
        of_subject = _tasks(context, subject)
        tasks.extend(of_subject)
        waiting[subject.name] = len(of_subject)
        if not of_subject:
            context.report.known_before(_has_failed(context, subject), subject.seconds or 0.0)

    def known(task: Task[Aim], line: Line) -> None:
        context.journal.add(line)
        subject = task.subject.subject
        waiting[subject.name] -= 1
        if not waiting[subject.name]:
            context.report.known_now(_has_failed(context, subject), subject.seconds or 0.0)

    def keep(task: Task[Aim], result: EpisodeResult) -> None:
        aim = task.subject
        # A question without a prompt has that of its method, whose layout can be another one.
        check_maker(maker_of(context.model, aim.question.asked.get("prompt", "open")), result["provenance"])
        wrong = _wrong_length(aim.subject, result)
        if wrong:
            fail(task, wrong)
        else:
            known(task, Line(aim.key, aim.subject.name, aim.question.name, without_frames(result), None))

    without: list[Task[Aim]] = []

    def fail(task: Task[Aim], problem: Problem) -> None:
        aim = task.subject
        # The other instruction is that of another episode, which must not fail this one.
        if problem.get("pointer", "").endswith(OTHER) and "other_instruction" in task.asked["controls"]:
            context.report.say(f"episode {aim.subject.name}: asked without an other instruction: {problem['detail']}")
            asked = asked_of(aim.question, aim.subject.instruction, None)
            without.append(Task(aim, task.footage, asked))
            return
        _tell(context, aim, problem)
        known(task, Line(aim.key, aim.subject.name, aim.question.name, None, problem))

    draft = context.job.folder / f"unit-{unit.number}.mp4"
    limits, patience_s = context.model["limits"], context.job.patience_s
    asking = Asking(context.client, limits, context.pacer, patience_s, draft, keep, fail)
    await ask(asking, tasks)
    await ask(asking, without)


def _tasks(context: Context, subject: Subject) -> list[Task[Aim]]:
    """What is still to be asked about an episode. What is wrong with an episode on this machine is noted at once."""
    rest = [
        aim
        for aim in aims_of(context.job, subject)
        if aim.key not in context.journal.known and aim.question.name not in context.left_out
    ]
    footage = subject.footage
    if isinstance(footage, dict):
        if rest:
            context.report.say(f"episode {subject.name}: {footage['code']}: {footage['detail']}")
        return []
    other = context.job.others[subject.instruction]
    return [Task(aim, footage, asked_of(aim.question, subject.instruction, other)) for aim in rest]


def _has_failed(context: Context, subject: Subject) -> bool:
    if isinstance(subject.footage, dict):
        return True
    return any(
        aim.key in context.journal.problems and aim.question.name not in context.left_out
        for aim in aims_of(context.job, subject)
    )


def _wrong_length(subject: Subject, result: EpisodeResult) -> Problem | None:
    """A problem if a video has another number of frames than its dataset says. There is never a number for wrong frames."""
    found = frames_of(result)
    if found is None or subject.frames in (None, found):
        return None
    detail = f"The video has {found} frames for this episode, the table of episodes says {subject.frames}."
    return fault("frame-count", detail)


def _tell(context: Context, aim: Aim, problem: Problem) -> None:
    """Say why there is no result: once for a question that the engine cannot answer."""
    name = aim.question.name
    if problem["code"] not in CANNOT:
        context.report.say(f"episode {aim.subject.name}: {name}: {problem['code']}: {problem['detail']}")
    elif name not in context.left_out:
        context.left_out[name] = problem["detail"]
        context.report.say(f"{name} is left out: {problem['detail']}")
