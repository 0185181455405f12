"""Upload a finished episode, a folder of JPEG files, over a link that can break at any byte.

    python examples/python/fleet_uploader.py examples/episodes/drawer-open-v3-success --url http://127.0.0.1:8080

The order of the frames is the order of the file names. The first request has only the digests of the frames. Then the
program sends the frames that the service needs: the sampled frames that have not arrived yet. It does the same after a
broken link, and when you start it again.

By default, ``frame_digests`` marks an episode as unfinished: only its end is scored, without progress. This episode is
finished, so the program requests prefixes and progress: from the bounds of the calibration if it has some, else min-max.

Standard output has the response as JSON, standard error the state of the upload. Exit code: 0: scored. 1: no result in
time; the same command continues the upload. 2: the command, the API key or the address is wrong, so that every episode
would fail. 3: this episode is rejected; a retry would not help.
"""

import argparse
import hashlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import requests
from topreward import Form, Refused, Service, Unanswered, score

STEP = 0.25  # share of an upload between two lines of output
# Statuses that a wrong key, host name or path causes. They do not depend on the episode.
EVERY_EPISODE = {401, 403, 404, 405, 421, 429}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Reports uploads, one line for each quarter."""

    def __init__(self) -> None:
        self.reported, self.bytes, self.before = 0, 0, 0

    def begin(self, digests: list[str]) -> None:
        say(f"frames to send: {len(digests)}" if digests else "asking which frames are needed")
        self.reported, self.before = 0, 0

    def sent(self, done: int, total: int) -> None:
        self.bytes += done - self.before
        self.before = done
        if done == self.reported or self.reported + STEP * total > done < total:
            return
        self.reported = done
        say(f"  {done / 1000:.0f} of {total / 1000:.0f} kB")


def upload(folder: Path, service: Service, options: dict[str, Any]) -> dict[str, Any]:
    """Score the JPEG files of a folder, in the order of their names.

    :param options: members of the episode; without ``instruction`` or ``fps``, those of the folder's ``episode.json``
    :raises Unanswered: as ``score`` does
    :raises Refused: as ``score`` does
    """
    description = folder / "episode.json"
    recorded = json.loads(description.read_text(encoding="utf-8")) if description.exists() else {}
    episode = {key: recorded[key] for key in ("instruction", "fps") if key in recorded} | options
    names = sorted(folder.glob("*.jpg"))
    digests = [hashlib.sha256(name.read_bytes()).hexdigest() for name in names]
    files = dict(zip(digests, names, strict=True))
    progress = Progress()

    def parts(needed: list[str]) -> Form:
        progress.begin(needed)
        return [("frames", (files[digest].name, files[digest].read_bytes())) for digest in needed]

    if not names:
        raise FileNotFoundError(f"There are no .jpg files in {folder}.")
    say(f"{folder.name}: {len(names)} frames, {sum(name.stat().st_size for name in names) / 1000:.0f} kB")
    with requests.Session() as session:
        result = score(session, service, episode, digests, parts, sent=progress.sent)
    say(f"scored; {progress.bytes / 1000:.0f} kB sent")
    for warning in result["warnings"]:
        say(f"warning {warning['code']}: {warning['message']}")
    return result


def requested(args: argparse.Namespace) -> dict[str, Any]:
    """The options for a finished episode."""
    given = {"instruction": args.instruction, "fps": args.fps}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    calibration = json.loads(args.calibration.read_text(encoding="utf-8")) if args.calibration else None
    is_corrected = calibration is not None and calibration.get("curve") == "corrected"
    # Bounds of the corrected curve are for that curve only, and its threshold requires the static control.
    scale = "bounds" if calibration and calibration.get("bounds") and not is_corrected else "episode"
    options |= {"prefixes": {"count": args.prefixes}, "progress": {"scale": scale}}
    controls = {"controls": {"static": True}} if is_corrected else {}
    return options | ({"calibration": calibration} if calibration else {}) | controls


def main() -> int:
    parser = argparse.ArgumentParser(description="Upload an episode's JPEG files to topreward-server over an unreliable link.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default=os.environ.get("TOPREWARD_API_KEY"), help="default: TOPREWARD_API_KEY")
    parser.add_argument("--instruction", help="default: from episode.json")
    parser.add_argument("--fps", type=float, help="default: from episode.json")
    parser.add_argument("--prefixes", type=int, default=15, help="number of prefixes to score, at least 2")
    parser.add_argument("--calibration", type=Path, help="JSON file: a response of /v1/calibrations")
    parser.add_argument(
        "--timeout", type=float, default=Service.timeout_s, help="seconds without a byte until the link counts as broken"
    )
    parser.add_argument("--patience", type=float, default=3600, help="seconds after which the program stops trying")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        options = requested(args)
    except (OSError, ValueError) as error:
        parser.error(f"--calibration: {error}")  # exit code 2
    try:
        result = upload(args.folder, Service(args.url, args.key, args.timeout, args.patience), options)
    except Unanswered as error:
        say(str(error))
        return 1
    except FileNotFoundError as error:
        say(str(error))
        return 3
    except Refused as error:
        say(str(error))
        every = error.problem["status"] in EVERY_EPISODE or error.problem["code"] == "calibration-mismatch"
        return 2 if every else 3
    except requests.RequestException as error:  # a URL without http://, a key with a line break, a login page
        say(str(error))
        return 2
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
