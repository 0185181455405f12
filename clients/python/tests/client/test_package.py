"""The package as it is built: its wheel, its types, its command, and what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path
from zipfile import ZipFile

import pytest

import topreward
from topreward import cli

HERE = Path(__file__).parents[2]
SOURCES = HERE / "src/topreward"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=HERE)


def test_the_types_are_those_of_the_contract(tmp_path: Path) -> None:
    made = tmp_path / "contract.py"
    done = run("generate.py", made)
    assert done.returncode == 0, f"The generator does not run: install requirements-dev.txt.\n{done.stderr}"
    assert made.read_text() == (SOURCES / "_contract.py").read_text(), "openapi.yaml has changed: run generate.sh"


def test_the_code_is_typed_and_tidy() -> None:
    for check in (["mypy"], ["ruff", "check"], ["ruff", "format", "--check"]):
        done = run("-m", *check)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_package_is_the_wheel() -> None:
    installed = Path(topreward.__file__).parent
    assert HERE not in installed.parents
    (wheel,) = (Path(sys.prefix) / "wheels").glob("*.whl")
    with ZipFile(wheel) as file:
        names = {name for name in file.namelist() if name.startswith("topreward/")}
    assert names == {
        f"topreward/{path.relative_to(SOURCES)}" for path in SOURCES.rglob("*") if path.suffix in (".py", ".typed")
    }
    assert (installed / "py.typed").exists()
    assert any(file.name == "LICENSE" for file in distribution("topreward-client").files or [])
    assert distribution("topreward-client").metadata["License-Expression"] == "Apache-2.0"


def test_extras_are_needed_only_for_what_uses_them() -> None:
    program = """
import sys
for name in ("PIL", "gymnasium", "torch", "huggingface_hub", "yaml"):
    sys.modules[name] = None
import numpy, topreward, topreward.cli, topreward.upload
from topreward._frames import parts_of
assert len(parts_of(numpy.zeros((2, 8, 8, 3), numpy.uint8))) == 1
try:
    parts_of(numpy.zeros((2, 8, 8, 3), numpy.uint8), "png")
except ImportError as error:
    print(error)
"""
    done = run("-c", program)
    assert (done.stderr, done.stdout) == ("", 'encoding="png" needs Pillow: pip install "topreward-client[images]"\n')
    needed = [line.split(";")[0] for line in requires("topreward-client") or [] if "extra" not in line]
    assert {re.split("[<>]", line)[0] for line in needed} == {"httpx2", "numpy", "pyarrow", "tqdm", "typing-extensions"}


@pytest.mark.parametrize("arguments", [[], ["uplaod"], ["upload"]])
def test_a_wrong_command_has_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: topreward" in capsys.readouterr().err


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in ((["--help"], "upload"), (["upload", "--help"], "--calibration"), (["--version"], "0.1.0")):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 0
        assert words in capsys.readouterr().out
