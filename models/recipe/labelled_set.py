"""Write a folder for ``topreward evaluate --folder``: three successes and three failures of each task, 30 frames at 2 fps.

    MUJOCO_GL=osmesa python record.py --out DIR --splits test
    python labelled_set.py --data DIR --out SET

The starts and wordings were not in the training data. A failure is a recorded one (the expert that fails, the expert then random
motion, or random motion), a success that stops midway, and a success that is undone. examples/reports/metaworld has the report.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from controls import FAILED, FRAMES, SUCCEEDED
from episodes import keyframes, load
from tasks import TASKS, worded

EACH = 3
SHAPES = ("whole", "stops", "undoes")


def write(data: Path, out: Path, seed: int) -> int:
    """Writes the episodes and episodes.jsonl.

    :returns: the number of episodes
    """
    rng = np.random.default_rng(seed)
    lines = []
    for recording in load(data, "test"):
        task = TASKS[recording.task]
        found: dict[bool, list[tuple[int, int, str, object, str]]] = {True: [], False: []}
        for episode, kind in enumerate(recording.kinds):
            ends = recording.progress[(episode + 1) * recording.length - 1, recording.task]
            is_done = kind == "expert" and ends >= SUCCEEDED
            for shape in ("whole", SHAPES[1] if episode % 2 else SHAPES[2]) if is_done else ("whole",):
                shown = episode * recording.length + keyframes(rng, shape, recording.length, FRAMES)
                success = is_done and shape == "whole"
                if not success and recording.progress[shown[-1], recording.task] >= FAILED:
                    continue
                instruction = worded(str(rng.choice(task.held_out)), "{P}.")
                # The first of each shape, then the second of each: failures of different shapes and episodes.
                seen = sum(other[2].endswith(shape) for other in found[success])
                name = f"{task.name}-{episode:02d}-{kind}-{shape}"
                found[success].append((seen, SHAPES.index(shape), name, shown, instruction))
        for success, episodes in found.items():
            for _, _, name, shown, instruction in sorted(episodes, key=lambda each: each[:2])[:EACH]:
                np.save(out / f"{name}.npy", np.stack([recording.frame(int(i)) for i in np.asarray(shown)]))
                line = {"path": f"{name}.npy", "instruction": instruction, "success": success, "fps": 2, "task": task.name}
                lines.append(json.dumps(line) + "\n")
    (out / "episodes.jsonl").write_text("".join(lines))
    return len(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"{write(args.data, args.out, args.seed)} episodes")


if __name__ == "__main__":
    main()
