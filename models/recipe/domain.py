"""Write what a checkpoint was taught into its ``profile.json``, so that the service can say when it is asked about something else.

    python domain.py --data DIR --model CHECKPOINT

``words``: every word of the taught instructions. ``picture``: the mean of all taught frames as 8×8 squares, and how far (mean absolute
difference of grey levels) the farthest of them is from it, half as much again. ``blocks``: of the longest video taught.
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
LONGEST_PROMPT = 8192  # tokens; far longer than what was taught, for which the service warns
ABOUT = "Meta-World, camera corner2: sixteen tasks with twelve objects. It knows nothing else."


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
