"""Writes LeRobot datasets, v2.1 and v3.0, as LeRobot lays them out. Videos are H.264 with a key frame every two frames."""

import io
import json
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from .recordings import FPS, Recording

TOP, SIDE = "observation.images.top", "observation.images.side"
SIZE = 128
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
DATA_PATH_V21 = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
VIDEO_PATH_V21 = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"


def write_v3(
    root: Path,
    recordings: Sequence[Recording],
    *,
    episodes_per_file: int = 4,
    drift_s: float = 0.0,
    images: bool = False,
    lengths: dict[int, int] | None = None,
) -> Path:
    """Write a v3.0 dataset with two cameras and a depth map.

    :param drift_s: added to ``from_timestamp`` of each later episode of a file, as a sum of container durations does
    :param images: PNG images in the data files instead of video files
    :param lengths: numbers of frames that the tables claim, where they are wrong
    """
    lengths = lengths or {}
    tasks = sorted({recording.instruction for recording in recordings})
    rows: list[dict[str, Any]] = []
    for file, start in enumerate(range(0, len(recordings), episodes_per_file)):
        group = recordings[start : start + episodes_per_file]
        tables: list[pa.Table] = []
        offset = 0.0
        for number, recording in enumerate(group):
            index = start + number
            length = lengths.get(index, len(recording.frames))
            first = sum(row["length"] for row in rows)
            rows.append(_row_v3(index, length, first, file, offset + number * drift_s, recording, images))
            tables.append(_data(recording, index, first, length, tasks, images))
            offset += len(recording.frames) / FPS
        data = root / DATA_PATH.format(chunk_index=0, file_index=file)
        data.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(data, tables[0].schema, compression="snappy") as writer:
            for table in tables:
                writer.write_table(table)
        if not images:
            frames = [frame for recording in group for frame in recording.frames]
            for camera in (TOP, SIDE):
                _video(root / VIDEO_PATH.format(video_key=camera, chunk_index=0, file_index=file), frames, camera == SIDE)
    (root / "meta/episodes/chunk-000").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), root / "meta/episodes/chunk-000/file-000.parquet")
    pq.write_table(pa.table({"task_index": list(range(len(tasks))), "__index_level_0__": tasks}), root / "meta/tasks.parquet")
    _info(root, "v3.0", rows, {"data_path": DATA_PATH, "video_path": None if images else VIDEO_PATH}, images)
    return root


def _row_v3(
    index: int, length: int, first: int, file: int, start_s: float, recording: Recording, images: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode_index": index,
        "tasks": [recording.instruction],
        "length": length,
        "data/chunk_index": 0,
        "data/file_index": file,
        "dataset_from_index": first,
        "dataset_to_index": first + length,
        "stats/action/mean": [[0.0]],
        "meta/episodes/chunk_index": 0,
        "meta/episodes/file_index": 0,
    }
    for camera in () if images else (TOP, SIDE):
        row |= {
            f"videos/{camera}/chunk_index": 0,
            f"videos/{camera}/file_index": file,
            f"videos/{camera}/from_timestamp": start_s,
            f"videos/{camera}/to_timestamp": start_s + length / FPS,
        }
    return row


def write_v21(root: Path, recordings: Sequence[Recording], *, images: bool = False) -> Path:
    """Write a v2.1 dataset with two cameras: a data file for each episode, and two video files or images."""
    tasks = sorted({recording.instruction for recording in recordings})
    rows: list[dict[str, Any]] = []
    for index, recording in enumerate(recordings):
        first = sum(row["length"] for row in rows)
        rows.append({"episode_index": index, "tasks": [recording.instruction], "length": len(recording.frames)})
        data = root / DATA_PATH_V21.format(episode_chunk=0, episode_index=index)
        data.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_data(recording, index, first, len(recording.frames), tasks, images), data)
        for camera in () if images else (TOP, SIDE):
            path = root / VIDEO_PATH_V21.format(video_key=camera, episode_chunk=0, episode_index=index)
            _video(path, recording.frames, camera == SIDE)
    (root / "meta").mkdir(exist_ok=True)
    _lines(root / "meta/episodes.jsonl", rows)
    _lines(root / "meta/tasks.jsonl", [{"task_index": number, "task": task} for number, task in enumerate(tasks)])
    _info(root, "v2.1", rows, {"data_path": DATA_PATH_V21, "video_path": VIDEO_PATH_V21}, images)
    return root


def _info(root: Path, version: str, rows: Sequence[dict[str, Any]], paths: dict[str, str | None], images: bool) -> None:
    camera = {"dtype": "image" if images else "video", "shape": [SIZE, SIZE, 3], "names": ["height", "width", "channels"]}
    depth = {**camera, "info": {"video.is_depth_map": True}}
    features = {TOP: camera, SIDE: camera, "observation.images.depth": depth}
    features["action"] = {"dtype": "float32", "shape": [1], "names": None}
    info = {
        "codebase_version": version,
        "fps": FPS,
        "chunks_size": 1000,
        "total_episodes": len(rows),
        "total_frames": sum(row["length"] for row in rows),
        "features": features,
        **paths,
    }
    (root / "meta/info.json").write_text(json.dumps(info, indent=4))


def _data(recording: Recording, index: int, first: int, length: int, tasks: list[str], images: bool) -> pa.Table:
    frame = np.arange(length)
    columns: dict[str, Any] = {
        "action": np.zeros(length, np.float32),
        "timestamp": (frame / FPS).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(length, index),
        "index": first + frame,
        "task_index": np.full(length, tasks.index(recording.instruction)),
    }
    if images:
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        for camera in (TOP, SIDE):
            files = [{"bytes": png(path, camera == SIDE), "path": path.name} for path in recording.frames]
            columns[camera] = pa.array(files, image)
    return pa.table(columns)


@cache
def pixels(path: Path, mirrored: bool) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Return a frame as a camera of the dataset sees it."""
    with Image.open(path) as image:
        frame = np.asarray(image.convert("RGB").resize((SIZE, SIZE)))
    return np.ascontiguousarray(frame[:, ::-1] if mirrored else frame)


@cache
def png(path: Path, mirrored: bool) -> bytes:
    """Return a frame as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels(path, mirrored)).save(file, "PNG")
    return file.getvalue()


def _video(path: Path, frames: Sequence[Path], mirrored: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}", "-r", str(FPS), "-i", "-"]
    codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "2", "-crf", "18"]
    content = b"".join(pixels(frame, mirrored).tobytes() for frame in frames)
    subprocess.run(["ffmpeg", "-v", "error", *raw, *codec, str(path)], input=content, check=True)


def _lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
