"""The episodes of a dataset: where their frames are, and which tasks they have."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .dataset import Camera, Dataset
from .failures import UsageError
from .files import read_objects


@dataclass(frozen=True, slots=True)
class Clip:
    """Where the video of an episode is. ``start_s`` is a time in the file; null if the file has this episode only.

    ``drift`` is how many frames ``start_s`` is later than the lengths of the earlier episodes of the file say.
    """

    file: str
    start_s: float | None
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode. ``first_frame`` is the number of its first frame in the dataset, ``length`` its number of frames.

    Files are relative to the folder of the dataset. ``clip`` is null for cameras whose frames are in the data file.
    ``shared_file`` is the file with the frames, if other episodes are in it too.
    """

    index: int
    first_frame: int
    length: int
    tasks: tuple[str, ...]
    data_file: str
    clip: Clip | None
    shared_file: str | None


def read_episodes(dataset: Dataset, camera: Camera) -> list[Episode]:
    """Return all episodes in the order of their numbers.

    :raises UsageError: if a table is missing, damaged, or lacks a column
    """
    read = _read_v3 if dataset.layout == "v3.0" else _read_v21
    try:
        return sorted(read(dataset, camera), key=lambda episode: episode.index)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"The table of episodes in {dataset.root}/meta cannot be read: {error}") from error


def _read_v3(dataset: Dataset, camera: Camera) -> Iterator[Episode]:
    files = sorted(dataset.root.glob("meta/episodes/*/*.parquet"))
    if not files:
        raise UsageError(f"{dataset.root} has no files meta/episodes/*/*.parquet.")
    place = f"videos/{camera.key}/"
    columns = ["episode_index", "tasks", "length", "dataset_from_index", "data/chunk_index", "data/file_index"]
    if camera.kind == "video":
        columns += [place + name for name in ("chunk_index", "file_index", "from_timestamp")]
    frames_before: Counter[str] = Counter()
    for file in files:
        for row in _read_columns(file, columns).to_pylist():
            data_file = _file(dataset, "data_path", row["data/chunk_index"], row["data/file_index"])
            clip = _clip(dataset, camera, row, frames_before) if camera.kind == "video" else None
            yield Episode(
                index=row["episode_index"],
                first_frame=row["dataset_from_index"],
                length=row["length"],
                tasks=tuple(row["tasks"] or ()),
                data_file=data_file,
                clip=clip,
                shared_file=clip.file if clip else data_file,
            )


def _clip(dataset: Dataset, camera: Camera, row: dict[str, Any], frames_before: Counter[str]) -> Clip:
    place = f"videos/{camera.key}/"
    file = _file(dataset, "video_path", row[place + "chunk_index"], row[place + "file_index"], camera.key)
    start_s = row[place + "from_timestamp"]
    drift = start_s * dataset.fps - frames_before[file]
    frames_before[file] += row["length"]
    return Clip(file, start_s, drift)


def _read_columns(file: Path, columns: list[str]) -> pa.Table:
    """Read these columns only. The statistics of a large dataset take more memory than everything else."""
    with pq.ParquetFile(file) as parquet:
        missing = [name for name in columns if name not in parquet.schema_arrow.names]
        if missing:
            raise UsageError(f"{file} has no column {', '.join(missing)}.")
        table = parquet.read(columns=columns)
    empty = [name for name in columns if name != "tasks" and table[name].null_count]
    if empty:
        raise UsageError(f"{file} has rows without a value in {', '.join(empty)}: the dataset is not complete.")
    return table


def _file(dataset: Dataset, template: str, chunk_index: int, file_index: int, video_key: str = "") -> str:
    return _fill(dataset, template, {"chunk_index": chunk_index, "file_index": file_index, "video_key": video_key})


# The place of a value in a path, as in {chunk_index:03d}. Python's own format would also take a width of a billion.
_PLACE = re.compile(r"\{(\w+)(?::(0\d{1,2}d))?\}")


def _fill(dataset: Dataset, template: str, values: dict[str, int | str]) -> str:
    """:raises UsageError: if a path of the dataset is not one of its layout, or leaves the folder"""
    pattern = dataset.info.get(template)
    if not isinstance(pattern, str):
        raise UsageError(f"meta/info.json has no {template}.")
    try:
        path = _PLACE.sub(lambda place: format(values[place[1]], place[2] or ""), pattern)
    except (KeyError, ValueError) as error:
        raise UsageError(f"meta/info.json: {template} is not a path of this layout: {pattern[:200]}") from error
    pure = PurePosixPath(path)
    if "{" in path or pure.is_absolute() or ".." in pure.parts:
        raise UsageError(f"meta/info.json: {template} is not a path in the folder of the dataset: {pattern[:200]}")
    return path


def _read_v21(dataset: Dataset, camera: Camera) -> Iterator[Episode]:
    lines = read_objects(dataset.root / "meta/episodes.jsonl")
    rows = sorted((row for _, row in lines), key=lambda row: int(row["episode_index"]))
    chunks_size = int(dataset.info.get("chunks_size", 1000))
    first_frame = 0
    for row in rows:
        index, length = int(row["episode_index"]), int(row["length"])
        values: dict[str, int | str] = {
            "episode_chunk": index // chunks_size,
            "episode_index": index,
            "video_key": camera.key,
        }
        clip = Clip(_fill(dataset, "video_path", values), None) if camera.kind == "video" else None
        tasks = tuple(row.get("tasks") or ())
        yield Episode(index, first_frame, length, tasks, _fill(dataset, "data_path", values), clip, None)
        first_frame += length


def read_tasks(dataset: Dataset) -> dict[int, str]:
    """Return the texts of all tasks by their number.

    :raises UsageError: if the table of tasks is missing or damaged
    """
    if dataset.layout == "v2.1":
        path = dataset.root / "meta/tasks.jsonl"
        try:
            return {int(row["task_index"]): str(row["task"]) for _, row in read_objects(path)}
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{path} has a row without a task: {error!r}") from error
    file = dataset.root / "meta/tasks.parquet"
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    # A pandas frame: the text is its index, whose column has one of two names. LeRobot reads it by position.
    text = next((name for name in table.column_names if name != "task_index"), None)
    if text is None:
        raise UsageError(f"{file} has no texts of tasks.")
    return dict(enumerate(str(task) for task in table[text].to_pylist()))
