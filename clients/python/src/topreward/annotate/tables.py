"""Parquet files: the parts, ``topreward_progress.parquet`` for LeRobot, and ``topreward_episodes.parquet``."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..lerobot.episodes import Episode
from ..lerobot.failures import UsageError
from ..lerobot.files import replacing
from .outcomes import Failure, Outcome, Scores

# What ``pq.write_table`` uses without options, as LeRobot calls it. Written out, so that a file has the same bytes whatever
# a later version of pyarrow prefers.
SETTINGS: dict[str, Any] = {
    "version": "2.6",
    "compression": "snappy",
    "use_dictionary": True,
    "write_statistics": True,
    "data_page_version": "1.0",
    "store_schema": True,
}
ROWS_OF_A_GROUP = 1024 * 1024

PROGRESS_FIELDS = pa.schema(
    [
        ("index", pa.int64()),
        ("episode_index", pa.int64()),
        ("frame_index", pa.int64()),
        ("progress_sparse", pa.float32()),
        ("log_prob_true", pa.float64()),
    ]
)

EPISODE_FIELDS = pa.schema(
    [
        ("episode_index", pa.int64()),
        ("dataset_from_index", pa.int64()),
        ("length", pa.int64()),
        ("instruction", pa.string()),
        ("score", pa.float64()),
        ("success", pa.bool_()),
        ("success_threshold", pa.float64()),
        ("voc", pa.float64()),
        ("log_prob_span", pa.float64()),
        ("flat", pa.bool_()),
        ("warnings", pa.list_(pa.string())),
        ("problem", pa.string()),
        ("problem_detail", pa.string()),
    ]
)

PART_FIELDS = pa.schema(
    [
        *EPISODE_FIELDS,
        ("progress", pa.list_(pa.float32())),
        ("prefix_lengths", pa.list_(pa.int64())),
        ("log_prob_true", pa.list_(pa.float64())),
    ]
)


def part_table(episodes: Iterable[Episode], outcomes: Mapping[int, Outcome]) -> pa.Table:
    """Return one row for each episode, with its outcome."""
    rows = [_row(episode, outcomes[episode.index]) for episode in episodes]
    return pa.Table.from_pylist(rows, schema=PART_FIELDS)


def episode_table(episodes: Iterable[Episode], outcomes: Mapping[int, Outcome]) -> pa.Table:
    """Return one row for each episode, as in ``topreward_episodes.parquet``."""
    return part_table(episodes, outcomes).select(EPISODE_FIELDS.names)


def _row(episode: Episode, outcome: Outcome) -> dict[str, object]:
    scores, failure = outcome.scores, outcome.failure
    return {
        "episode_index": episode.index,
        "dataset_from_index": episode.first_frame,
        "length": episode.length,
        "instruction": outcome.instruction,
        "problem": failure and failure.code,
        "problem_detail": failure and failure.detail,
        **({name: getattr(scores, name) for name in Scores.__slots__} if scores else {}),
    }


def outcomes_of(table: pa.Table) -> dict[int, Outcome]:
    """Return the outcomes in a part, by the number of the episode."""
    return {row["episode_index"]: _outcome(row) for row in table.to_pylist()}


def _outcome(row: dict[str, Any]) -> Outcome:
    index, instruction = row["episode_index"], row["instruction"]
    if row["problem"] is not None:
        return Outcome(index, instruction, None, Failure(row["problem"], row["problem_detail"]))
    return Outcome(index, instruction, Scores(**{name: row[name] for name in Scores.__slots__}), None)


def frame_table(part: pa.Table) -> pa.Table:
    """Return one row for each frame of the episodes of a part, as LeRobot reads it.

    Frames of an episode without numbers have the progress NaN. ``log_prob_true`` is null between the prefixes.
    """
    tables = [_frames(row) for row in part.to_pylist()]
    return pa.concat_tables(tables) if tables else PROGRESS_FIELDS.empty_table()


def _frames(row: dict[str, Any]) -> pa.Table:
    first, length = row["dataset_from_index"], row["length"]
    frames = np.arange(length, dtype=np.int64)
    progress = np.full(length, np.nan, np.float32) if row["problem"] else np.asarray(row["progress"], np.float32)
    log_prob = np.full(length, np.nan)
    if not row["problem"]:
        # A prefix of n frames ends with frame n - 1.
        log_prob[np.asarray(row["prefix_lengths"]) - 1] = np.asarray(row["log_prob_true"])
    return pa.table(
        {
            "index": first + frames,
            "episode_index": np.full(length, row["episode_index"], np.int64),
            "frame_index": frames,
            "progress_sparse": progress,
            "log_prob_true": pa.array(log_prob, mask=np.isnan(log_prob)),
        },
        schema=PROGRESS_FIELDS,
    )


def write_table(path: Path, table: pa.Table, metadata: Mapping[str, str]) -> None:
    """Write a small table at once. The same table gives the same bytes."""
    write_tables(path, [table], table.schema, metadata)


def write_tables(path: Path, tables: Iterable[pa.Table], schema: pa.Schema, metadata: Mapping[str, str]) -> int:
    """Write tables one after another into one file, with at most one row group in memory.

    :returns: the number of rows
    """
    labelled = schema.with_metadata({name.encode(): value.encode() for name, value in metadata.items()})
    total = 0
    with replacing(path) as draft, pq.ParquetWriter(draft, labelled, **SETTINGS) as writer:
        waiting: list[pa.Table] = []
        for table in tables:
            waiting.append(table)
            total += table.num_rows
            if sum(each.num_rows for each in waiting) >= ROWS_OF_A_GROUP:
                waiting = _write_full_groups(writer, waiting, labelled)
        if waiting:
            writer.write_table(_join(waiting, labelled), row_group_size=ROWS_OF_A_GROUP)
    return total


def _write_full_groups(writer: pq.ParquetWriter, tables: list[pa.Table], schema: pa.Schema) -> list[pa.Table]:
    """Write all complete row groups, and return the rest. So the bytes do not depend on how the rows were cut."""
    whole = _join(tables, schema)
    full = whole.num_rows // ROWS_OF_A_GROUP * ROWS_OF_A_GROUP
    writer.write_table(whole.slice(0, full), row_group_size=ROWS_OF_A_GROUP)
    return [whole.slice(full)]


def _join(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """One table with continuous columns: how often they were cut would change the bytes."""
    return pa.concat_tables(tables).combine_chunks().cast(schema)


def read_part(path: Path) -> pa.Table:
    """Read a part, with its metadata in the schema.

    :raises UsageError: if it is damaged
    """
    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except pa.ArrowException as error:
        raise UsageError(f"{path} cannot be read: {error}. Remove it to score its episodes again, or use --fresh.") from error
