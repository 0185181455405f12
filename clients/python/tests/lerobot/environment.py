"""Runs the package of this interpreter in the environment of lerobot, LEROBOT_PYTHON, which has the extras."""

import os
import subprocess
from importlib.metadata import distribution
from pathlib import Path

import topreward


def with_extras(folder: Path, *arguments: object, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments. ``import topreward`` finds the package that is tested, and nothing else of this one.

    :param folder: for the links that lead there
    """
    folder.mkdir(exist_ok=True)
    metadata = Path(str(distribution("topreward-client").locate_file(""))).glob("topreward_client-*.dist-info")
    for path in (Path(topreward.__file__).parent, *metadata):
        link = folder / path.name
        if not link.exists():
            link.symlink_to(path)
    return subprocess.run(
        [os.environ["LEROBOT_PYTHON"], *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        check=False,
    )
