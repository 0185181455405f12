"""Several Meta-World environments, rewarded by topreward-server: scripted experts, and an arm that does nothing.

    MUJOCO_GL=osmesa python examples/python/meta_world.py --url http://127.0.0.1:8080

Each environment has its own process and its own episode. Meta-World runs at 80 steps per second; two of them are sampled.
As in ``record_episodes.py``, the expert is limited to an eighth of the action range, and the frames are from the camera
``corner2`` with the rows flipped.
"""

import argparse
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import metaworld
import numpy as np
import numpy.typing as npt
from metaworld.policies import ENV_POLICY_MAP
from topreward import Client
from topreward.gym import Frame, ProgressReward, checked

warnings.filterwarnings("ignore", module="metaworld")  # Meta-World's experts cause warnings

TASK = "drawer-open-v3"
INSTRUCTION = "Open the drawer."
FPS = 80.0  # control steps per simulated second
SIZE = 256
SPEED_LIMIT = 0.13  # share of the action range that the arm may use


def make_env(seed: int, client: Client, save: Path | None) -> gymnasium.Env:
    """An environment whose seed sets the position of the drawer."""
    benchmark = metaworld.MT1(TASK, seed=seed)
    env = benchmark.train_classes[TASK](render_mode="rgb_array", camera_name="corner2", height=SIZE, width=SIZE)
    env.set_task(benchmark.train_tasks[0])
    saved: list[Frame] = []

    def render(env: gymnasium.Env) -> Frame:
        frame = checked(env.render())[::-1]
        if save:
            saved.append(frame)
            np.save(save / f"{seed}.npy", np.stack(saved))
        return frame

    return ProgressReward(env, client, INSTRUCTION, FPS, frame=render)


def act(policy: Any, observation: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    action = np.clip(np.asarray(policy.get_action(observation), dtype=np.float32), -1.0, 1.0)
    action[:3] = np.clip(action[:3], -SPEED_LIMIT, SPEED_LIMIT)
    return action


def main() -> None:
    parser = argparse.ArgumentParser(description="Reward several Meta-World environments with topreward-server.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default=os.environ.get("TOPREWARD_API_KEY"), help="default: TOPREWARD_API_KEY")
    parser.add_argument("--seeds", type=int, nargs="+", default=[4, 0, 7], help="one environment per seed")
    parser.add_argument("--idle", type=int, default=1, help="number of environments, the last ones, whose arm does nothing")
    parser.add_argument("--steps", type=int, default=440)
    parser.add_argument("--save", type=Path, help="folder for the sampled frames, one SEED.npy per environment")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    client = Client(args.url, api_key=args.key)

    envs = gymnasium.vector.AsyncVectorEnv(
        [lambda seed=seed: make_env(seed, client, args.save) for seed in args.seeds]
    )
    experts = len(args.seeds) - args.idle
    policies = [ENV_POLICY_MAP[TASK]() for _ in range(experts)]
    observations, info = envs.reset()
    sums = np.zeros(envs.num_envs)
    print("time_s  " + "  ".join(f"{'expert' if i < experts else 'idle':>9}" for i in range(envs.num_envs)))
    for step in range(args.steps + 1):
        if step > 0:
            moves = [act(policy, observations[i]) for i, policy in enumerate(policies)]
            idle = [np.zeros(4, dtype=np.float32)] * args.idle
            observations, rewards, _, _, info = envs.step(np.stack([*moves, *idle]))
            sums += rewards
        if info["asked"].all():
            print(f"{step / FPS:6.1f}  " + "  ".join(f"{x:9.5f}" for x in info["log_prob_true"]), flush=True)
    print("  mean  " + "  ".join(f"{x:9.5f}" for x in sums / args.steps))
    envs.close()


if __name__ == "__main__":
    main()
