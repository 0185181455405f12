"""A SLURM cluster with one node on this machine: test/slurm/with-slurm.sh."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..annotate.layouts import write_v3
from ..annotate.recordings import recordings

ROOT = Path(__file__).parents[4]

Slurm = Callable[..., str]


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Run a command with the cluster, in a folder, and return what it prints."""
    started = ROOT / "test/slurm/with-slurm.sh"
    with subprocess.Popen(
        [started, "sh", "-c", "echo $SLURM_CONF; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as cluster:
        assert cluster.stdout is not None
        config = cluster.stdout.readline().strip()
        assert config, "SLURM has not started."
        # Jobs find the command that is tested, as they get the environment of `sbatch`.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

        def run(folder: Path, *command: object) -> str:
            done = subprocess.run(
                [*map(str, command)],
                cwd=folder,
                env={**os.environ, "SLURM_CONF": config, "PATH": path},
                stdout=subprocess.PIPE,
                text=True,
                timeout=240,
                check=False,
            )
            return done.stdout

        yield run
        cluster.communicate("")


@pytest.fixture(scope="session")
def service() -> str:
    """The address of a real service with the embedded model. test/slurm/slurm.test.ts starts it."""
    return os.environ["TOPREWARD_URL"]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve episodes of two seconds: six units of two."""
    return write_v3(tmp_path_factory.mktemp("slurm") / "dataset", recordings(12, step=3), episodes_per_file=2)
