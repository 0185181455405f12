"""A folder for PYTHONPATH, so that another Python finds the package that is tested, and nothing else of this one."""

from importlib.metadata import distribution
from pathlib import Path

import topreward


def site_in(folder: Path) -> Path:
    """Make the links in a folder, and return it."""
    folder.mkdir(exist_ok=True)
    metadata = Path(str(distribution("topreward-client").locate_file(""))).glob("topreward_client-*.dist-info")
    for path in (Path(topreward.__file__).parent, *metadata):
        link = folder / path.name
        if not link.exists():
            link.symlink_to(path)
    return folder
