"""Prints which packages of requirements files are missing or have another version, one line each. The exit code is 0 if there
are none.

    python lacking.py REQUIREMENTS…
"""

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def lacking(files: list[Path]) -> list[str]:
    """Return one line for each package that is not there in the version of the files."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if "==" in line]
    return [line for line in map(_lacking, lines) if line]


def _lacking(requirement: str) -> str | None:
    name, wanted = requirement.split("==")
    try:
        found = version(name)
    except PackageNotFoundError:
        found = "nothing"
    return None if found == wanted else f"{name}: {wanted} is required, {found} is installed"


if __name__ == "__main__":
    sys.exit("\n".join(lacking([Path(file) for file in sys.argv[1:]])) or None)
