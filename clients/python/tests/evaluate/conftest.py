"""The service and the command for the tests of ``topreward evaluate``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from topreward import cli
from topreward.evaluate.command import add_arguments as add_arguments

from ..annotate.conftest import Ended, service, topreward

__all__ = ["service", "topreward"]

Here = Callable[..., Ended]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """Run the command ``topreward`` in this process, which is faster."""

    def run(*args: str | Path) -> Ended:
        try:
            code = cli.main([str(arg) for arg in args])
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


def flatten(items: Sequence[Sequence[Any]]) -> list[Any]:
    """Return the items of all batches."""
    return [item for batch in items for item in batch]
