"""Datasets, the service and the command for the longer tests of ``topreward evaluate``."""

from pathlib import Path

import pytest

from ..annotate.conftest import service, topreward
from ..annotate.layouts import write_v3
from ..annotate.recordings import recordings

__all__ = ["service", "topreward"]

# Few numbers, and quickly: two questions with curves.
QUICK = ["--questions", "topreward,instruction_likelihood", "--prefixes", "count=3", "--resamples", "20"]


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six episodes of two seconds, in three files."""
    return write_v3(tmp_path_factory.mktemp("short") / "dataset", recordings(6, step=3), episodes_per_file=2)
