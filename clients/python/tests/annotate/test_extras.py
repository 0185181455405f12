"""Flags that need an extra, without it."""

import argparse
import sys
from pathlib import Path

import pytest

from topreward.annotate import command


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


def test_a_download_needs_a_name(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(["--root", str(short), "--download"])) == 2
    assert "--download needs --repo-id" in capsys.readouterr().err
