"""Describe the training data of a checkpoint in its ``profile.json``, so that the service can warn about other inputs.

    python domain.py --data DIR --model CHECKPOINT

``words``: all words of the instructions in the training data. ``picture``: the mean of the training frames as 8×8 squares, and 1.5 times
the distance (mean absolute difference of grey levels) of the frame that is farthest from it. ``blocks``: blocks of the longest video.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from episodes import Floats, load
from model import SIDE, write_json
from tasks import FORMS, TASKS, worded
from train_language import MOST_PAIRS

SQUARES = 8
LONGEST_PROMPT = 8192  # tokens; much longer than the training data, about which the service warns
ABOUT = "Meta-World, camera corner2: 16 tasks with 12 objects. It was not trained on anything else."


def thumbnails(frames: np.ndarray) -> Floats:
    """(N, side, side, 3) → (N, 8, 8, 3), the mean of each square."""
    n, side, _, _ = frames.shape
    step = side // SQUARES
    return frames.reshape(n, SQUARES, step, SQUARES, step, 3).mean((2, 4), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    words = {w for t in TASKS for p in t.phrases for f in FORMS for w in re.findall(r"[a-z]+", worded(p, f).lower())}
    seen = np.concatenate([thumbnails(r.pictures[::5]) for r in load(args.data, "train")])
    mean = seen.mean(0)
    farthest = float(np.abs(seen - mean).mean((1, 2, 3)).max())
    profile = {
        "format": 1, "name": args.model.resolve().name, "version": "1", "about": ABOUT,
        "frame": {"width": SIDE, "height": SIDE}, "contextTokens": LONGEST_PROMPT, "calibration": None,
        "domain": {"words": sorted(words), "picture": {"side": SQUARES, "mean": [round(float(v), 1) for v in mean.ravel()],
                                                       "distance": round(1.5 * farthest, 1)}, "blocks": MOST_PAIRS},
    }
    write_json(args.model / "profile.json", profile)
    print(f"{len(words)} words; pictures up to {farthest:.1f} grey levels from the mean")


if __name__ == "__main__":
    main()
