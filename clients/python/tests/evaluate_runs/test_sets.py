"""Datasets and folders of every layout: the numbers are those of the same frames in a request of their own."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward import Client
from topreward.evaluate.journal import read_lines

from ..annotate.conftest import Command
from ..annotate.layouts import SIDE, TOP, pixels, png, write_v3, write_v21
from ..annotate.proxy import proxy_to
from ..annotate.recordings import FPS, INSTRUCTION, Recording, recordings
from ..annotate.test_annotate import frames_of
from .conftest import QUICK


def scores(out: Path) -> dict[tuple[str, str], list[float]]:
    """The rewards in the journal, by episode and question."""
    found: dict[tuple[str, str], list[float]] = {}
    for line in read_lines(out):
        result: Any = line.result
        if result:
            found[line.episode, line.question] = [prefix["reward"] for prefix in result["prefixes"]]
    return found


def expected(service: str, frames: Any, fps: float = FPS) -> dict[str, list[float]]:
    """The rewards of a request with these frames."""
    rewards = {}
    with Client(service) as client:
        for method in ("topreward", "instruction_likelihood"):
            result: Any = client.score(frames, INSTRUCTION, fps=fps, method=method, prefixes={"count": 3})
            rewards[method] = [prefix["reward"] for prefix in result["prefixes"]]
    return rewards


def assert_scores(out: Path, name: str, rewards: dict[str, list[float]]) -> None:
    found = scores(out)
    for method, values in rewards.items():
        assert found[name, method] == pytest.approx(values, abs=1e-4), (name, method)


def report(out: Path) -> Any:
    return json.loads((out / "report.json").read_text())


def test_a_video_of_several_episodes_is_sent_once_for_all_questions(
    topreward: Command, service: str, short: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({str(index): index % 2 == 0 for index in range(5)}))
    out = tmp_path / "out"
    with proxy_to(service) as proxy:
        flags = ["--root", short, "--camera", TOP, "--url", proxy.address, "--out", out, "--labels", labels]
        ended = topreward("evaluate", *flags, *QUICK, "--other-instruction", "Close the drawer.")
    assert ended.code == 0, ended.stderr
    assert "1 of 6 episodes have no label." in ended.stderr
    videos = sorted((short / f"videos/{TOP}").glob("*/*.mp4"))
    assert sorted(len(batch) for batch in proxy.batches) == [4, 4, 4]
    assert all({item["video"] for item in batch} == {0} for batch in proxy.batches)
    # A form is the file and little more: the file is in it once.
    assert sum(proxy.bytes) < sum(video.stat().st_size for video in videos) + 3 * 16_000
    for index in range(6):
        frames = frames_of(videos[index // 2], 8 * (index % 2), 8)
        assert_scores(out, str(index), expected(service, frames))
    made = report(out)["made"]
    assert (made["episodes"], made["successes"], made["failures"], made["unlabelled"]) == (6, 3, 2, 1)
    assert made["seconds"] == 12
    controls = [line.result["controls"] for line in read_lines(out) if line.result and line.result["method"] == "topreward"]
    assert all(each and each["static"] and each["reversed"] and each["other_instruction"] for each in controls)


def test_a_few_episodes_of_a_file_are_cut_out_of_it(topreward: Command, service: str, tmp_path: Path) -> None:
    root = write_v3(tmp_path / "dataset", recordings(4))
    sent = []
    for out, episodes in (("whole", "0:4"), ("cut", "2")):
        with proxy_to(service) as proxy:
            flags = ["--root", root, "--camera", TOP, "--url", proxy.address, "--out", tmp_path / out]
            ended = topreward("evaluate", *flags, *QUICK, "--episodes", episodes)
        assert ended.code == 0, ended.stderr
        sent.append(sum(proxy.bytes))
    assert sent[1] < 0.6 * sent[0]
    whole, cut = scores(tmp_path / "whole"), scores(tmp_path / "cut")
    assert set(cut) == {("2", "topreward"), ("2", "instruction_likelihood")}
    assert all(whole[key] == pytest.approx(values, abs=1e-6) for key, values in cut.items())
    assert not list(tmp_path.glob("*/*.mp4"))


def test_images_and_videos_of_one_episode_are_scored_too(topreward: Command, service: str, tmp_path: Path) -> None:
    made = recordings(3, step=4)
    images = write_v3(tmp_path / "images", made, images=True)
    data = images / "data/chunk-000/file-000.parquet"
    table = pq.read_table(data)
    info = json.loads((images / "meta/info.json").read_text())
    info["features"]["next.success"] = {"dtype": "bool", "shape": [1], "names": None}
    (images / "meta/info.json").write_text(json.dumps(info))
    rows = table.to_pylist()
    flags = pa.array([row["episode_index"] == 1 and row["frame_index"] == 5 for row in rows])
    broken = [*rows[:8], {**rows[8], SIDE: {"bytes": None, "path": "gone.png"}}, *rows[9:]]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema).append_column("next.success", flags), data)
    arguments = ["--root", images, "--camera", SIDE, "--url", service, *QUICK]
    ended = topreward("evaluate", *arguments, "--out", tmp_path / "a")
    assert ended.code == 0, ended.stderr
    for index, recording in enumerate(made):
        assert_scores(tmp_path / "a", str(index), expected(service, [png(frame, mirrored=True) for frame in recording.frames]))
    assert (report(tmp_path / "a")["made"]["successes"], report(tmp_path / "a")["made"]["failures"]) == (1, 2)

    pq.write_table(pa.Table.from_pylist(broken, schema=table.schema).append_column("next.success", flags), data)
    ended = topreward("evaluate", *arguments, "--out", tmp_path / "b")
    assert ended.code == 3
    assert "episode 1: topreward: data-unreadable" in ended.stderr
    assert "1 of 3 episodes have problems: see the report." in ended.stderr
    assert set(scores(tmp_path / "b")) == {(name, method) for name in "02" for method in QUICK[1].split(",")}

    v21 = write_v21(tmp_path / "v21", made)
    with proxy_to(service) as proxy:
        ended = topreward("evaluate", "--root", v21, "--camera", TOP, "--url", proxy.address, *QUICK, "--out", tmp_path / "c")
    assert ended.code == 0, ended.stderr
    # Each video is sent once, for two questions.
    assert [[item["video"] for item in batch] for batch in proxy.batches] == [[0, 0, 1, 1, 2, 2]]
    for index in range(3):
        video = v21 / f"videos/chunk-000/{TOP}/episode_{index:06d}.mp4"
        assert_scores(tmp_path / "c", str(index), expected(service, frames_of(video, 0, 6)))


def film(path: Path, recording: Recording) -> Path:
    """Write a video of an episode."""
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "128x128", "-r", str(FPS), "-i", "-"]
    content = b"".join(pixels(frame, mirrored=False).tobytes() for frame in recording.frames)
    subprocess.run(["ffmpeg", "-v", "error", *raw, "-c:v", "libx264", "-crf", "18", str(path)], input=content, check=True)
    return path


def test_a_folder_has_videos_arrays_and_images(topreward: Command, service: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    recording = recordings(1, step=3)[0]
    for frame in recording.frames:
        shutil.copy(frame, folder / "images")
    array = np.stack([pixels(frame, mirrored=False) for frame in recording.frames])
    np.save(folder / "array.npy", array)
    video = film(folder / "video.mp4", recording)
    (folder / "damaged.mp4").write_bytes(video.read_bytes()[:200])
    (folder / "text.mp4").write_text("no video")
    (folder / "episodes.csv").write_text(
        "path,instruction,success,fps,task\n"
        f"images,{INSTRUCTION},true,4,drawer\narray.npy,{INSTRUCTION},false,8,drawer\nvideo.mp4,{INSTRUCTION},,,\n"
        f"damaged.mp4,{INSTRUCTION},true,,\ntext.mp4,{INSTRUCTION},true,,\ngone.mp4,{INSTRUCTION},true,,\n"
    )
    out = tmp_path / "out"
    flags = ["--folder", folder, "--url", service, "--out", out, *QUICK]
    ended = topreward("evaluate", *flags)
    assert ended.code == 3, ended.stderr
    assert_scores(out, "images", expected(service, list(recording.frames)))
    assert_scores(out, "array.npy", expected(service, array, 8.0))
    assert_scores(out, "video.mp4", expected(service, frames_of(video, 0, 8)))
    rows = {row["name"]: row for row in report(out)["episodes"]}
    assert {name for name, row in rows.items() if row["problem"]} == {"damaged.mp4", "text.mp4", "gone.mp4"}
    assert rows["gone.mp4"]["problem"] == "file-missing"
    assert (rows["images"]["task"], rows["video.mp4"]["task"]) == ("drawer", INSTRUCTION)
    kept = json.loads((out / "filter.json").read_text())
    assert [each["episode"] for each in kept["drop"]] == ["damaged.mp4", "text.mp4", "gone.mp4"]

    # Only what failed is asked again, and what is missing is seen on this machine.
    film(folder / "gone.mp4", recording)
    with proxy_to(service) as proxy:
        ended = topreward("evaluate", *flags[:2], "--url", proxy.address, "--out", out, *QUICK, "--retry-failed")
    assert ended.code == 3
    assert sum(map(len, proxy.batches)) >= 6
    assert {row["name"] for row in report(out)["episodes"] if row["problem"]} == {"damaged.mp4", "text.mp4"}
