"""``topreward status``: says how far a run is."""

import argparse
import json
from pathlib import Path

from ..lerobot.failures import EXIT_DONE, EXIT_INCOMPLETE, exit_code_of
from .folder import finished_outcomes, journal_path, read_plan
from .journal import read_journal
from .outcomes import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward status``."""
    parser.add_argument("folder", type=Path, help="folder of the run, for example DATASET/topreward_progress.parts")


def run(args: argparse.Namespace) -> int:
    """Print the state of a run as JSON. It can be called while the run works.

    :returns: the exit code: 0 every episode has numbers, 2 wrong usage, 3 some have none, or none yet
    """
    return exit_code_of(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    facts = status_of(args.folder)
    print(json.dumps(facts, indent=2, ensure_ascii=False))
    return EXIT_DONE if facts["scored"] == facts["episodes"] else EXIT_INCOMPLETE


def status_of(folder: Path) -> dict[str, object]:
    """Return the state of a run: units, episodes, and the problems of those that failed."""
    plan = read_plan(folder)
    finished = 0
    outcomes: list[Outcome] = []
    for unit in plan.units:
        done = finished_outcomes(folder, unit.name, unit.run)
        finished += bool(done)
        outcomes.extend((done or read_journal(journal_path(folder, unit.name), unit.run)).values())
    failures = {str(outcome.episode): outcome.failure.code for outcome in outcomes if outcome.failure}
    return {
        "output": plan.output,
        "model": plan.settings["model"],
        "units": len(plan.units),
        "units_finished": finished,
        "episodes": sum(unit.episodes for unit in plan.units),
        "scored": len(outcomes) - len(failures),
        "failed": len(failures),
        "problems": failures,
    }
