"""Record Meta-World episodes for topreward-pico: small frames and the state of the simulator, of scripted experts and of failures.

    MUJOCO_GL=osmesa python record.py --out DIR        about 20 minutes on two cores

All episodes have random starts. Three quarters are of the expert, with different amounts of noise. Of the others, one half starts
with the expert and then moves at random, and one half moves at random from the start. Pauses, speeds, stops midway and undone
tasks are made later from the recorded frames (``episodes.py``), so that the elapsed time does not predict progress.

Frames are rendered at 256 px without antialiasing and with a smaller shadow map, and then scaled to 128 px. At that size, the frame
differs from Meta-World's by about one grey level and takes half the time. Rows are flipped, because corner2 is upside down.
"""

import argparse
import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tasks import TASKS

warnings.filterwarnings("ignore")
os.environ.setdefault("MUJOCO_GL", "osmesa")
os.environ.setdefault("LP_NUM_THREADS", "1")

SIDE = 128
KEYFRAMES = 36  # kept of each episode, evenly spaced
MAX_STEPS = 220
STEPS_AFTER_SUCCESS = 12
CAMERA = "corner2"
REACH_BOX = np.array([[-0.4, 0.4, 0.08], [0.4, 0.9, 0.4]])  # metres; limits of random hand positions

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    scene: str
    split: str
    first_seed: int
    experts: int
    quitters: int
    wanderers: int


def wander(rng: np.random.Generator, steps: int) -> Any:
    """A policy that moves the hand to random points, and opens and closes the gripper."""
    points = rng.uniform(*REACH_BOX, size=(steps // 25 + 2, 3))
    grip = rng.choice([-1.0, 1.0], size=len(points))

    def act(obs: Array, step: int) -> Array:
        i = min(step // 25, len(points) - 1)
        return np.append(10.0 * (points[i] - obs[:3]), grip[i])

    return act


def run(env: Any, expert: Any, kind: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Run one episode. Returns its states, one for each control step."""
    obs, _ = env.reset()
    noise = rng.choice([0.0, 0.1, 0.3])
    length = MAX_STEPS if kind == "expert" else int(rng.integers(80, 140))
    quits = {"expert": MAX_STEPS, "quitter": int(rng.integers(15, 80)), "wanderer": 0}[kind]
    aimless = wander(rng, length)
    states: list[dict[str, Any]] = []
    left = MAX_STEPS
    for step in range(length):
        wanted = expert.get_action(obs) if step < quits else aimless(obs, step - quits)
        action = np.clip(np.asarray(wanted, dtype=np.float64), -1.0, 1.0)
        action[:3] += noise * rng.standard_normal(3)
        obs, _, _, _, info = env.step(np.clip(action, -1.0, 1.0))
        states.append({
            "qpos": env.data.qpos.copy(), "qvel": env.data.qvel.copy(),
            "mocap": (env.data.mocap_pos.copy(), env.data.mocap_quat.copy()),
            "hand": obs[:3].copy(), "gripper": float(obs[3]), "object": obs[4:7].copy(),
            "joint": float(env.data.qpos[9]), "distance": float(info["obj_to_target"]), "success": bool(info["success"]),
        })
        if info["success"] and kind == "expert":
            left = min(left, STEPS_AFTER_SUCCESS)
        left -= 1
        if left <= 0:
            break
    return states


def record(job: Job, out: Path) -> str:
    """Record the episodes of one scene and split."""
    import metaworld
    import mujoco
    from metaworld.policies import ENV_POLICY_MAP
    from PIL import Image

    target = out / f"{job.split}-{job.scene}"
    if target.with_suffix(".npz").exists():
        return f"{job.split} {job.scene}: recorded before"
    name = f"{job.scene}-v3"
    count = job.experts + job.quitters + job.wanderers
    benchmarks = [metaworld.MT1(name, seed=job.first_seed + i) for i in range(1 + count // 50)]
    starts = [start for benchmark in benchmarks for start in benchmark.train_tasks]
    env = benchmarks[0].train_classes[name]()
    env.model.vis.quality.shadowsize = 1024
    env.model.vis.quality.offsamples = 0
    renderer = mujoco.Renderer(env.model, 2 * SIDE, 2 * SIDE)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
    kinds = ["expert"] * job.experts + ["quitter"] * job.quitters + ["wanderer"] * job.wanderers

    frames = np.empty((count * KEYFRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    columns: dict[str, list[Any]] = {k: [] for k in ("hand", "gripper", "object", "joint", "distance", "success")}
    at = 0
    for i, kind in enumerate(kinds):
        rng = np.random.default_rng([job.first_seed, i])
        env.set_task(starts[i])
        states = run(env, ENV_POLICY_MAP[name](), kind, rng)
        for step in np.linspace(0, len(states) - 1, KEYFRAMES).round().astype(int):
            state = states[step]
            env.data.qpos[:], env.data.qvel[:] = state["qpos"], state["qvel"]
            env.data.mocap_pos[:], env.data.mocap_quat[:] = state["mocap"]
            mujoco.mj_forward(env.model, env.data)
            renderer.update_scene(env.data, camera=CAMERA)
            picture = Image.fromarray(np.ascontiguousarray(renderer.render()[::-1]))
            frames[at] = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            at += 1
            for key, values in columns.items():
                values.append(state[key])
    np.save(target.with_suffix(".npy"), frames)
    np.savez(target.with_suffix(".npz"), kinds=np.array(kinds), **{k: np.array(v) for k, v in columns.items()})
    done = np.array(columns["success"]).reshape(count, KEYFRAMES)[: job.experts, -1].mean()
    return f"{job.split} {job.scene}: {count} episodes, expert succeeds in {done:.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Record Meta-World episodes for topreward-pico.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--episodes", type=int, default=52, help="episodes a scene to teach with")
    parser.add_argument("--splits", nargs="+", choices=["train", "test"], default=["train", "test"])
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    spoiled = args.episodes // 8
    jobs = [Job(t.name, "train", 1, args.episodes - 2 * spoiled, spoiled, spoiled) for t in TASKS]
    jobs += [Job(t.name, "test", 1001, 8, 2, 2) for t in TASKS]
    jobs = [job for job in jobs if job.split in args.splits]
    with ProcessPoolExecutor(args.workers) as pool:
        for line in pool.map(record, jobs, [args.out] * len(jobs)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
