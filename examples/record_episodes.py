"""Record the two Meta-World episodes in ``episodes/``: a success and a failure of one task.

Run two commands from the root of the repository (Python 3.10 to 3.13, with Debian's ``libosmesa6`` installed):

    pip install metaworld==3.1.1 mujoco==3.3.0 gymnasium==1.4.0 numpy==2.4.6 \
        pillow==13.0.0 packaging==26.3 PyOpenGL==3.1.10
    MUJOCO_GL=osmesa python examples/record_episodes.py

Episodes
    The task is drawer-open-v3, rendered by Meta-World's camera ``corner2`` at 480x480. The camera's frames are upside
    down, so the rows are flipped. Meta-World's scripted expert moves the arm, limited to an eighth of the action range:
    at full speed it opens the drawer in 1.1 simulated seconds, and 24 even frames would need 16 fps or more.
    In the failure, the same expert starts from a similar position and stops just above the handle. The arm then moves
    back and away, and never touches the drawer.

Time
    One control step lasts ``env.dt`` = 0.0125 s of simulated time (5 physics steps of 0.0025 s). Every 20th step
    is kept, so the frames are 0.25 s apart: 4 fps. The script compares this with MuJoCo's clock.

``truth``
    How far the handle has moved from its position at the reset towards the task's goal, as a share of that
    distance: dot(handle - start, goal - start) / |goal - start|^2, limited to 0..1, for the state in the frame.
    ``success_flags`` is Meta-World's ``info["success"]``: the handle is within 0.03 m of the goal. That is a ``truth``
    of about 0.84, so a successful episode need not end at 1.
"""

import argparse
import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import metaworld
import numpy as np
import numpy.typing as npt
from metaworld.policies import ENV_POLICY_MAP
from OpenGL import GL
from PIL import Image

TASK = "drawer-open-v3"
INSTRUCTION = "Open the drawer."
CAMERA = "corner2"
SIZE = 480
FRAMES = 24
KEEP_EVERY = 20  # control steps from one kept frame to the next
SPEED_LIMIT = 0.13  # share of the action range that the arm may use
RETREAT_TO = np.array([-0.25, 0.42, 0.34])  # metres; up, back and away from the drawer
UNTOUCHED = 0.01  # highest progress allowed in the failure
JPEG_QUALITY = 90
PACKAGES = ("metaworld", "mujoco", "gymnasium", "numpy", "pillow")

# Meta-World's type hints are incomplete here.
BENCHMARK: Any = metaworld.MT1
EXPERT: Any = ENV_POLICY_MAP[TASK]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Episode:
    """One episode to record."""

    outcome: str
    seed: int
    expert_stops_at: int | None  # control step at which the expert stops early, if it does

    @property
    def id(self) -> str:
        return f"{TASK}-{self.outcome}"


EPISODES = (
    Episode(outcome="success", seed=4, expert_stops_at=None),
    Episode(outcome="failure", seed=0, expert_stops_at=170),
)


def make_env(seed: int) -> Any:
    """The environment of the task, with the first variation of the seed."""
    benchmark = BENCHMARK(TASK, seed=seed)
    env = benchmark.train_classes[TASK](render_mode="rgb_array", camera_name=CAMERA, height=SIZE, width=SIZE)
    env.set_task(benchmark.train_tasks[0])
    return env


def handle_position(obs: Array) -> Array:
    return np.array(obs[4:7])


def progress(handle: Array, start: Array, goal: Array) -> float:
    """The share of the distance from start to goal that the handle has moved, in 0..1."""
    distance = goal - start
    return float(np.clip(np.dot(handle - start, distance) / np.dot(distance, distance), 0.0, 1.0))


def retreat(obs: Array) -> Array:
    """Move the open gripper towards RETREAT_TO."""
    return np.append(10.0 * (RETREAT_TO - obs[:3]), -1.0)


def limit_speed(action: Array) -> Array:
    limited = np.clip(action, -1.0, 1.0)
    limited[:3] = np.clip(limited[:3], -SPEED_LIMIT, SPEED_LIMIT)
    return limited


def record(episode: Episode, out: Path) -> None:
    """Run one episode, and write its frames and its episode.json."""
    env = make_env(episode.seed)
    expert = EXPERT()
    obs, _ = env.reset()
    _, info = env.evaluate_state(obs, np.zeros(4, dtype=np.float32))
    start, goal = handle_position(obs), np.array(env._target_pos)

    folder = out / episode.id
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()

    times: list[float] = []
    truth: list[float] = []
    success_flags: list[bool] = []
    for step in range((FRAMES - 1) * KEEP_EVERY + 1):
        if step % KEEP_EVERY == 0:
            frame = np.ascontiguousarray(np.asarray(env.render())[::-1])
            Image.fromarray(frame).save(folder / f"{len(times):03d}.jpg", quality=JPEG_QUALITY)
            times.append(float(env.data.time))
            truth.append(round(progress(handle_position(obs), start, goal), 4))
            success_flags.append(bool(info["success"]))
        gave_up = episode.expert_stops_at is not None and step >= episode.expert_stops_at
        action = retreat(obs) if gave_up else np.asarray(expert.get_action(obs), dtype=np.float64)
        obs, _, _, _, info = env.step(limit_speed(action))

    spacing = KEEP_EVERY * float(env.dt)
    if not np.allclose(np.diff(times), spacing):
        raise RuntimeError(f"the frames are not {spacing} s apart: {times}")
    if episode.outcome == "success":
        as_meant = success_flags[-1]
    else:
        as_meant = not any(success_flags) and max(truth) < UNTOUCHED
    if not as_meant:
        raise RuntimeError(f"{episode.id} does not have the intended outcome: truth {truth}, success {success_flags}")

    recorded_with = {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "gl": f"{GL.glGetString(GL.GL_RENDERER).decode()}; {GL.glGetString(GL.GL_VERSION).decode()}",
        "camera": CAMERA,
        "seed": episode.seed,
        "control_dt": float(env.dt),
        "keep_every": KEEP_EVERY,
        "speed_limit": SPEED_LIMIT,
        "expert_stops_at": episode.expert_stops_at,
    }
    description = {
        "id": episode.id,
        "task": TASK,
        "instruction": INSTRUCTION,
        "fps": round(1.0 / spacing, 6),
        "frames": len(times),
        "outcome": episode.outcome,
        "truth": truth,
        "success_flags": success_flags,
        "recorded_with": recorded_with,
    }
    (folder / "episode.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    env.close()
    print(f"{episode.id}: {len(times)} frames at {description['fps']} fps, truth {truth[0]} to {truth[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Record the two Meta-World episodes.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "episodes", help="output folder")
    out: Path = parser.parse_args().out
    for episode in EPISODES:
        record(episode, out)


if __name__ == "__main__":
    main()
