"""Measure what the static control is worth: AUC of the score and of the corrected score, on episodes with held-out starts and wordings.

    MUJOCO_GL=osmesa python record.py --out DIR --splits test
    python controls.py --data DIR --url http://127.0.0.1:8080

The service must serve the model to measure. The videos, the successes and the failures are those of ``evaluate.py``: 30 frames at 2 fps,
scored on 15 prefixes. docs/reference/controls.md has the result.
"""

import argparse
import base64
import io
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from episodes import keyframes, load
from tasks import TASKS, worded

FRAMES, PREFIXES = 30, 15
SUCCEEDED, FAILED = 0.95, 0.75  # true progress at the end
SHAPES = ("whole", "stops", "undoes", "still", "backwards")


@dataclass(frozen=True)
class Scored:
    """One scored video."""

    task: str
    kind: str
    is_success: bool
    score: float  # mean log probability of the last three prefixes
    corrected: float  # the same on the corrected curve


def ask(url: str, frames: npt.NDArray[np.uint8], instruction: str) -> tuple[float, float]:
    """Scores a video with its static control."""
    file = io.BytesIO()
    np.save(file, frames)
    episode = {"instruction": instruction, "fps": 2, "prefixes": {"count": PREFIXES}, "controls": {"static": True}}
    body = json.dumps({"episode": episode, "npy": base64.b64encode(file.getvalue()).decode()}).encode()
    request = urllib.request.Request(f"{url}/v1/rewards", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=130) as response:
        result = json.load(response)
    return result["score"], result["controls"]["static"]["corrected"]["score"]


def score_all(data: Path, url: str, seed: int) -> list[Scored]:
    """Scores every video that is a success (a complete episode of the expert) or a failure (true progress at its end below 0.75)."""
    rng = np.random.default_rng(seed)
    out: list[Scored] = []
    for recording in load(data, "test"):
        task = TASKS[recording.task]
        for episode, kind in enumerate(recording.kinds):
            ends = recording.progress[(episode + 1) * recording.length - 1, recording.task]
            is_done = kind == "expert" and ends >= SUCCEEDED
            for shape in SHAPES if is_done else SHAPES[:1]:
                shown = episode * recording.length + keyframes(rng, shape, recording.length, FRAMES)
                instruction = worded(str(rng.choice(task.held_out)), "{P}.")
                is_success = is_done and shape == "whole"
                if not is_success and recording.progress[shown[-1], recording.task] >= FAILED:
                    continue
                frames = np.stack([recording.frame(int(i)) for i in shown])
                out.append(Scored(task.name, f"{kind} {shape}", is_success, *ask(url, frames, instruction)))
        print(f"{task.name}: {len(out)} videos so far", flush=True)
    return out


def auc(good: list[float], bad: list[float]) -> float:
    """Area under the ROC curve: how often a success is above a failure."""
    pairs = np.subtract.outer(np.array(good), np.array(bad))
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def row(name: str, good: list[Scored], bad: list[Scored]) -> str:
    raw, corrected = (auc([getattr(s, key) for s in good], [getattr(s, key) for s in bad]) for key in ("score", "corrected"))
    return f"| {name} | {len(bad)} | {raw:.3f} | {corrected:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    scored = score_all(args.data, args.url, args.seed)
    good, bad = [s for s in scored if s.is_success], [s for s in scored if not s.is_success]
    print(f"{len(good)} successes\n| failures | number | AUC of the score | AUC of the corrected score |\n|---|---|---|---|")
    print(row("**all**", good, bad))
    for kind in sorted({s.kind for s in bad}):
        print(row(kind, good, [s for s in bad if s.kind == kind]))
    tasks = [([s for s in good if s.task == t.name], [s for s in bad if s.task == t.name]) for t in TASKS]
    means = [np.mean([auc([getattr(s, key) for s in g], [getattr(s, key) for s in b]) for g, b in tasks if g and b]) for key in ("score", "corrected")]
    print(f"mean of the AUC within each task: {means[0]:.3f}, corrected {means[1]:.3f}")


if __name__ == "__main__":
    main()
