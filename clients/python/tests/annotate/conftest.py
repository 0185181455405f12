"""Datasets, the service and the command for the tests of ``topreward annotate``."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .layouts import TOP, write_v3
from .recordings import recordings


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


Command = Callable[..., Ended]


def started(*args: str | Path) -> "subprocess.Popen[str]":
    """Start the command ``topreward``."""
    return subprocess.Popen(
        [sys.executable, "-m", "topreward", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def topreward() -> Command:
    """Run the command ``topreward`` to its end."""

    def run(*args: str | Path) -> Ended:
        with started(*args) as process:
            stdout, stderr = process.communicate(timeout=240)
            return Ended(process.returncode, stdout, stderr)

    return run


@pytest.fixture(scope="session")
def service() -> str:
    """The address of a real service with the embedded model. test/python/annotate.test.ts starts it."""
    return os.environ["TOPREWARD_URL"]


@pytest.fixture(scope="session")
def v3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six episodes in two files. ``from_timestamp`` drifts by 0.03 s with each episode of a file: at most 0.4 frames."""
    return write_v3(tmp_path_factory.mktemp("v3") / "dataset", recordings(6), drift_s=0.03)


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six episodes of two seconds, in three files."""
    return write_v3(tmp_path_factory.mktemp("short") / "dataset", recordings(6, step=3), episodes_per_file=2)


def flags(root: Path, url: str, output: Path) -> list[str | Path]:
    """The flags of a usual run."""
    return ["--root", root, "--camera", TOP, "--url", url, "--out", output]
