"""The service and the command for the tests of ``topreward evaluate``."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from topreward import cli

from ..annotate.conftest import Ended, service, topreward

__all__ = ["service", "topreward"]

Here = Callable[..., Ended]


@pytest.fixture(scope="session")
def writing() -> str:
    """The address of a service whose engine writes texts. test/python/evaluate.test.ts starts it with a fake vLLM."""
    return os.environ["TOPREWARD_GVL_URL"]


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
