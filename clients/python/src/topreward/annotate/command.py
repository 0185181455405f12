"""``topreward annotate``: labels a LeRobot dataset with progress."""

import argparse
import asyncio
import json
import shlex
import sys
from pathlib import Path

from ..lerobot.failures import EXIT_DONE, EXIT_INCOMPLETE, EXIT_USAGE, RunError
from ..lerobot.flags import add_dataset_flags, add_prefixes_flag, add_service_flags
from .announce import announce
from .cost import cost_of
from .job import OUTPUT, job_of
from .merge import merge
from .options import parse_shard
from .run import annotate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward annotate``."""
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
    run.add_argument("--shard", type=parse_shard, default=(0, 1), help="i/n: only every n-th unit, from i = 0 on")
    run.add_argument("--fresh", action="store_true", help="drop what an earlier run left, and start over")
    run.add_argument("--retry-failed", action="store_true", help="ask again for episodes that failed")
    run.add_argument("--allow-missing", action="store_true", help="write the file although episodes failed")
    run.add_argument("--dry-run", action="store_true", help="print what the run costs, and send nothing")


def run(args: argparse.Namespace) -> int:
    """Label a dataset.

    :returns: the exit code: 0 all, 1 the service does not respond, 2 wrong usage, 3 some episodes failed
    """
    try:
        return _run(args)
    except RunError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a folder that cannot be written, or a full disk
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    job = job_of(args)
    if args.dry_run:
        print(json.dumps(cost_of(job.dataset, job.units, job.options.prefixes), indent=2))
        return EXIT_DONE
    failed = asyncio.run(annotate(job))
    if job.shard == (0, 1):
        announce(merge(job.folder, args.allow_missing))
        return EXIT_DONE
    print(f"This shard is done. When all are: topreward merge {shlex.quote(str(job.folder))}", file=sys.stderr)
    return EXIT_INCOMPLETE if failed and not args.allow_missing else EXIT_DONE
