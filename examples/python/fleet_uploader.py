"""Post a finished episode from a folder of JPEG files, over a link that may break at any byte.

    python examples/python/fleet_uploader.py examples/episodes/drawer-open-v3-success --url http://127.0.0.1:8080

The files' names give their order. It asks with digests first, and sends only what the service names: the frames that the
model sees, less those that have arrived. After a lost link, or when the program is started again, it asks again.

Frames named by digests are taken for an episode that still grows, of which only the end is scored, without progress. This
one is finished: it asks for prefixes and for progress by name, from the calibration's bounds where there is one, else min-max.

The answer goes to standard output as JSON, the progress to standard error. Exit code: 0 scored; 1 no answer in time, the
same command goes on where this one stopped; 2 refused, trying again would not help.
"""

import argparse
import hashlib
import json
import logging
import sys
from pathlib import Path
from typing import Any

import requests
from topreward import Form, Refused, Service, Unanswered, score

STEP = 0.25  # of an upload, between two lines about it


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Tells about uploads, a line for every quarter."""

    def __init__(self) -> None:
        self.told, self.bytes, self.before = 0, 0, 0

    def begin(self, digests: list[str]) -> None:
        say(f"frames to send: {len(digests)}" if digests else "asking what is needed")
        self.told, self.before = 0, 0

    def sent(self, done: int, total: int) -> None:
        self.bytes += done - self.before
        self.before = done
        if done == self.told or self.told + STEP * total > done < total:
            return
        self.told = done
        say(f"  {done / 1000:.0f} of {total / 1000:.0f} kB")


def upload(folder: Path, service: Service, options: dict[str, Any]) -> dict[str, Any]:
    """Score the JPEG files of a folder, in the order of their names.

    :param options: of the episode; ``instruction`` and ``fps`` may come from the folder's ``episode.json``
    :raises Unanswered: and Refused, as ``score`` does
    """
    described = folder / "episode.json"
    told = json.loads(described.read_text(encoding="utf-8")) if described.exists() else {}
    episode = {key: told[key] for key in ("instruction", "fps") if key in told} | options
    names = sorted(folder.glob("*.jpg"))
    digests = [hashlib.sha256(name.read_bytes()).hexdigest() for name in names]
    files = dict(zip(digests, names, strict=True))
    progress = Progress()

    def parts(wanted: list[str]) -> Form:
        progress.begin(wanted)
        return [("frames", (files[digest].name, files[digest].read_bytes())) for digest in wanted]

    if not names:
        raise FileNotFoundError(f"There are no .jpg files in {folder}.")
    say(f"{folder.name}: {len(names)} frames, {sum(name.stat().st_size for name in names) / 1000:.0f} kB")
    with requests.Session() as session:
        answer = score(session, service, episode, digests, parts, sent=progress.sent)
    say(f"scored; {progress.bytes / 1000:.0f} kB were sent")
    for warning in answer["warnings"]:
        say(f"warning {warning['code']}: {warning['message']}")
    return answer


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """What is asked about a finished episode."""
    given = {"instruction": args.instruction, "fps": args.fps}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    calibration = json.loads(args.calibration.read_text(encoding="utf-8")) if args.calibration else None
    scale = "bounds" if calibration and calibration.get("bounds") else "episode"
    options |= {"prefixes": {"count": args.prefixes}, "progress": {"scale": scale}}
    return options | ({"calibration": calibration} if calibration else {})


def main() -> int:
    parser = argparse.ArgumentParser(description="Post an episode's JPEG files to topreward-server, over a bad link.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key")
    parser.add_argument("--instruction", help="else from episode.json")
    parser.add_argument("--fps", type=float, help="else from episode.json")
    parser.add_argument("--prefixes", type=int, default=15, help="how many prefixes to score, two or more")
    parser.add_argument("--calibration", type=Path, help="JSON file, an answer of /v1/calibrations")
    parser.add_argument("--timeout", type=float, default=30, help="seconds without a byte after which a link is lost")
    parser.add_argument("--patience", type=float, default=3600, help="seconds after which to give up")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    try:
        answer = upload(args.folder, Service(args.url, args.key, args.timeout, args.patience), asked(args))
    except Unanswered as error:
        say(str(error))
        return 1
    except (Refused, FileNotFoundError) as error:
        say(str(error))
        return 2
    print(json.dumps(answer, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
