"""Scores the units of a run on a Ray cluster."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from .._calls import key_or_environment
from .._contract import Model
from ..annotate.command import add_scoring_flags
from ..annotate.folder import finished_outcomes
from ..annotate.identity import run_of
from ..annotate.job import Job, job_of
from ..annotate.run import begin, is_done
from ..annotate.tables import episode_table
from ..annotate.units import Unit, shard_of
from ..lerobot.maker import Settings
from .cluster import connected_ray, import_ray
from .worker import ScoreUnits

if TYPE_CHECKING:
    from ray.data import Dataset

WORKERS = 4
# A worker waits for the service most of the time.
CPUS_OF_A_WORKER = 0.25


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that has begun. ``finished`` has the rows of units that are done, a table for each; ``waiting`` are the others."""

    job: Job
    settings: Settings
    model: Model
    finished: tuple[pa.Table, ...]
    waiting: tuple[Unit, ...]


def annotate_with_ray(flags: Sequence[str], *, workers: int = WORKERS) -> Dataset:
    """Score the episodes of a LeRobot dataset on a Ray cluster. All machines need the folder of the dataset.

    The folder of the run is that of ``topreward annotate`` with the same flags. So each of both can continue what the other one
    began, and ``topreward status`` and ``topreward merge`` work on it.

    :param flags: those of ``topreward annotate`` that are for scoring, for example ``["--root", "/shared/my-dataset"]``
    :param workers: number of actors, each with at most ``--in-flight`` requests at once
    :returns: one row for each episode, with the columns of ``topreward_episodes.parquet``. An episode without numbers has a
        ``problem``. The rows come as they are scored: nothing is scored before they are read.
    :raises RunError: if a flag is wrong, the service does not respond, or the folder has another run
    """
    parser = argparse.ArgumentParser(prog="annotate_with_ray")
    add_scoring_flags(parser)
    begun = begin_units(job_of(parser.parse_args(flags)))
    return rows_of(begun, workers)


def begin_units(job: Job) -> Begun:
    """Begin or continue a run, and find the units that are not done yet.

    :raises RunError: if Ray is not installed, the service does not respond, or the folder has another run
    """
    import_ray()
    settings, model = begin(job)
    finished: list[pa.Table] = []
    waiting: list[Unit] = []
    for unit in shard_of(job.units, *job.shard):
        done = finished_outcomes(job.folder, unit.name, run_of(settings, unit, job.dataset))
        if is_done(job, done):
            finished.append(episode_table(unit.episodes, done))
        else:
            waiting.append(unit)
    return Begun(job, settings, model, tuple(finished), tuple(waiting))


def rows_of(begun: Begun, workers: int) -> Dataset:
    """Return the rows of all episodes, finished before or scored now."""
    data = connected_ray().data
    if not begun.finished:
        return scored_rows(begun, workers)
    finished = data.from_arrow(list(begun.finished))
    return finished.union(scored_rows(begun, workers)) if begun.waiting else finished


def scored_rows(begun: Begun, workers: int) -> Dataset:
    """Return the rows of the units that wait. There is at least one."""
    data, job = connected_ray().data, begun.job
    # Workers get their units one by one, and no key from their own environment.
    sent = replace(job, units=(), api_key=key_or_environment(job.api_key))
    units = [{"unit": pickle.dumps(unit)} for unit in begun.waiting]
    return data.from_items(units, override_num_blocks=len(units)).map_batches(
        ScoreUnits,
        fn_constructor_args=(sent, begun.settings, begun.model),
        batch_size=1,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(
            size=min(workers, len(units)),
            max_concurrent_calls_per_actor=job.in_flight,
            max_tasks_in_flight_per_actor=job.in_flight,
        ),
        num_cpus=CPUS_OF_A_WORKER,
    )
