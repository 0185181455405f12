"""lerobot 0.4.4 writes a dataset, ``topreward annotate`` labels it, and lerobot trains with the file.

lerobot runs in an environment of its own, LEROBOT_PYTHON, so that the package is tested without it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward import Client, RewardResult

from ..annotate.recordings import FPS, INSTRUCTION, recordings
from ..annotate.test_annotate import frames_of

TOP = "observation.images.top"
SIZE = 128
CHUNK = 4
BOUNDS = {"low": -4.0, "high": -0.1}
URL = os.environ["TOPREWARD_URL"]


def lerobot(script: str, *args: object, stdin: str = "") -> str:
    """Run a script of this folder with lerobot. It has no network."""
    command = [os.environ["LEROBOT_PYTHON"], str(Path(__file__).with_name(script)), *map(str, args)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def annotate(root: Path, *args: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "topreward", "annotate", "--root", str(root), "--camera", TOP, "--url", URL]
    return subprocess.run([*command, *map(str, args)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve episodes in one file. ``from_timestamp`` then drifts as a sum of container durations does."""
    folder = tmp_path_factory.mktemp("lerobot") / "dataset"
    lines = [
        json.dumps({"frames": list(map(str, recording.frames)), "instruction": INSTRUCTION}) for recording in recordings(12)
    ]
    lerobot("write_dataset.py", folder, SIZE, stdin="\n".join(lines))
    path = folder / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    name = f"videos/{TOP}/from_timestamp"
    drifted = pa.compute.add(table[name], pa.array(np.arange(12) * 0.01))
    pq.write_table(table.set_column(table.column_names.index(name), name, drifted), path)
    return folder


@pytest.fixture(scope="module")
def calibration(root: Path) -> Path:
    """Bounds for all episodes, as RA-BC wants them."""
    with Client(URL) as client:
        labelled: list[Any] = [
            {
                "success": number < 6,
                "score": -0.5 - number,
                "log_prob_range": {"min": BOUNDS["low"], "max": BOUNDS["high"]},
            }
            for number in range(12)
        ]
        made = client.calibrate(labelled)
    assert made["bounds"] == BOUNDS
    path = root.parent / "calibration.json"
    path.write_text(json.dumps(made))
    return path


def score(frames: list[bytes], statistics: dict[str, float] | None = None) -> RewardResult:
    """Score the frames of an episode on their own, with RA-BC weights of the service."""
    weights: Any = {"chunk": CHUNK, **({"statistics": statistics} if statistics else {})}
    with Client(URL) as client:
        return client.score(
            frames,
            INSTRUCTION,
            fps=FPS,
            progress={"scale": "bounds", "bounds": {"low": BOUNDS["low"], "high": BOUNDS["high"]}},
            training={"rabc_weights": weights},
        )


def rabc(result: RewardResult) -> dict[str, Any]:
    """The RA-BC weights in a result."""
    assert result["training"] is not None
    weights: Any = result["training"]["rabc_weights"]
    return dict(weights)


def test_lerobot_weights_the_frames_as_the_service_does(root: Path, calibration: Path, tmp_path: Path) -> None:
    output = tmp_path / "topreward_progress.parquet"
    ended = annotate(root, "--calibration", calibration, "--out", output)
    assert ended.returncode == 0, ended.stderr
    theirs = json.loads(lerobot("read_weights.py", root, output, CHUNK, 1.0))
    assert theirs["index"] == pq.read_table(output)["index"].to_pylist() == list(range(276))

    lengths = np.bincount(theirs["episode_index"])
    starts = np.cumsum(lengths) - lengths
    video = root / f"videos/{TOP}/chunk-000/file-000.mp4"
    frames = [frames_of(video, int(start), int(length)) for start, length in zip(starts, lengths, strict=True)]
    each = [rabc(score(episode))["episode_statistics"] for episode in frames]
    means, stds = np.array([one["mean"] for one in each]), np.array([one["std"] for one in each])
    mean = np.average(means, weights=lengths)
    std = np.sqrt(np.average(stds**2 + means**2, weights=lengths) - mean**2)
    assert theirs["mean"] == pytest.approx(max(mean, 0), abs=1e-4)
    assert theirs["std"] == pytest.approx(std, abs=1e-4)

    pooled = {"mean": float(mean), "std": float(std)}
    ours = np.concatenate([rabc(score(episode, pooled))["per_frame"] for episode in frames])
    # lerobot scales each batch to a mean of 1.
    assert np.array(theirs["weights"]) == pytest.approx(ours / ours.mean(), abs=1e-3)
    assert len(np.unique(ours.round(6))) > 3, "The weights of these episodes differ."


def test_lerobot_loads_the_copy_with_a_column(root: Path, tmp_path: Path) -> None:
    output, target = tmp_path / "topreward_progress.parquet", tmp_path / "dataset"
    ended = annotate(root, "--out", output, "--add-column", "next.reward=log_prob_true", "--column-out", target)
    assert ended.returncode == 0, ended.stderr
    loaded = json.loads(lerobot("read_column.py", target, "next.reward"))
    assert loaded["shape"] == [1]
    assert loaded["cameras"] == ["observation.images.side", TOP]
    values = np.array(loaded["values"])
    known = pq.read_table(output)["log_prob_true"].to_numpy()
    assert len(values) == len(known) == 276
    assert not np.isnan(values).any()
    prefixes = ~np.isnan(known)
    assert values[prefixes] == pytest.approx(known[prefixes], abs=1e-6)
    # The same statistics as for the other features, which LeRobot made.
    assert sorted(loaded["stats"]) == loaded["stats_like"]
    assert loaded["stats"]["mean"] == pytest.approx([values.mean()], abs=1e-6)
    assert loaded["stats"]["count"] == [276]


def test_a_failed_episode_has_no_weight_with_the_flags_that_are_printed(root: Path, calibration: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(root, tmp_path / "dataset"))
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[3]["tasks"] = []
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    output = tmp_path / "topreward_progress.parquet"
    ended = annotate(root, "--calibration", calibration, "--out", output, "--allow-missing")
    assert ended.returncode == 0, ended.stderr
    assert """--sample_weighting.extra_params='{"fallback_weight": 0}'""" in ended.stderr
    for fallback, expected in ((1.0, {True}), (0.0, {False})):
        theirs = json.loads(lerobot("read_weights.py", root, output, CHUNK, fallback))
        failed = np.array(theirs["weights"])[np.array(theirs["episode_index"]) == 3]
        assert {bool(weight > 0) for weight in failed} == expected
