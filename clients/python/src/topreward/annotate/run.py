"""Works through the units of a run: several at once, each resumed where an earlier run stopped."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from .._contract import Model
from ..aio import AsyncClient
from ..client import Client
from ..errors import Refused, Unanswered, UnusableAnswer
from ..lerobot.failures import ServiceError, UsageError
from ..lerobot.maker import Settings
from ..lerobot.pacing import Pacer
from ..lerobot.report import Report
from ..lerobot.workers import work_through
from .asking import record, score_tasks
from .context import Context
from .folder import Plan, Planned, finish_unit, finished_outcomes, journal_path, write_plan
from .identity import run_of, settings_of
from .job import Job
from .journal import Journal, open_journal
from .outcomes import Outcome
from .tasks import prepare
from .units import Unit, shard_of


def annotate(job: Job) -> int:
    """Score all units of this shard that have no part yet.

    :returns: the number of episodes without numbers
    :raises RunError: what ended the run
    """
    return asyncio.run(_annotate(job, *begin(job)))


def begin(job: Job) -> tuple[Settings, Model]:
    """Ask for the model of the service, and begin or continue the run in the folder of the job.

    :returns: the settings of the run, and the response of ``GET /v1/model``
    :raises RunError: if the service does not respond, or if the folder has another run
    """
    try:
        with Client(job.url, api_key=job.api_key, patience_s=job.patience_s) as client:
            model = client.model()
    except ValueError as error:
        raise UsageError(str(error)) from error
    except (Refused, Unanswered, UnusableAnswer) as error:
        raise ServiceError(str(error)) from error
    if job.camera.kind == "video" and not model["video"]:
        raise ServiceError(f"{job.url} cannot read videos: it needs ffmpeg.")
    settings = settings_of(job.dataset, job.camera, job.options, model)
    write_plan(job.folder, _plan(job, settings), job.fresh)
    return settings, model


async def _annotate(job: Job, settings: Settings, model: Model) -> int:
    units = shard_of(job.units, *job.shard)
    report = report_on(job, units)
    async with AsyncClient(job.url, api_key=job.api_key, patience_s=job.patience_s) as client:
        context = Context(job, settings, model, client, Pacer(job.in_flight), report)
        try:
            # If the run ends early, units that were being scored keep their journals.
            await work_through(units, job.in_flight, partial(run_unit, context))
        finally:
            report.close()
    return report.failed


def report_on(job: Job, units: Sequence[Unit]) -> Report:
    """Return the report of a run that scores these units."""
    seconds = sum(unit.frames for unit in units) / job.dataset.fps
    return Report(sum(len(unit.episodes) for unit in units), seconds)


def _plan(job: Job, settings: Settings) -> Plan:
    units = (Planned(unit.name, run_of(settings, unit, job.dataset), len(unit.episodes), unit.frames) for unit in job.units)
    return Plan(settings, tuple(units), str(job.output))


async def run_unit(context: Context, unit: Unit) -> None:
    """Score the episodes of a unit that have no outcome yet, and make its part.

    :raises RunError: what ended the run
    """
    run = run_of(context.settings, unit, context.job.dataset)
    done = finished_outcomes(context.job.folder, unit.name, run)
    if is_done(context.job, done):
        _count_before(context, unit, done)
        return
    with open_journal(journal_path(context.job.folder, unit.name), run) as journal:
        if context.job.retry_failed:
            _take_over(journal, done)
        _count_before(context, unit, journal.outcomes)
        rest = [episode for episode in unit.episodes if episode.index not in journal.outcomes]
        tasks, outcomes = await asyncio.to_thread(prepare, context, rest)
        for episode, outcome in outcomes:
            record(context, journal, episode, outcome)
        await score_tasks(context, unit.name, tasks, journal)
        finish_unit(context.job.folder, unit, run, journal)
    journal_path(context.job.folder, unit.name).unlink(missing_ok=True)


def is_done(job: Job, finished: Mapping[int, Outcome]) -> bool:
    """Whether nothing is left to do for a unit with these finished outcomes."""
    return bool(finished) and not (job.retry_failed and any(outcome.failure for outcome in finished.values()))


def _take_over(journal: Journal, done: dict[int, Outcome]) -> None:
    """Keep the numbers of a finished unit, and drop the failures."""
    for index, outcome in done.items():
        if index not in journal.outcomes and outcome.failure is None:
            journal.add(outcome)
    journal.forget_failures()


def _count_before(context: Context, unit: Unit, outcomes: dict[int, Outcome]) -> None:
    for episode in unit.episodes:
        if episode.index in outcomes:
            failure = outcomes[episode.index].failure
            context.report.known_before(failure is not None, episode.length / context.job.dataset.fps)
