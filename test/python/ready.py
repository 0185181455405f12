"""Prints what is missing, one line each: packages of requirements files, the package of a folder as it is now, and the library
that Meta-World renders with.

    python ready.py FOLDER REQUIREMENTS…
"""

import sys
from ctypes.util import find_library
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from lacking import lacking


def is_installed(folder: Path) -> bool:
    """Whether the package in a folder is installed, with the same modules and the same description."""
    try:
        installed = distribution("topreward-client")
    except PackageNotFoundError:
        return False
    sources = {str(file.relative_to(folder / "src")): file.read_bytes() for file in folder.glob("src/topreward/**/*.py")}
    files = {str(file): Path(file.locate()) for file in installed.files or [] if str(file).startswith("topreward/")}
    modules = {name: file.read_bytes() for name, file in files.items() if name.endswith(".py") and file.exists()}
    # The wheel is older than the description that it was built from if this has changed since.
    built = Path(str(installed.locate_file("topreward/__init__.py"))).stat().st_mtime
    return sources == modules and (folder / "pyproject.toml").stat().st_mtime < built


folder, *requirements = map(Path, sys.argv[1:])
missing = lacking(requirements)
if not is_installed(folder):
    missing.append(f"the package in {folder}, as it is now")
if not find_library("OSMesa"):
    missing.append("libOSMesa: install Debian's libosmesa6")
sys.exit("\n".join(missing) or None)
