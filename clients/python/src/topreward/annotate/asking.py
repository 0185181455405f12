"""Scores the episodes of a unit, and writes each outcome to the journal as soon as it is known."""

from collections.abc import Sequence
from typing import cast

from .._contract import EpisodeResult, Problem, RewardResult
from ..lerobot.asking import Asking, ask
from ..lerobot.episodes import Episode
from ..lerobot.maker import check_maker
from ..lerobot.requests import Task
from .context import Context
from .journal import Journal
from .outcomes import Outcome, failed, outcome_of_result


async def score_tasks(context: Context, name: str, tasks: Sequence[Task[Episode]], journal: Journal) -> None:
    """Ask for the outcome of every task, and write each to the journal as soon as it is known.

    :param name: of the unit, for the file of a cut video
    :raises ServiceError: if the service is busy or away for ``patience_s``, or if it refuses every request
    """

    def keep(task: Task[Episode], result: EpisodeResult) -> None:
        check_maker(context.settings, result["provenance"])
        outcome = outcome_of_result(task.subject, task.asked["instruction"], cast(RewardResult, result))
        record(context, journal, task.subject, outcome)

    def fail(task: Task[Episode], problem: Problem) -> None:
        outcome = failed(task.subject, task.asked["instruction"], problem["code"], problem["detail"])
        record(context, journal, task.subject, outcome)

    draft = context.job.folder / "parts" / f"{name}.mp4"
    limits, patience_s = context.model["limits"], context.job.patience_s
    await ask(Asking(context.client, limits, context.pacer, patience_s, draft, keep, fail), tasks)


def record(context: Context, journal: Journal, episode: Episode, outcome: Outcome) -> None:
    """Write an outcome to the journal, count it, and say why an episode failed."""
    journal.add(outcome)
    if outcome.failure is not None:
        context.report.say(f"episode {episode.index}: {outcome.failure.code}: {outcome.failure.detail}")
    context.report.known_now(outcome.failure is not None, episode.length / context.job.dataset.fps)
