"""The command ``topreward``. Each subcommand is a module with ``add_arguments(parser)`` and ``run(args)``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

# Name of a subcommand: its module, which is imported only when it runs, and what it does.
COMMANDS = {
    "annotate": ("topreward.annotate.command", "label a LeRobot dataset with progress"),
    "evaluate": ("topreward.evaluate.command", "say how good the rewards of a model are"),
    "merge": ("topreward.annotate.merge_command", "make the final files of an annotate run with several shards"),
    "status": ("topreward.annotate.status_command", "say how far an annotate run is"),
    "upload": ("topreward.upload", "upload a finished episode over an unreliable link"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    :returns: its exit code; 2 for a wrong command
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    if name not in COMMANDS:
        return _without_command(arguments)
    module, summary = COMMANDS[name]
    command = import_module(module)
    parser = argparse.ArgumentParser(prog=f"topreward {name}", description=f"{summary[0].upper()}{summary[1:]}.")
    command.add_arguments(parser)
    args = parser.parse_args(arguments[1:])
    logging.basicConfig(format="%(message)s")
    return int(command.run(args))


def _without_command(arguments: list[str]) -> int:
    commands = "\n".join(f"  {name:<10}  {summary}" for name, (_, summary) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="topreward",
        usage="topreward COMMAND …",
        description="Client of topreward-server.",
        epilog=f"commands:\n{commands}\n\ntopreward COMMAND --help describes a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version("topreward-client"))
    _, rest = parser.parse_known_args(arguments)
    parser.error(f'there is no command "{rest[0]}"' if rest else "a command is missing: see topreward --help")
