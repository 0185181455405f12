"""Works through the units of a run: several at once, each resumed where an earlier run stopped."""

import asyncio
from collections.abc import Iterator, Sequence

from .asking import record_report, score_tasks
from .context import Context
from .folder import finish_unit, finished_outcomes, journal_path, part_path
from .identity import run_of
from .journal import Journal, open_journal
from .outcomes import Outcome
from .tasks import prepare
from .units import Unit


async def run_units(context: Context, units: Sequence[Unit], in_flight: int) -> None:
    """Score all units that have no part yet.

    :param in_flight: most units that are worked on at once
    :raises RunError: what ends the run. Units that were being scored keep their journals.
    """
    waiting = iter(units)
    workers = [asyncio.create_task(_work(context, waiting)) for _ in range(min(in_flight, len(units)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(context: Context, waiting: Iterator[Unit]) -> None:
    for unit in waiting:
        await _run_unit(context, unit)


async def _run_unit(context: Context, unit: Unit) -> None:
    run = run_of(context.settings, unit, context.dataset)
    done = finished_outcomes(context.folder, unit.name, run)
    if done and not (context.retry_failed and _has_failures(done)):
        _count_before(context, unit, done)
        return
    with open_journal(journal_path(context.folder, unit.name), run) as journal:
        if context.retry_failed:
            _take_over(journal, done)
        _count_before(context, unit, journal.outcomes)
        rest = [episode for episode in unit.episodes if episode.index not in journal.outcomes]
        tasks, outcomes = await asyncio.to_thread(prepare, context, rest)
        for outcome in outcomes:
            journal.add(outcome)
        for episode in unit.episodes:
            if any(outcome.episode == episode.index for outcome in outcomes):
                record_report(context, episode, journal.outcomes[episode.index].failure)
        await score_tasks(context, unit.name, tasks, journal)
        finish_unit(context.folder, unit, run, journal)


def _has_failures(outcomes: dict[int, Outcome]) -> bool:
    return any(outcome.failure for outcome in outcomes.values())


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
            context.report.known_before(failure is not None, episode.length / context.dataset.fps)


def unfinished(context: Context, units: Sequence[Unit]) -> list[str]:
    """Return the names of the units without a part."""
    return [unit.name for unit in units if not part_path(context.folder, unit.name).is_file()]
