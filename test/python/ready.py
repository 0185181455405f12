"""Prints what is missing, one line each: packages of a requirements file and the library that Meta-World renders with."""

import sys
from ctypes.util import find_library
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def lacking(requirement: str) -> str | None:
    name, wanted = requirement.split("==")
    try:
        found = version(name)
    except PackageNotFoundError:
        found = "nothing"
    return None if found == wanted else f"{name}: {wanted} is required, {found} is installed"


lines = [line for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines() if "==" in line]
missing = [line for line in map(lacking, lines) if line]
if not find_library("OSMesa"):
    missing.append("libOSMesa: install Debian's libosmesa6")
sys.exit("\n".join(missing) or None)
