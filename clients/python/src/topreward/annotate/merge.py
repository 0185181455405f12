"""Makes the final files of the parts of a run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..lerobot.failures import IncompleteError
from ..lerobot.maker import Settings
from .folder import Plan, Planned, finished_part, read_plan
from .tables import EPISODE_FIELDS, PROGRESS_FIELDS, frame_table, write_tables

FAILURES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Merged:
    """The final files, and how many of their episodes have no numbers or a flat curve."""

    output: Path
    episodes_file: Path
    episodes: int
    failed: int
    flat: int


def merge(folder: Path, allow_missing: bool) -> Merged:
    """Write ``topreward_episodes.parquet`` and, if every episode has numbers, ``topreward_progress.parquet``.

    :param allow_missing: write NaN for the frames of episodes without numbers
    :raises UsageError: if the folder has no run
    :raises IncompleteError: if a unit is missing, or if episodes failed and ``allow_missing`` is not set
    """
    plan = read_plan(folder)
    missing = [unit.name for unit in plan.units if finished_part(folder, unit.name, unit.run) is None]
    if missing:
        raise IncompleteError(
            f"{len(missing)} of {len(plan.units)} units are not finished, the first one is {missing[0]}. "
            "Run topreward annotate again with the same options."
        )
    output = Path(plan.output)
    metadata = _metadata(plan.settings)
    rows = (_parts(folder, unit).select(EPISODE_FIELDS.names) for unit in plan.units)
    write_tables(episodes_path(output), rows, EPISODE_FIELDS, metadata)
    failures, flat = _failures(folder, plan)
    if failures and not allow_missing:
        raise IncompleteError(_words(failures, output))
    frames = (frame_table(part) for part in _ordered(folder, plan))
    write_tables(output, frames, PROGRESS_FIELDS, metadata)
    return Merged(output, episodes_path(output), sum(unit.episodes for unit in plan.units), len(failures), flat)


def episodes_path(output: Path) -> Path:
    """Return the path of the file with one row for each episode: beside the other one."""
    stem = output.stem.removesuffix("_progress")
    return output.with_name(f"{stem}_episodes.parquet")


def _metadata(settings: Settings) -> dict[str, str]:
    """What LeRobot and people look for in the file. ``vlm_name`` is that of LeRobot's own script."""
    return {"vlm_name": settings["model"], "topreward": json.dumps(settings, sort_keys=True, ensure_ascii=False)}


def _parts(folder: Path, unit: Planned) -> pa.Table:
    part = finished_part(folder, unit.name, unit.run)
    if part is None or (part.num_rows, pc.sum(part["length"]).as_py()) != (unit.episodes, unit.frames):
        raise IncompleteError(f"The part of unit {unit.name} is gone, or has other episodes.")
    return part.replace_schema_metadata(None)


def _ordered(folder: Path, plan: Plan) -> Iterator[pa.Table]:
    """The parts in the order of ``index``, each frame once."""
    next_frame = 0
    for unit in plan.units:
        part = _parts(folder, unit)
        for first, length in zip(part["dataset_from_index"].to_pylist(), part["length"].to_pylist(), strict=True):
            if first < next_frame:
                raise IncompleteError(f"Unit {unit.name}: the episodes of the dataset overlap at index {first}.")
            next_frame = first + length
        yield part


def _failures(folder: Path, plan: Plan) -> tuple[list[str], int]:
    """The episodes without numbers, one line each, and the number of flat curves."""
    lines: list[str] = []
    flat = 0
    for unit in plan.units:
        part = _parts(folder, unit)
        flat += pc.sum(part["flat"]).as_py() or 0
        failed = part.filter(pc.is_valid(part["problem"]))
        lines.extend(
            f"episode {row['episode_index']}: {row['problem']}: {row['problem_detail']}"
            for row in failed.select(["episode_index", "problem", "problem_detail"]).to_pylist()
        )
    return lines, flat


def _words(failures: list[str], output: Path) -> str:
    shown = failures[:FAILURES_SHOWN]
    more = [f"… and {len(failures) - len(shown)} more in {episodes_path(output)}"] if len(failures) > len(shown) else []
    return "\n".join(
        [
            f"{len(failures)} episodes have no numbers, so {output} was not written:",
            *(f"  {line}" for line in [*shown, *more]),
            "To ask for them again, add --retry-failed. To write the file without them, add --allow-missing.",
        ]
    )
