"""A Ray cluster on this machine, in the environment RAY_PYTHON, which test/ray/install.sh makes."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..annotate.conftest import Ended
from ..annotate.layouts import write_v3
from ..annotate.recordings import recordings
from ..annotate.site import site_in

EXAMPLE = Path(__file__).parents[4] / "examples/ray/label_dataset.py"
ON_RAY = Path(__file__).with_name("on_ray.py")


class Ray:
    """Runs Python with Ray. Its files, and what Ray writes to the home folder, go into a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []
        (folder / "home").mkdir()

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        python_path, temporary, home = site_in(self._folder / "site"), self._folder / "ray", self._folder / "home"
        env = {**os.environ, "PYTHONPATH": str(python_path), "RAY_TMPDIR": str(temporary), "HOME": str(home)}
        process = subprocess.Popen(
            [os.environ["RAY_PYTHON"], *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            env={**env, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._started.append(process)
        return process

    def run(self, *arguments: object) -> Ended:
        return self.end(self.start(*arguments))

    def end(self, process: "subprocess.Popen[str]") -> Ended:
        stdout, stderr = process.communicate(timeout=240)
        return Ended(process.returncode, stdout, stderr)

    def close(self) -> None:
        for process in self._started:
            process.kill()  # Ray's own processes end with it
            process.communicate()


@pytest.fixture(scope="session")
def ray() -> Iterator[Ray]:
    # The path of a socket has at most 107 characters, so pytest's folder is too deep.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    made = Ray(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def service() -> str:
    """The address of a real service with the embedded model. test/ray/ray.test.ts starts it."""
    return os.environ["TOPREWARD_URL"]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen episodes of two seconds: seven units of two."""
    return write_v3(tmp_path_factory.mktemp("ray") / "dataset", recordings(14, step=3), episodes_per_file=2)
