"""Runs the package of this interpreter in the environment of lerobot, LEROBOT_PYTHON, which has the extras."""

import os
import subprocess
from pathlib import Path

from ..annotate.site import site_in


def with_extras(folder: Path, *arguments: object, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments. ``import topreward`` finds the package that is tested, and nothing else of this one.

    :param folder: for the links that lead there
    """
    return subprocess.run(
        [os.environ["LEROBOT_PYTHON"], *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site_in(folder)), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
        check=False,
    )
