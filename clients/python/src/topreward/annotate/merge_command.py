"""``topreward merge``: makes the final files of a run that several machines worked on."""

import argparse
from pathlib import Path

from ..lerobot.failures import EXIT_DONE, exit_code_of
from .announce import announce
from .merge import merge


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward merge``."""
    parser.add_argument("folder", type=Path, help="folder of the run, for example DATASET/topreward_progress.parts")
    parser.add_argument("--allow-missing", action="store_true", help="write the file although episodes failed")


def run(args: argparse.Namespace) -> int:
    """Write the final files.

    :returns: the exit code: 0 all, 2 wrong usage, 3 units or episodes are missing
    """
    return exit_code_of(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    announce(merge(args.folder, args.allow_missing))
    return EXIT_DONE
