"""``topreward annotate`` against a real service: numbers, files and clocks."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward import Client, RewardResult
from topreward._contract import PrefixSelection

from .conftest import Command, flags
from .layouts import SIDE, TOP, png, write_v3, write_v21
from .proxy import proxy_to
from .recordings import FPS, INSTRUCTION, recordings


def score(service: str, frames: list[bytes], prefixes: PrefixSelection | None = None) -> RewardResult:
    """Score the frames of an episode on their own."""
    with Client(service) as client:
        return client.score(frames, INSTRUCTION, fps=FPS, prefixes=prefixes or {"count": 15})


def frames_of(video: Path, first: int, count: int) -> list[bytes]:
    """Return frames of a video by their numbers, as PNG files. No time is read."""
    chosen = f"select=between(n\\,{first}\\,{first + count - 1})"
    arguments = ["ffmpeg", "-v", "error", "-i", str(video), "-vf", chosen, "-fps_mode", "passthrough", "-f", "image2pipe"]
    content = subprocess.run([*arguments, "-c:v", "png", "-"], capture_output=True, check=True).stdout
    start = b"\x89PNG\r\n\x1a\n"
    return [start + piece for piece in content.split(start)[1:]]


def test_the_file_is_lerobots_and_has_the_numbers_of_the_frames(
    topreward: Command, service: str, v3: Path, tmp_path: Path
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    ended = topreward("annotate", *flags(v3, service, output))
    assert (ended.code, ended.stdout) == (0, f"{output}\n"), ended.stderr
    assert f"--sample_weighting.progress_path={output}" in ended.stderr

    table = pq.read_table(output)
    # As LeRobot's own script makes it.
    lerobots = pa.table(
        {
            "index": np.asarray([0], dtype=np.int64),
            "episode_index": np.asarray([0], dtype=np.int64),
            "frame_index": np.asarray([0], dtype=np.int64),
            "progress_sparse": np.asarray([0], dtype=np.float32),
        }
    )
    assert table.select(lerobots.column_names).schema.equals(lerobots.schema)
    metadata = pq.read_metadata(output).schema.to_arrow_schema().metadata
    assert metadata[b"vlm_name"] == b"topreward-pico 1"
    assert json.loads(metadata[b"topreward"])["camera"] == TOP
    assert table["index"].to_pylist() == list(range(142))

    made = pq.read_table(tmp_path / "topreward_episodes.parquet").to_pylist()
    assert [row["episode_index"] for row in made] == [0, 1, 2, 3, 4, 5]
    starts = [0, 24, 48, 72, 0, 23]
    for row, start in zip(made, starts, strict=True):
        index = row["episode_index"]
        video = v3 / f"videos/{TOP}/chunk-000/file-00{index // 4}.mp4"
        expected = score(service, frames_of(video, start, row["length"]))
        rows = table.filter(pa.compute.equal(table["episode_index"], index))
        assert rows["frame_index"].to_pylist() == list(range(row["length"]))
        assert rows["progress_sparse"].to_numpy() == pytest.approx(expected["progress_curve"], abs=1e-4)
        log_prob = rows["log_prob_true"].to_pylist()
        for prefix in expected["prefixes"]:
            assert log_prob[prefix["length"] - 1] == pytest.approx(prefix["log_prob_true"], abs=1e-4)
        assert sum(value is not None for value in log_prob) == len(expected["prefixes"]) == 15
        assert row["score"] == pytest.approx(expected["score"], abs=1e-4)
        assert row["voc"] == pytest.approx(expected["voc"], abs=1e-4)
        assert expected["success"] is not None
        assert (row["success"], row["success_threshold"]) == (expected["success"]["flag"], expected["success"]["threshold"])
        assert row["log_prob_span"] == pytest.approx(expected["log_prob_range"]["span"], abs=1e-4)
        assert (row["flat"], row["instruction"], row["problem"]) == (False, INSTRUCTION, None)


def test_images_and_files_of_one_episode_are_scored_too(topreward: Command, service: str, tmp_path: Path) -> None:
    made = recordings(3, step=4)
    images = write_v3(tmp_path / "images", made, images=True)
    ended = topreward("annotate", "--root", images, "--camera", SIDE, "--url", service, "--prefixes", "every=2")
    assert ended.code == 0, ended.stderr
    curves = pq.read_table(images / "topreward_progress.parquet")["progress_sparse"].to_numpy()
    expected = [
        score(service, [png(frame, mirrored=True) for frame in recording.frames], prefixes={"every": 2}) for recording in made
    ]
    assert curves == pytest.approx(np.concatenate([result["progress_curve"] for result in expected]), abs=1e-4)

    data = images / "data/chunk-000/file-000.parquet"
    table = pq.read_table(data)
    rows = table.to_pylist()
    rows[8][TOP] = {"bytes": None, "path": "gone.png"}
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), data)
    ended = topreward("annotate", *flags(images, service, tmp_path / "topreward_progress.parquet"), "--allow-missing")
    assert ended.code == 0, ended.stderr
    assert "episode 1: data-unreadable" in ended.stderr
    problems = pq.read_table(tmp_path / "topreward_episodes.parquet")["problem"].to_pylist()
    assert problems == [None, "data-unreadable", None]

    v21 = write_v21(tmp_path / "v21", made)
    with proxy_to(service) as proxy:
        ended = topreward("annotate", "--root", v21, "--camera", TOP, "--url", proxy.address)
    assert ended.code == 0, ended.stderr
    assert [[item.get("video") for item in batch] for batch in proxy.batches] == [[0, 1, 2]]
    curves = pq.read_table(v21 / "topreward_progress.parquet")["progress_sparse"].to_numpy()
    expected = [score(service, frames_of(v21 / f"videos/chunk-000/{TOP}/episode_{index:06d}.mp4", 0, 6)) for index in range(3)]
    assert curves == pytest.approx(np.concatenate([result["progress_curve"] for result in expected]), abs=1e-4)


def test_a_few_episodes_of_a_file_are_cut_out_of_it(topreward: Command, service: str, v3: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / name / "topreward_progress.parquet" for name in ("whole", "cut")]
    sent: list[int] = []
    for output, episodes in zip(outputs, ("1:4", "2"), strict=True):
        with proxy_to(service) as proxy:
            ended = topreward("annotate", *flags(v3, proxy.address, output), "--episodes", episodes)
        assert ended.code == 0, ended.stderr
        sent.append(sum(proxy.bytes))
    size = (v3 / f"videos/{TOP}/chunk-000/file-000.mp4").stat().st_size
    assert sent[0] > size
    assert sent[1] < 0.6 * size
    whole, cut = (pq.read_table(output) for output in outputs)
    assert cut.num_rows == 24
    assert cut["progress_sparse"].to_numpy() == pytest.approx(
        whole.filter(pa.compute.equal(whole["episode_index"], 2))["progress_sparse"].to_numpy(), abs=1e-6
    )
    assert not list(tmp_path.glob("*/*.parts/parts/*.mp4"))


def test_bounds_of_a_calibration_are_the_scale(topreward: Command, service: str, short: Path, tmp_path: Path) -> None:
    with Client(service) as client:
        labelled = [
            {"success": number < 6, "score": -0.1 - number, "log_prob_range": {"min": -3.5, "max": -0.5}}
            for number in range(12)
        ]
        calibration = client.calibrate(labelled, model="topreward-pico 1")  # type: ignore[arg-type]
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(calibration))
    output = tmp_path / "progress.parquet"
    ended = topreward("annotate", *flags(short, service, output), "--calibration", file, "--episodes", "0:2")
    assert ended.code == 0, ended.stderr
    table = pq.read_table(output)
    known = table.filter(pa.compute.is_valid(table["log_prob_true"]))
    expected = np.clip((known["log_prob_true"].to_numpy() + 3.5) / 3.0, 0, 1)
    assert known["progress_sparse"].to_numpy() == pytest.approx(expected, abs=1e-6)
    rows = pq.read_table(tmp_path / "progress_episodes.parquet").to_pylist()
    assert [row["success_threshold"] for row in rows] == [calibration["threshold"]] * 2


def test_a_calibration_of_another_model_ends_the_run(topreward: Command, service: str, short: Path, tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    counts = {"episodes": 1, "successes": 1, "failures": 0, "ranges": 0}
    known = {"model": "another", "threshold": -1.0, "bounds": {"low": -4.0, "high": -0.1}, "best": None, "precise": None}
    file.write_text(json.dumps({**known, "auc": None, "counts": counts, "warnings": []}))
    ended = topreward("annotate", *flags(short, service, tmp_path / "x.parquet"), "--calibration", file)
    assert ended.code == 2
    assert "Every episode would fail:" in ended.stderr
    assert "another" in ended.stderr


def test_a_dry_run_sends_nothing_and_says_what_it_costs(topreward: Command, v3: Path, tmp_path: Path) -> None:
    ended = topreward("annotate", *flags(v3, "http://127.0.0.1:9", tmp_path / "x.parquet"), "--dry-run")
    assert ended.code == 0, ended.stderr
    cost = json.loads(ended.stdout)
    assert (cost["units"], cost["episodes"], cost["frames"], cost["robot_seconds"]) == (2, 6, 142, 35.5)
    assert (cost["prefixes"], cost["sampled_frames"], cost["prompt_tokens"]) == (90, 72, 36 * 74)
    assert not list(tmp_path.iterdir())
