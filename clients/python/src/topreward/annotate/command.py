"""``topreward annotate``: labels a LeRobot dataset with progress."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..lerobot.failures import EXIT_DONE, EXIT_INCOMPLETE, UsageError, exit_code_of
from ..lerobot.flags import add_dataset_flags, add_prefixes_flag, add_service_flags, parse_positive
from ..lerobot.hub import push, target_of
from .announce import announce
from .columns import Column, check_columns, parse_column, read_values
from .cost import cost_of
from .dataset_copy import copy_with_columns
from .job import OUTPUT, Job, job_of
from .merge import merge
from .run import annotate
from .shard import ALL, parse_shard


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward annotate``."""
    add_scoring_flags(parser)
    run = parser.add_argument_group("when all episodes are scored")
    run.add_argument("--allow-missing", action="store_true", help="write the file although episodes failed")
    run.add_argument(
        "--push-to-hub",
        nargs="?",
        const="",
        metavar="REPO",
        help="upload the files to a dataset on the hub (default: --repo-id; extra: hub)",
    )
    run.add_argument("--dry-run", action="store_true", help="print what the run costs, and send nothing")
    columns = parser.add_argument_group("a copy of the dataset with the numbers as columns")
    columns.add_argument(
        "--add-column",
        action="append",
        type=parse_column,
        default=[],
        metavar="NAME=log_prob_true|progress",
        help="for example next.reward=log_prob_true; can be used several times",
    )
    columns.add_argument("--column-out", type=Path, metavar="DIR", help="new folder of the copy")


def add_scoring_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which episodes are scored, and how: those of ``job_of``."""
    source = parser.add_argument_group("dataset")
    add_dataset_flags(source)
    asked = parser.add_argument_group("numbers")
    add_prefixes_flag(asked)
    asked.add_argument(
        "--scale", choices=["episode", "bounds"], help="progress between each episode's own values, or on bounds"
    )
    asked.add_argument("--calibration", type=Path, help="response of POST /v1/calibrations, for threshold and bounds")
    service = parser.add_argument_group("service")
    add_service_flags(service)
    run = parser.add_argument_group("run")
    run.add_argument("--out", type=Path, help=f"file for LeRobot (default: {OUTPUT} in the folder of the dataset)")
    run.add_argument(
        "--shard",
        type=parse_shard,
        help="i/n: only every n-th unit, from i = 0 on (default: that of a SLURM array or, with --of, of a Kubernetes Job)",
    )
    run.add_argument(
        "--of", type=parse_positive, metavar="N", help="number of shards of a Kubernetes Indexed Job: its completions"
    )
    run.add_argument("--fresh", action="store_true", help="drop what an earlier run left, and start over")
    run.add_argument("--retry-failed", action="store_true", help="ask again for episodes that failed")


def run(args: argparse.Namespace, score: Callable[[Job], int] = annotate) -> int:
    """Label a dataset.

    :param score: scores the units of a job that are not done yet, and returns the number of episodes without numbers
    :returns: the exit code: 0 all, 1 the service or the hub does not respond, 2 wrong usage, 3 some episodes failed
    """
    return exit_code_of(lambda: _run(args, score))


def _run(args: argparse.Namespace, score: Callable[[Job], int]) -> int:
    job = job_of(args)
    check_columns(job.dataset, args.add_column, args.column_out)
    repo = target_of(args.push_to_hub, args.repo_id)
    if (args.add_column or repo) and job.shard != ALL:
        raise UsageError(
            "--add-column and --push-to-hub need the numbers of all shards: merge them, then run again without --shard."
        )
    if args.dry_run:
        print(json.dumps(cost_of(job.dataset, job.units, job.options.prefixes), indent=2))
        return EXIT_DONE
    failed = score(job)
    if job.shard == ALL:
        merged = merge(job.folder, args.allow_missing)
        announce(merged)
        if args.column_out:
            _add_columns(job, args.add_column, args.column_out, args.allow_missing)
        if repo:
            print(
                f"Uploaded: --sample_weighting.progress_path={push(repo, [merged.output, merged.episodes_file])}",
                file=sys.stderr,
            )
        return EXIT_DONE
    print(f"This shard is done. When all are: topreward merge {shlex.quote(str(job.folder))}", file=sys.stderr)
    return EXIT_INCOMPLETE if failed and not args.allow_missing else EXIT_DONE


def _add_columns(job: Job, columns: Sequence[Column], target: Path, allow_missing: bool) -> None:
    missing = copy_with_columns(job.dataset, target, read_values(job.output, columns), allow_missing)
    note = f" {missing} frames have NaN." if missing else ""
    print(f"Copied to {target} with {', '.join(column.name for column in columns)}.{note}", file=sys.stderr)
