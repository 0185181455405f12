"""Ranges that are cut out of a video without decoding it: the same frames, times and numbers."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from topreward import Client
from topreward.lerobot.cutting import cut_video

from .layouts import pixels
from .recordings import INSTRUCTION, recordings

FPS, START_S, END_S = 10, 7.95, 12.05
CODECS = {
    "LeRobot's AV1": ["libsvtav1", "-g", "2", "-crf", "30"],
    "AV1 with one key frame": ["libsvtav1", "-g", "1000"],
    "H.264 with frames in another order": ["libx264", "-g", "60", "-bf", "3"],
    "H.264 with open groups": ["libx264", "-x264-params", "open-gop=1:keyint=20"],
    "H.265": ["libx265", "-g", "30", "-x265-params", "log-level=error"],
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_cut_gives_the_numbers_of_the_complete_file(service: str, tmp_path: Path, codec: str) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "128x128", "-r", str(FPS), "-i", "-"]
    frames = b"".join(pixels(frame, False).tobytes() for frame in recordings(1)[0].frames * 9)
    arguments = ["ffmpeg", "-v", "error", *raw, "-pix_fmt", "yuv420p", "-c:v", *CODECS[codec], str(whole)]
    subprocess.run(arguments, input=frames, check=True, capture_output=True)
    assert asyncio.run(cut_video(whole, cut, START_S, END_S))
    if codec != "AV1 with one key frame":
        assert cut.stat().st_size < 0.8 * whole.stat().st_size
    with Client(service) as client:
        results = [
            client.score(None, INSTRUCTION, video=file, from_s=START_S, to_s=END_S, prefixes={"count": 3})
            for file in (whole, cut)
        ]
    times = [result["provenance"]["video"]["timestamps_s"] for result in results]
    assert times[0] == times[1] == pytest.approx([8 + number / FPS for number in range(41)])
    assert results[0]["prefixes"] == results[1]["prefixes"]


def test_a_file_that_cannot_be_cut_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "whole.mp4").write_bytes(b"no video")
    assert not asyncio.run(cut_video(tmp_path / "whole.mp4", tmp_path / "cut.mp4", 0, 1))
