"""The command ``python -m topreward.ray``."""

import argparse
import logging
from collections.abc import Sequence
from functools import partial

from ..annotate import command
from ..annotate.job import Job
from ..annotate.run import report_on
from ..annotate.units import shard_of
from ..lerobot.failures import ServiceError
from ..lerobot.flags import parse_positive
from .cluster import import_ray
from .episodes import WORKERS, begin_units, scored_rows
from .worker import NOT_SCORED


def main(argv: Sequence[str]) -> int:
    """Label a dataset as ``topreward annotate`` does, on a Ray cluster.

    :returns: the exit code of ``topreward annotate``
    """
    parser = argparse.ArgumentParser(
        prog="python -m topreward.ray", description="Label a LeRobot dataset with progress, on a Ray cluster."
    )
    command.add_arguments(parser)
    cluster = parser.add_argument_group("cluster")
    cluster.add_argument("--workers", type=parse_positive, default=WORKERS, help="actors (default: %(default)s)")
    args = parser.parse_args(argv)
    logging.basicConfig(format="%(message)s")
    return command.run(args, partial(score, workers=args.workers))


def score(job: Job, workers: int) -> int:
    """Score all units of this shard that have no part yet.

    :returns: the number of episodes without numbers
    :raises RunError: what ended the run
    """
    begun = begin_units(job)
    # The report says all that a person needs.
    import_ray().data.DataContext.get_current().enable_progress_bars = False
    report = report_on(job, shard_of(job.units, *job.shard))
    given_up: list[str] = []
    try:
        for row in (row for table in begun.finished for row in table.to_pylist()):
            report.known_before(row["problem"] is not None, row["length"] / job.dataset.fps)
        for row in scored_rows(begun, workers).iter_rows() if begun.waiting else ():
            if row["problem"] == NOT_SCORED:
                given_up.append(row["problem_detail"])
            elif row["problem"] is not None:
                report.say(f"episode {row['episode_index']}: {row['problem']}: {row['problem_detail']}")
            report.known_now(row["problem"] is not None, row["length"] / job.dataset.fps)
    finally:
        report.close()
    if given_up:
        raise ServiceError(f"{len(given_up)} episodes were not scored. Run again to continue. The first reason: {given_up[0]}")
    return report.failed
