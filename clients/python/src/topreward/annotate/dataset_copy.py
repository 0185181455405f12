"""Writes a copy of a LeRobot dataset with more columns. The dataset itself is only read."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..lerobot.dataset import Dataset
from ..lerobot.failures import IncompleteError, UsageError
from ..lerobot.files import flush, read_object, read_objects
from .column_stats import episode_stats, stats_of
from .columns import FrameValues

FEATURE = {"dtype": "float32", "shape": [1], "names": None}
# Files below these folders are hard links in the copy, because they are large and nothing changes them.
LINKED = ("videos", "images")


def copy_with_columns(dataset: Dataset, target: Path, values: FrameValues, allow_missing: bool) -> int:
    """Write the dataset to a new folder, with these columns in its data files, in ``info.json`` and in its statistics.

    The folder is complete or absent: everything is written beside it under another name, which is renamed when all of it is on
    the disk.

    :param target: does not exist, or is empty
    :param allow_missing: write NaN for frames without a value
    :returns: the number of frames without a value
    :raises IncompleteError: if there are such frames and ``allow_missing`` is not set
    :raises UsageError: if a data file has one of the columns already, or if something cannot be copied
    """
    missing = 0
    paths = list(_files(dataset.root))  # before there is a draft, which a link could name
    with _new_folder(target) as draft:
        for path in paths:
            copy = draft / path.relative_to(dataset.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if _is_data(path.relative_to(dataset.root)):
                missing += _copy_data(path, copy, values)
            elif path.relative_to(dataset.root).parts[0] in LINKED:
                _link(path, copy)
            else:
                shutil.copyfile(path, copy)
        if missing and not allow_missing:
            raise IncompleteError(
                f"{missing} frames of the dataset have no value, because --episodes left them out or they failed. "
                f"So {target} was not written. To write NaN for them, add --allow-missing."
            )
        _write_features(dataset, draft, list(values.columns))
        _write_stats(dataset, draft, values)
    return missing


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    target = target.absolute()
    # Not the number of the process: in containers it is often 1, and the draft of a killed one would be in the way.
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}.tmp")
    draft.mkdir(parents=True)
    try:
        yield draft
        for path in (*draft.rglob("*"), draft):
            flush(path)
        if target.exists():
            target.rmdir()
        draft.rename(target)
        flush(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _files(root: Path) -> Iterator[Path]:
    """All files except hidden ones and the folders of runs.

    :raises UsageError: if a folder is there twice, as in a circle of links, or if something is no file, such as a device
    """
    known: dict[Path, str] = {}
    for folder, folders, names in os.walk(root, followlinks=True):
        first = known.setdefault(Path(folder).resolve(), folder)
        if first != folder:
            raise UsageError(f"{folder} is the folder {first} again. Remove this link to copy the dataset.")
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith(".parts"))
        for path in (Path(folder, name) for name in sorted(names) if not name.startswith(".")):
            if path.exists() and not path.is_file():
                raise UsageError(f"{path} is not a file. Remove it to copy the dataset.")
            yield path


def _is_data(path: Path) -> bool:
    return path.parts[0] == "data" and path.suffix == ".parquet"


def _link(path: Path, copy: Path) -> None:
    """Make a hard link; a copy where that is impossible. In the caches of the hub, ``path`` is a symbolic link."""
    source = path.resolve()
    try:
        copy.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, copy)


def _copy_data(path: Path, copy: Path, values: FrameValues) -> int:
    """Copy a data file row group by row group.

    :returns: the number of its frames without a value
    """
    missing = 0
    try:
        with pq.ParquetFile(path) as file:
            taken = [name for name in values.columns if name in file.schema_arrow.names]
            if taken:
                raise UsageError(f"{path} has the column {', '.join(taken)} already, although info.json does not say so.")
            schema = _with_columns(file.schema_arrow, list(values.columns))
            with pq.ParquetWriter(copy, schema, compression=_compression(file)) as writer:
                for group in range(file.num_row_groups):
                    table = file.read_row_group(group)
                    added = _values_at(values, table["index"].to_numpy())
                    missing += int(np.isnan(np.stack(list(added.values()))).any(axis=0).sum())
                    for name, column in added.items():
                        table = table.append_column(name, pa.array(column, pa.float32()))
                    writer.write_table(table.cast(schema), row_group_size=max(1, table.num_rows))
    except (pa.ArrowException, KeyError) as error:
        raise UsageError(f"{path} cannot be copied: {error}") from error
    return missing


def _values_at(values: FrameValues, index: "np.ndarray[Any, np.dtype[np.int64]]") -> dict[str, Any]:
    """The values at these numbers of frames; NaN at others than those of the run."""
    place = np.minimum(np.searchsorted(values.index, index), len(values.index) - 1)
    known = values.index[place] == index
    return {name: np.where(known, column[place], np.float32(np.nan)) for name, column in values.columns.items()}


def _compression(file: pq.ParquetFile) -> str:
    if not file.num_row_groups:
        return "snappy"
    return str(file.metadata.row_group(0).column(0).compression).lower().replace("uncompressed", "none")


def _with_columns(schema: pa.Schema, names: list[str]) -> pa.Schema:
    """A schema with these columns, also in the note of ``datasets``, which does not see a column without it."""
    for name in names:
        schema = schema.append(pa.field(name, pa.float32()))
    metadata = dict(schema.metadata or {})
    if b"huggingface" in metadata:
        note = json.loads(metadata[b"huggingface"])
        features = note.get("info", {}).get("features")
        if isinstance(features, dict):
            features.update({name: {"dtype": "float32", "_type": "Value"} for name in names})
        metadata[b"huggingface"] = json.dumps(note).encode()
    return schema.with_metadata(metadata)


def _write_features(dataset: Dataset, draft: Path, names: list[str]) -> None:
    info = dict(dataset.info)
    info["features"] = {**info["features"], **dict.fromkeys(names, FEATURE)}
    _write_json(draft / "meta/info.json", info)


def _write_stats(dataset: Dataset, draft: Path, values: FrameValues) -> None:
    """Add the columns to the statistics, as far as the dataset has some."""
    whole = dataset.root / "meta/stats.json"
    if whole.is_file():
        stats = read_object(whole)
        stats.update({name: stats_of(column) for name, column in values.columns.items() if not np.isnan(column).all()})
        _write_json(draft / "meta/stats.json", stats)
    by_episode = dataset.root / "meta/episodes_stats.jsonl"
    if by_episode.is_file():
        rows = [row for _, row in read_objects(by_episode)]
        try:
            for row in rows:
                row["stats"].update(episode_stats(values, int(row["episode_index"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{by_episode} has a row without statistics: {error!r}") from error
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (draft / "meta/episodes_stats.jsonl").write_text(text, encoding="utf-8")


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
