"""The folder of a run: what it was made with, finished units, and journals of unfinished ones.

run.json             settings, units and the output file
parts/UNIT.parquet   a finished unit
parts/UNIT.jsonl     the journal of a unit that is not finished
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from ..lerobot.failures import UsageError
from ..lerobot.files import write_text
from ..lerobot.maker import Settings, differences
from .journal import Journal
from .outcomes import Outcome
from .tables import outcomes_of, part_table, read_part, write_table
from .units import Unit


@dataclass(frozen=True, slots=True)
class Planned:
    """A unit of a run. ``run`` is the identity of its numbers."""

    name: str
    run: str
    episodes: int
    frames: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that ``merge`` and ``status`` have to know about a run. ``output`` is the file for LeRobot."""

    settings: Settings
    units: tuple[Planned, ...]
    output: str


def write_plan(folder: Path, plan: Plan, fresh: bool) -> None:
    """Begin a run in this folder, or continue the one that is there.

    :param fresh: drop everything that an earlier run left
    :raises UsageError: if the run in the folder was made with other settings
    """
    if fresh:
        _clear(folder)
    if (folder / "run.json").is_file():
        changed = differences(read_plan(folder).settings, plan.settings)
        if changed:
            raise UsageError(
                f"{folder} has a run with other settings:\n"
                + "".join(f"  {line}\n" for line in changed)
                + "Use the same settings, another --out, or --fresh to start over."
            )
    write_text(folder / "run.json", json.dumps(asdict(plan), indent=1) + "\n")


def read_plan(folder: Path) -> Plan:
    """:raises UsageError: if the folder has no run"""
    path = folder / "run.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        units = tuple(Planned(**unit) for unit in known["units"])
        return Plan(dict(known["settings"]), units, known["output"])
    except FileNotFoundError:
        raise UsageError(f"{folder} is not the folder of a run: it has no run.json.") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def _clear(folder: Path) -> None:
    for path in [folder / "run.json", *folder.glob("parts/*")]:
        path.unlink(missing_ok=True)


def part_path(folder: Path, name: str) -> Path:
    return folder / "parts" / f"{name}.parquet"


def journal_path(folder: Path, name: str) -> Path:
    return folder / "parts" / f"{name}.jsonl"


def finished_part(folder: Path, name: str, run: str) -> pa.Table | None:
    """Return the part of a unit; null if it is not there or has the numbers of another run."""
    path = part_path(folder, name)
    if not path.is_file():
        return None
    part = read_part(path)
    return part if part.schema.metadata.get(b"run") == run.encode() else None


def finished_outcomes(folder: Path, name: str, run: str) -> dict[int, Outcome]:
    """Return the outcomes of a finished unit; none if it is not finished."""
    part = finished_part(folder, name, run)
    return outcomes_of(part) if part else {}


def finish_unit(folder: Path, unit: Unit, run: str, journal: Journal) -> None:
    """Make a part of the journal of a unit. The journal can be removed then."""
    write_table(part_path(folder, unit.name), part_table(unit.episodes, journal.outcomes), {"run": run})
