"""The rows of an episode in its data file: how many there are, and its images."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .dataset import Camera, Dataset
from .episodes import Episode

ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class RowSpan:
    """Number of rows of an episode in its data file, and the smallest ``index`` of them."""

    count: int
    first_frame: int


def row_spans(file: Path) -> dict[int, RowSpan]:
    """Return the rows of every episode in a data file, by the number of the episode.

    :raises OSError: if the file cannot be read
    :raises pyarrow.ArrowInvalid: if it is not a parquet file, or has other columns
    """
    with pq.ParquetFile(file) as parquet:
        table = parquet.read(columns=["episode_index", "index"])
    groups = table.group_by("episode_index").aggregate([("index", "count"), ("index", "min")])
    return {row["episode_index"]: RowSpan(row["index_count"], row["index_min"]) for row in groups.to_pylist()}


def task_of_first_row(dataset: Dataset, episode: Episode) -> int | None:
    """Return ``task_index`` of the first frame; null if the data file has no such row."""
    for batch in _batches(dataset, episode, ["task_index"]):
        if batch.num_rows:
            first: int = batch.column("task_index")[0].as_py()
            return first
    return None


def read_images(dataset: Dataset, episode: Episode, camera: Camera) -> list[bytes]:
    """Return the image file of every frame, in the order of the episode.

    :raises FileNotFoundError: if an image is neither in the row nor at its path
    """
    images: list[bytes] = []
    for batch in _batches(dataset, episode, [camera.key]):
        images.extend(_image(dataset.root, value) for value in batch.column(camera.key).to_pylist())
    return images


def _image(root: Path, value: dict[str, Any]) -> bytes:
    content = value.get("bytes")
    if isinstance(content, bytes):
        return content
    file = root / str(value.get("path"))
    if not file.is_file():  # reading a pipe or a device may never end
        raise FileNotFoundError(f"{file} is not a file.")
    return file.read_bytes()


def _batches(dataset: Dataset, episode: Episode, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of one episode, a few at a time. Row groups of other episodes are not read."""
    with pq.ParquetFile(dataset.root / episode.data_file) as parquet:
        groups = [group for group in range(parquet.num_row_groups) if _may_have(parquet, group, episode.index)]
        names = ["episode_index", *columns]
        for batch in parquet.iter_batches(batch_size=ROWS_AT_ONCE, row_groups=groups, columns=names):
            yield batch.filter(pc.equal(batch.column("episode_index"), episode.index))


def _may_have(parquet: pq.ParquetFile, group: int, index: int) -> bool:
    place = parquet.schema_arrow.get_field_index("episode_index")
    metadata = parquet.metadata.row_group(group)
    for number in range(metadata.num_columns):
        column = metadata.column(number)
        if column.path_in_schema == parquet.schema_arrow.field(place).name and column.statistics is not None:
            return bool(column.statistics.min <= index <= column.statistics.max)
    return True
