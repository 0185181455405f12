"""Flags that several commands have: the dataset, the prefixes and the service."""

import argparse
import math
from pathlib import Path

from .pacing import AUTOMATIC


def add_dataset_flags(group: argparse._ArgumentGroup) -> None:
    """Add the flags that choose episodes of a LeRobot dataset, and their instructions."""
    group.add_argument("--root", type=Path, help="folder of the dataset")
    group.add_argument("--repo-id", help="USER/NAME: a dataset that LeRobot or the hub has stored on this machine")
    group.add_argument("--revision", help="branch, tag or commit of --repo-id in the hub cache")
    group.add_argument("--download", action="store_true", help="download what --repo-id lacks on this machine (extra: hub)")
    group.add_argument("--camera", help="feature with the frames; required if the dataset has several cameras")
    group.add_argument("--episodes", help="for example 0:100 (100 excluded), 7, or 0:10,20: (default: all)")
    group.add_argument(
        "--instruction", type=parse_instruction, help="one instruction for all episodes, instead of the dataset's tasks"
    )
    group.add_argument(
        "--several-tasks",
        choices=["refuse", "first"],
        default="refuse",
        help="an episode with several tasks fails, or has the task of its first frame (default: %(default)s)",
    )


def add_prefixes_flag(group: argparse._ArgumentGroup) -> None:
    """Add the flag that says which prefixes are scored."""
    group.add_argument(
        "--prefixes", type=parse_prefixes, default={"count": 15}, help="count=N or every=N frames (default: count=15)"
    )


def add_service_flags(group: argparse._ArgumentGroup) -> None:
    """Add the flags that say which service is asked, and how much at once."""
    group.add_argument("--url", default="http://127.0.0.1:8080", help="address of the service (default: %(default)s)")
    group.add_argument("--api-key", help="one of the service's API_KEYS (default: TOPREWARD_API_KEY)")
    group.add_argument(
        "--in-flight", type=parse_in_flight, default=AUTOMATIC, help=f"most requests at once, or auto: {AUTOMATIC}"
    )
    group.add_argument(
        "--patience", type=parse_seconds, default=600.0, help="seconds without a result after which a run ends (default: 600)"
    )


def is_number(text: str) -> bool:
    """Whether a text is a whole number from 0 on, in digits that every program reads."""
    return text.isascii() and text.isdigit()


def parse_positive(text: str) -> int:
    """Read a number from 1 on. For argparse."""
    if not is_number(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def parse_prefixes(text: str) -> dict[str, int]:
    """Read ``count=15`` or ``every=4``. For argparse."""
    name, _, number = text.partition("=")
    smallest = {"count": 2, "every": 1}.get(name)
    if smallest is None or not is_number(number) or int(number) < smallest:
        raise argparse.ArgumentTypeError(f"{text!r} is neither count=N (at least 2) nor every=N (at least 1)")
    return {name: int(number)}


def parse_in_flight(text: str) -> int:
    """Read ``auto`` or a number from 1 on. For argparse."""
    if text == "auto":
        return AUTOMATIC
    if not is_number(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor auto")
    return int(text)


def parse_seconds(text: str) -> float:
    """Read a number of seconds, 0 or more. For argparse."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def parse_instruction(text: str) -> str:
    """Read an instruction. For argparse."""
    if not text.strip():
        raise argparse.ArgumentTypeError("--instruction is empty: leave it out to use the tasks of the dataset")
    return text
