"""Flags that need an extra, without it."""

import argparse
import sys
import time
from pathlib import Path

import pytest

from topreward.annotate import command
from topreward.lerobot.dataset import Camera, Dataset
from topreward.lerobot.hub import _files
from topreward.ray.command import main


@pytest.mark.parametrize(
    "arguments",
    [
        ["--repo-id", "robot/drawer", "--download"],
        ["--root", "{short}", "--camera", "observation.images.top", "--push-to-hub", "robot/drawer"],
    ],
)
def test_the_message_says_what_to_type(
    short: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args([argument.format(short=short) for argument in arguments])) == 2
    assert "needs another package: pip install 'topreward-client[hub]'" in capsys.readouterr().err


def test_ray_is_an_extra_too(
    short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    output = tmp_path / "topreward_progress.parquet"
    assert main(["--root", str(short), "--camera", "observation.images.top", "--out", str(output)]) == 2
    assert "Ray needs another package: pip install 'topreward-client[ray]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_download_needs_a_name(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["--root", str(short), "--download"])) == 2
    assert "--download needs --repo-id" in capsys.readouterr().err


@pytest.mark.parametrize("piece", ["{", "{video_key"])
def test_a_long_path_of_a_hub_takes_no_time(tmp_path: Path, piece: str) -> None:
    """A pattern that searches for the end from every brace takes a minute for this one, and a day for ten megabytes."""
    camera = Camera("top", "video")
    dataset = Dataset(tmp_path, "v3.0", 10.0, (camera,), {"video_path": piece * 200_000 + "{video_key}/{chunk_index:03d}.mp4"})
    began = time.monotonic()
    patterns = _files(dataset, camera, None)
    assert time.monotonic() - began < 3
    assert patterns == ["data/*", piece * 200_000 + "top/*.mp4"]
