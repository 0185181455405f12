"""A worker: an actor of Ray Data that scores units."""

import asyncio
import os
import pickle
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow as pa

from .._contract import Model
from ..aio import AsyncClient
from ..annotate.context import Context
from ..annotate.folder import finished_outcomes, journal_path, read_plan
from ..annotate.identity import run_of
from ..annotate.job import Job
from ..annotate.journal import read_journal
from ..annotate.outcomes import failed
from ..annotate.run import run_unit
from ..annotate.tables import episode_table
from ..annotate.units import Unit
from ..lerobot.failures import RunError, ServiceError
from ..lerobot.maker import Settings
from ..lerobot.pacing import Pacer
from ..lerobot.report import Report

# The problem of an episode whose unit could not be scored now. It is not kept: the next run asks again.
NOT_SCORED = "not-scored"


class ScoreUnits:
    """Scores units, and yields one row for each of their episodes. Nothing that happens to an episode or a unit is raised.

    The numbers are in the folder of the run before their rows are returned. So Ray may run a unit again on another worker.
    """

    def __init__(self, job: Job, settings: Settings, model: Model) -> None:
        self._job, self._settings, self._model = job, settings, model
        self._context: Context | None = None
        self._ended: str | None = None

    async def __call__(self, units: pa.Table) -> AsyncIterator[pa.Table]:
        """:param units: a pickled ``Unit`` in each row, in the column ``unit``"""
        for pickled in units["unit"].to_pylist():
            yield await self._score(pickle.loads(pickled))

    async def _score(self, unit: Unit) -> pa.Table:
        reason = self._ended
        if reason is None:
            try:
                await run_unit(self._shared(), unit)
            except ServiceError as error:  # it ends the run: this worker asks for nothing more
                reason = self._ended = str(error)
            except (RunError, OSError) as error:
                reason = str(error)
        return await asyncio.to_thread(self._rows, unit, reason)

    def _shared(self) -> Context:
        """What the units of this worker share. The client belongs to the event loop, which runs when the first unit comes.

        :raises UsageError: if this machine does not have the folder of the run
        """
        if self._context is None:
            read_plan(self._job.folder)
            job = self._job
            client = AsyncClient(job.url, api_key=job.api_key, patience_s=job.patience_s)
            # The driver reports on all workers.
            silent = Report(0, 0.0, Path(os.devnull).open("w"))  # noqa: SIM115
            self._context = Context(job, self._settings, self._model, client, Pacer(job.in_flight), silent)
        return self._context

    def _rows(self, unit: Unit, reason: str | None) -> pa.Table:
        folder, run = self._job.folder, run_of(self._settings, unit, self._job.dataset)
        try:
            known = finished_outcomes(folder, unit.name, run) or read_journal(journal_path(folder, unit.name), run)
        except (RunError, OSError) as error:
            known, reason = {}, reason or str(error)
        missing = {
            episode.index: failed(episode, None, NOT_SCORED, reason or "")
            for episode in unit.episodes
            if episode.index not in known
        }
        return episode_table(unit.episodes, {**known, **missing})
