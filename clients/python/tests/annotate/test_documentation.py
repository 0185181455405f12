"""docs/reference/annotate.md has every flag and every problem of the program."""

import argparse
import re
from pathlib import Path

from topreward.annotate import command, merge_command, status_command
from topreward.lerobot import asking

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/reference/annotate.md").read_text(encoding="utf-8")


def test_every_flag_is_documented_and_no_other() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    flags = {flag for action in parser._actions for flag in action.option_strings}
    table = PAGE[PAGE.index("## Flags") : PAGE.index("## Exit codes")]
    assert set(re.findall(r"^\| `(--[a-z-]+)", table, re.MULTILINE)) == flags
    for module in (merge_command, status_command):
        other = argparse.ArgumentParser(add_help=False)
        module.add_arguments(other)
        assert {flag for action in other._actions for flag in action.option_strings} <= {"--allow-missing"}


def test_every_problem_of_the_program_is_documented() -> None:
    folders = [Path(str(module.__file__)).parent for module in (command, asking)]
    sources = [path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py")]
    pattern = r'(?:failed|problem_here|Fault)\([^"]*?"([a-z]+(?:-[a-z]+)+)"'
    # After a lost response the request is sent again: it is never the problem of an episode.
    codes = {code for source in sources for code in re.findall(pattern, source)} - {asking.LOST["code"]}
    table = PAGE[PAGE.index("## Problems") : PAGE.index("## Cost")]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) == codes
