"""Record the two Meta-World episodes under ``episodes/``: one success and one failure of one task.

Two commands (Python 3.10 to 3.13; Debian's ``libosmesa6`` must be installed), from the repository's root:

    pip install metaworld==3.1.1 mujoco==3.3.0 gymnasium==1.4.0 numpy==2.4.6 \
        pillow==13.0.0 packaging==26.3 PyOpenGL==3.1.10
    MUJOCO_GL=osmesa python examples/record_episodes.py

What is recorded
    The task is drawer-open-v3, seen by Meta-World's own camera ``corner2`` (it comes upside down, so the rows are
    flipped), 480x480. Meta-World's scripted expert acts, with its motion limited to an eighth of the action range:
    at full speed it opens the drawer in 1.1 simulated seconds, and 24 even frames would mean 16 or more a second.
    In the failure the same expert, from a similar start, gives up just above the handle; the arm then moves back
    and away, and the drawer is never touched.

Time
    One control step lasts ``env.dt`` = 0.0125 s of simulated time (5 physics steps of 0.0025 s). Every 20th step
    is kept, so the frames lie 0.25 s apart: 4 frames a second. The script checks this against MuJoCo's own clock.

``truth``
    How far the handle has moved from where it stood at the reset towards the task's goal, as a share of that
    distance: dot(handle - start, goal - start) / |goal - start|^2, limited to 0..1, for the state in the picture.
    ``success_flags`` is Meta-World's own ``info["success"]``: the handle within 0.03 m of the goal, which is a
    ``truth`` of about 0.84, so a successful episode need not end at 1.
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
UNTOUCHED = 0.01  # the most progress that the failure may show
JPEG_QUALITY = 90
PACKAGES = ("metaworld", "mujoco", "gymnasium", "numpy", "pillow")

# Meta-World's own types are incomplete here.
BENCHMARK: Any = metaworld.MT1
EXPERT: Any = ENV_POLICY_MAP[TASK]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Episode:
    """One episode to record."""

    outcome: str
    seed: int
    expert_stops_at: int | None  # the control step at which the expert gives up, if it does

    @property
    def id(self) -> str:
        return f"{TASK}-{self.outcome}"


EPISODES = (
    Episode(outcome="success", seed=4, expert_stops_at=None),
    Episode(outcome="failure", seed=0, expert_stops_at=170),
)


def make_env(seed: int) -> Any:
    """The task's environment, with the first of the variations that the seed gives."""
    benchmark = BENCHMARK(TASK, seed=seed)
    env = benchmark.train_classes[TASK](render_mode="rgb_array", camera_name=CAMERA, height=SIZE, width=SIZE)
    env.set_task(benchmark.train_tasks[0])
    return env


def handle_position(obs: Array) -> Array:
    return np.array(obs[4:7])


def progress(handle: Array, start: Array, goal: Array) -> float:
    """The share of the way from start to goal that the handle has come, in 0..1."""
    way = goal - start
    return float(np.clip(np.dot(handle - start, way) / np.dot(way, way), 0.0, 1.0))


def retreat(obs: Array) -> Array:
    """Move the open gripper towards RETREAT_TO."""
    return np.append(10.0 * (RETREAT_TO - obs[:3]), -1.0)


def limit_speed(action: Array) -> Array:
    limited = np.clip(action, -1.0, 1.0)
    limited[:3] = np.clip(limited[:3], -SPEED_LIMIT, SPEED_LIMIT)
    return limited


def record(episode: Episode, out: Path) -> None:
    """Run one episode and write its pictures and its episode.json."""
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
            picture = np.ascontiguousarray(np.asarray(env.render())[::-1])
            Image.fromarray(picture).save(folder / f"{len(times):03d}.jpg", quality=JPEG_QUALITY)
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
        raise RuntimeError(f"{episode.id} came out otherwise: truth {truth}, success {success_flags}")

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
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "episodes", help="folder to write to")
    out: Path = parser.parse_args().out
    for episode in EPISODES:
        record(episode, out)


if __name__ == "__main__":
    main()
