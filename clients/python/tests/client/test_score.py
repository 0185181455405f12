"""Scores of the real service, for every kind of frames and every method of the client."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from topreward import AsyncClient, BatchItem, Client, Encoding, InvalidRequest

from .conftest import EPISODES

TEXT = "Open the drawer."
OPTIONS: dict[str, Any] = {"fps": 4, "prefixes": {"count": 3}}
EXPECTED = [-3.9151, -2.8546, -0.08158]  # docs/reference/api.md


def curve(result: Any) -> list[float]:
    return [prefix["log_prob_true"] for prefix in result["prefixes"]]


@pytest.mark.parametrize("kind", ["paths", "names", "bytes", "array", "list", "pil", "npy file"])
def test_every_kind_of_frames_has_the_same_score(
    kind: str, url: str, files: list[Path], pixels: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    np.save(tmp_path / "frames.npy", pixels)
    frames = {
        "paths": files,
        "names": [str(file) for file in files],
        "bytes": [file.read_bytes() for file in files],
        "array": pixels,
        "list": list(pixels),
        "pil": [Image.open(file) for file in files],
        "npy file": tmp_path / "frames.npy",
    }[kind]
    with Client(url) as client:
        assert curve(client.score(frames, TEXT, **OPTIONS)) == pytest.approx(EXPECTED, abs=1e-4)


@pytest.mark.parametrize(("encoding", "tolerance"), [("npy", 1e-6), ("png", 1e-6), ("jpeg", 0.05)])
def test_png_is_exact_and_jpeg_is_close(
    encoding: Encoding, tolerance: float, url: str, pixels: npt.NDArray[np.uint8], files: list[Path]
) -> None:
    with Client(url) as client:
        exact = curve(client.score(files, TEXT, **OPTIONS))
        found = curve(client.score(pixels, TEXT, encoding=encoding, **OPTIONS))
    assert found == pytest.approx(exact, abs=tolerance)
    assert encoding != "jpeg" or found != exact


def test_a_video_is_scored_from_a_path_with_a_range(url: str, video: Path) -> None:
    with Client(url) as client:
        part = client.score(video=video, instruction=TEXT, from_s=1, to_s=3)
        whole = client.score(video=video.read_bytes(), instruction=TEXT)
    assert part["prefixes"][-1]["length"] == 8
    assert whole["prefixes"][-1]["length"] == 24


def test_a_frame_that_cannot_be_used_is_refused_before_it_is_sent() -> None:
    with Client("http://127.0.0.1:9") as client:
        for frames, words in (
            (np.zeros((2, 8, 8, 3)), r"\(frames \* 255\)\.round\(\)\.astype\(numpy\.uint8\)"),
            (np.zeros((2, 3, 8, 8), np.uint8), r"numpy\.transpose\(frames, \(0, 2, 3, 1\)\)"),
            (np.zeros((8, 8, 3), np.uint8), r"Convert it with frames\[None\]"),
            ([], "at least one frame"),
            (b"\xff\xd8", "at least one frame"),
            ("episode.mp4", "use video='episode.mp4'"),
            ([np.zeros((8, 8, 3), np.uint8), "a.jpg"], "Send one kind"),
            ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], "Earlier frames"),
            ([Image.new("CMYK", (8, 8))], 'mode "CMYK"'),
            (None, "Give either frames, or video"),
        ):
            with pytest.raises(ValueError, match=words):
                client.score(frames, TEXT, fps=4)


def test_lines_give_each_prefix_and_then_the_result(url: str, files: list[Path]) -> None:
    with Client(url) as client:
        *prefixes, last = client.score_lines(files, TEXT, **OPTIONS)
    assert last["event"] == "result"
    assert curve(last["result"]) == pytest.approx(EXPECTED, abs=1e-4)
    assert sorted(event["length"] for event in prefixes if event["event"] != "result") == [1, 12, 24]


def test_a_batch_gives_one_event_for_each_item(url: str, files: list[Path], pixels: npt.NDArray[np.uint8], video: Path) -> None:
    items = [
        BatchItem({"instruction": TEXT, "fps": 4}, files),
        BatchItem({"instruction": " ", "fps": 4}, pixels),
        BatchItem({"instruction": TEXT, "fps": 4}, pixels),
        BatchItem({"instruction": TEXT, "from_s": 1, "to_s": 3}, video=1),
    ]
    with Client(url) as client:
        *lines, end = client.score_batch(items, videos=[files[0], video])
    assert end == {"event": "end", "scored": 3, "failed": 1, "gvl": None}
    events = {event["index"]: event for event in lines if event["event"] != "end"}
    assert {index: event["event"] for index, event in events.items()} == {
        0: "result",
        1: "problem",
        2: "result",
        3: "result",
    }
    problem, first, second, cut = events[1], events[0], events[2], events[3]
    assert problem["event"] == "problem"
    assert problem["problem"]["code"] == "missing-instruction"
    assert first["event"] == second["event"] == cut["event"] == "result"
    assert curve(first["result"]) == pytest.approx(curve(second["result"]), abs=1e-6)
    assert curve(cut["result"])[-1] == pytest.approx(curve_of_range(url, video), abs=1e-6)


def curve_of_range(url: str, video: Path) -> float:
    with Client(url) as client:
        return curve(client.score(video=video, instruction=TEXT, from_s=1, to_s=3))[-1]


def test_results_narrow_by_method(url: str, files: list[Path]) -> None:
    with Client(url) as client:
        result = client.score(files, TEXT, method="instruction_likelihood", **OPTIONS)
        assert result["method"] == "instruction_likelihood"
        assert result["prefixes"][0]["without_full_stop"]["sum"] < 0
        if "gvl" not in client.model()["methods"]:
            with pytest.raises(InvalidRequest, match="method-unsupported"):
                client.score(files, TEXT, method="gvl", fps=4)


def test_a_calibration_is_made_and_used(url: str, files: list[Path]) -> None:
    with Client(url) as client:
        result = client.score(files, TEXT, **OPTIONS)
        labelled = [
            {"success": True, "score": result["score"], "log_prob_range": {"min": -3.9, "max": -0.1}},
            {"success": False, "score": result["score"] - 2},
        ]
        calibration = client.calibrate(labelled, model=client.model()["model"])  # type: ignore[arg-type]
        again = client.score(files, TEXT, calibration=calibration, **OPTIONS)
    assert calibration["counts"]["episodes"] == 2
    assert again["success"] is not None
    assert again["success"]["threshold_source"] in ("calibration", "model")


def test_the_async_client_has_the_same_methods_and_scores(url: str, files: list[Path], pixels: npt.NDArray[np.uint8]) -> None:
    async def everything() -> list[list[float]]:
        async with AsyncClient(url) as client:
            assert (await client.model())["limits"]["batch_episodes"] > 1
            found = await asyncio.gather(*(client.score(frames, TEXT, **OPTIONS) for frames in (files, pixels)))
            events = [event async for event in client.score_lines(files, TEXT, **OPTIONS)]
            assert events[-1]["event"] == "result"
            item = BatchItem({"instruction": TEXT, "fps": 4, "prefixes": {"count": 3}}, files)
            batch = [event async for event in client.score_batch([item])]
            assert batch[0]["event"] == "result"
            assert batch[1] == {"event": "end", "scored": 1, "failed": 0, "gvl": None}
            episode = client.episode(TEXT, fps=4)
            episode.add(files)
            grown = await episode.score(prefixes={"count": 3})
            (together,) = await client.score_together([episode], prefixes={"count": 3})
            return [curve(result) for result in (*found, events[-1]["result"], batch[0]["result"], grown, together)]

    for values in asyncio.run(everything()):
        assert values == pytest.approx(EXPECTED, abs=1e-4)


def test_both_clients_have_the_same_methods() -> None:
    def public(cls: type) -> set[str]:
        return {name for name in vars(cls) if not name.startswith("_")}

    assert public(Client) == public(AsyncClient)


def test_a_client_is_copied_to_another_process_without_its_connections(url: str, files: list[Path]) -> None:
    import pickle

    with Client(url) as client:
        first = client.score(files, TEXT, **OPTIONS)
        with pickle.loads(pickle.dumps(client)) as copied:
            assert curve(copied.score(files, TEXT, **OPTIONS)) == curve(first)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import subprocess

    file = tmp_path_factory.mktemp("video") / "episode.mp4"
    source = str(EPISODES / "drawer-open-v3-success/%03d.jpg")
    options = ["-c:v", "libx264", "-g", "2", "-pix_fmt", "yuv420p", str(file)]
    subprocess.run(["ffmpeg", "-loglevel", "error", "-framerate", "4", "-i", source, *options], check=True)
    return file


def test_grey_and_transparent_images_become_rgb_as_in_the_service(url: str, files: list[Path]) -> None:
    images = [Image.open(file).convert("LA").resize((64, 64)) for file in files]
    stored = []
    for image in images:
        file = io.BytesIO()
        image.save(file, format="png")
        stored.append(file.getvalue())
    with Client(url) as client:
        assert curve(client.score(images, TEXT, **OPTIONS)) == curve(client.score(stored, TEXT, **OPTIONS))
