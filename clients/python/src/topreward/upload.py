"""``topreward upload``: upload a finished episode, a folder of JPEG files, over a link that can break at any byte.

The order of the frames is the order of the file names. The first request has only the digests of the frames. Then the
program sends the frames that the service needs: the sampled frames that have not arrived yet. It does the same after a
broken link, and when you start it again.

By default, ``frame_digests`` marks an episode as unfinished: only its end is scored, without progress. This episode is
finished, so the program requests prefixes and progress: from the bounds of the calibration if it has some, else min-max.

Standard output has the response as JSON, standard error the state of the upload. Exit code: 0: scored. 1: no result in
time; the same command continues the upload. 2: the command, the API key or the address is wrong, so that every episode
would fail. 3: this episode is rejected; a retry would not help.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ._calls import Settings, key_or_environment
from ._contract import RewardResult
from ._growing import Growing
from ._sending import score_growing
from ._transport import Address, Transport
from .errors import Refused, Unanswered, UnusableAnswer

STEP = 0.25  # share of an upload between two lines of output
TIMEOUT_S, PATIENCE_S = 130.0, 3600.0


class Progress:
    """Reports uploads, one line for each quarter."""

    def __init__(self) -> None:
        self._reported, self.bytes, self._before, self._line = 0, 0, 0, ""

    def begin(self, digests: list[str]) -> None:
        say(f"frames to send: {len(digests)}" if digests else "asking which frames are needed")
        self._reported, self._before, self._line = 0, 0, ""

    def sent(self, done: int, total: int) -> None:
        self.bytes += done - self._before
        self._before = done
        if done == self._reported or self._reported + STEP * total > done < total:
            return
        line = f"  {done / 1000:.0f} of {total / 1000:.0f} kB"
        if line != self._line:
            say(line)
        self._reported, self._line = done, line


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def upload(folder: Path, settings: Settings, options: dict[str, Any]) -> RewardResult:
    """Score the JPEG files of a folder, in the order of their names.

    :param options: members of the episode; without ``instruction`` or ``fps``, those of the folder's ``episode.json``
    :raises OSError: if the folder has no frames
    :raises ValueError: if it has no fps
    :raises Unanswered: if there is no result in time
    :raises Refused: if a retry would not help
    """
    description = folder / "episode.json"
    recorded = json.loads(description.read_text(encoding="utf-8")) if description.exists() else {}
    episode = {key: recorded[key] for key in ("instruction", "fps") if key in recorded} | options
    names = sorted(folder.glob("*.jpg"))
    if not names:
        raise FileNotFoundError(f"There are no .jpg files in {folder}.")
    fps = episode.pop("fps", None)
    if not isinstance(fps, int | float):
        raise ValueError(f"{folder.name} has no fps. Put it into episode.json, or use --fps.")
    growing = Growing(episode.pop("instruction", ""), fps, "npy", episode)
    for name in names:
        growing.add(name)
    growing.unsent = []  # the first request asks which frames are needed
    say(f"{folder.name}: {len(names)} frames, {sum(name.stat().st_size for name in names) / 1000:.0f} kB")
    progress, transport = Progress(), Transport(settings.address)
    try:
        result = transport.run(score_growing(settings, growing, {}, progress.sent, progress.begin))
    finally:
        transport.close()
    say(f"scored; {progress.bytes / 1000:.0f} kB sent")
    for warning in result["warnings"]:
        say(f"warning {warning['code']}: {warning['message']}")
    return result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", help="default: TOPREWARD_API_KEY")
    parser.add_argument("--instruction", help="default: from episode.json")
    parser.add_argument("--fps", type=float, help="default: from episode.json")
    parser.add_argument("--prefixes", type=int, default=15, help="number of prefixes to score, at least 2")
    parser.add_argument("--calibration", type=Path, help="JSON file: a response of /v1/calibrations")
    parser.add_argument(
        "--timeout", type=float, default=TIMEOUT_S, help="seconds without a byte until the link counts as broken"
    )
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds after which the program stops trying")


def run(args: argparse.Namespace) -> int:
    try:
        options = requested(args)
        address = Address(args.url, key_or_environment(args.key))
    except (OSError, ValueError) as error:
        say(str(error))
        return 2
    settings = Settings(address, args.timeout, args.timeout, args.patience, args.patience)
    try:
        result = upload(args.folder, settings, options)
    except Unanswered as error:
        say(str(error))
        return 1
    except (OSError, ValueError) as error:  # no frames, or an episode.json that is not JSON
        say(str(error))
        return 3
    except Refused as error:
        say(str(error))
        return 2 if error.every_request else 3
    except UnusableAnswer as error:  # a login page
        say(str(error))
        return 2
    print(json.dumps(result, indent=2))
    return 0


def requested(args: argparse.Namespace) -> dict[str, Any]:
    """The options for a finished episode.

    :raises OSError: if the calibration cannot be read
    :raises ValueError: if it is not JSON
    """
    given = {"instruction": args.instruction, "fps": args.fps}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    calibration = _calibration(args.calibration) if args.calibration else None
    is_corrected = calibration is not None and calibration.get("curve") == "corrected"
    # Bounds of the corrected curve are for that curve only, and its threshold requires the static control.
    scale = "bounds" if calibration and calibration.get("bounds") and not is_corrected else "episode"
    options |= {"prefixes": {"count": args.prefixes}, "progress": {"scale": scale}}
    controls = {"controls": {"static": True}} if is_corrected else {}
    return options | ({"calibration": calibration} if calibration else {}) | controls


def _calibration(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ValueError(f"--calibration: {error}") from error
