"""``topreward show``: writes the curves of an episode for the Rerun viewer."""

import argparse
from pathlib import Path

from ..lerobot.failures import EXIT_DONE, UsageError, exit_code_of
from .curves import Curve, curves_of_episode, curves_of_file
from .rerun_file import write_rerun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward show``."""
    parser.add_argument("source", type=Path, help="response of POST /v1/rewards as a file, or the folder of an annotate run")
    parser.add_argument("--episode", type=int, help="number of the episode; required for the folder of a run")
    parser.add_argument("--rerun", type=Path, required=True, metavar="OUT.rrd", help="the recording to write (extra: rerun)")


def run(args: argparse.Namespace) -> int:
    """Write the recording.

    :returns: the exit code: 0 written, 2 wrong usage, or the episode has no numbers
    """
    return exit_code_of(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    name, curves = _named(args.source, args.episode)
    write_rerun(args.rerun, name, curves)
    print(args.rerun)
    return EXIT_DONE


def _named(source: Path, episode: int | None) -> tuple[str, dict[str, Curve]]:
    """The name of the recording, and its curves."""
    if not source.is_dir():
        if episode is not None:
            raise UsageError("--episode is for the folder of a run.")
        return source.name, curves_of_file(source)
    if episode is None:
        raise UsageError("The folder of a run has many episodes: choose one with --episode N.")
    return f"episode {episode}", curves_of_episode(source, episode)
