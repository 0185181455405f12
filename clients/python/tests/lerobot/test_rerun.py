"""``topreward show`` with the real rerun: the recording is read with its own reader."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from topreward import Client

from ..annotate.layouts import TOP, write_v3
from ..annotate.recordings import FPS, INSTRUCTION, recordings
from .environment import with_extras

URL = os.environ["TOPREWARD_URL"]


def rows_of(recording: Path, site: Path) -> dict[str, Any]:
    """The rows ``[frame, seconds, [value]]`` of each entity."""
    ended = with_extras(site, "-W", "ignore", Path(__file__).with_name("read_rerun.py"), recording)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["application"] == "topreward"
    return {name: np.array([[frame, time, *value] for frame, time, value in rows]) for name, rows in found["entities"].items()}


def test_a_recording_has_the_numbers_of_a_result(tmp_path: Path) -> None:
    frames = [path.read_bytes() for path in recordings(1)[0].frames]
    with Client(URL) as client:
        result = client.score(frames, INSTRUCTION, fps=FPS, prefixes={"count": 5})
    file, recording = tmp_path / "result.json", tmp_path / "new/out.rrd"
    file.write_text(json.dumps(result))
    ended = with_extras(tmp_path / "site", "-m", "topreward", "show", file, "--rerun", recording)
    assert (ended.returncode, ended.stdout) == (0, f"{recording}\n"), ended.stderr

    rows = rows_of(recording, tmp_path / "site")
    assert result["success"] is not None
    threshold = result["success"]["threshold"]
    expected = {
        "/topreward/log_prob_true": [[p["length"] - 1, p["time_s"], p["log_prob_true"]] for p in result["prefixes"]],
        "/topreward/progress": [[frame, frame / FPS, value] for frame, value in enumerate(result["progress_curve"] or [])],
        "/topreward/success_threshold": [[0, 0, threshold], [23, 23 / FPS, threshold]],
    }
    assert rows.keys() == expected.keys()
    for name, values in expected.items():
        assert rows[name] == pytest.approx(np.array(values), abs=1e-6)


def test_a_recording_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    frames = 20_000
    prefixes = [{"length": number + 1, "time_s": number, "log_prob_true": -number % 977 / 10} for number in range(frames)]
    file, recording = tmp_path / "result.json", tmp_path / "out.rrd"
    file.write_text(json.dumps({"prefixes": prefixes, "progress_curve": [0.5] * frames, "success": None}))
    recording.write_text("before")
    show = ["-m", "topreward", "show", str(file), "--rerun", str(recording)]
    # A limit for files stands for a full disk: the same error for a program that ignores the signal, as Python does.
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        f"sys.argv = {show[1:]!r}; runpy.run_module('topreward', run_name='__main__')"
    )
    ended = with_extras(tmp_path / "site", "-c", limited)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert "File too large" in ended.stderr
    assert recording.read_text() == "before"
    assert not list(tmp_path.glob("*.tmp"))
    ended = with_extras(tmp_path / "site", *show)
    assert ended.returncode == 0, ended.stderr
    assert len(rows_of(recording, tmp_path / "site")["/topreward/log_prob_true"]) == frames


def test_a_recording_has_the_numbers_of_an_episode_of_a_run(tmp_path: Path) -> None:
    root, site = write_v3(tmp_path / "dataset", recordings(2, step=4)), tmp_path / "site"
    ended = with_extras(site, "-m", "topreward", "annotate", "--root", root, "--camera", TOP, "--url", URL)
    assert ended.returncode == 0, ended.stderr
    recording, folder = tmp_path / "out.rrd", root / "topreward_progress.parts"
    ended = with_extras(site, "-m", "topreward", "show", folder, "--episode", 1, "--rerun", recording)
    assert ended.returncode == 0, ended.stderr
    table = pq.read_table(root / "topreward_progress.parquet").slice(6).to_pylist()
    rows = rows_of(recording, site)
    assert rows["/topreward/progress"] == pytest.approx(
        np.array([[row["frame_index"], row["frame_index"] / FPS, row["progress_sparse"]] for row in table]), abs=1e-6
    )
    assert rows["/topreward/log_prob_true"][:, 2] == pytest.approx(np.array([row["log_prob_true"] for row in table]))
    assert rows["/topreward/success_threshold"][:, 0].tolist() == [0, 5]
