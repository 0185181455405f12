"""Runs the reward wrapper on an environment that plays a .npy file. Prints one JSON line for the reset and for each step.

    python tiny.py FRAMES.npy URL FPS [JSON: options of ProgressReward, patience_s, draw, stubborn]

``draw`` is the expression that render() evaluates on ``frame``. With ``stubborn``, the program continues after a frame was
refused.
"""

import json
import math
import sys
from typing import Any

import gymnasium
import numpy as np
from topreward import Client, Unanswered
from topreward.gym import ProgressReward

FRAMES = np.load(sys.argv[1])
OPTIONS = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
STUBBORN = OPTIONS.pop("stubborn", False)
DRAW = compile(OPTIONS.pop("draw", "frame"), "draw", "eval")


class Film(gymnasium.Env):
    """Renders the next frame at each step, always in the same memory. The reward is the number of the frame."""

    observation_space = gymnasium.spaces.Discrete(len(FRAMES))
    action_space = gymnasium.spaces.Discrete(1)
    screen = np.zeros_like(FRAMES[0])

    def reset(self, **options: Any) -> tuple[int, dict[str, Any]]:
        super().reset(**options)
        self.at = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.at += 1
        return self.at, float(self.at), self.at == len(FRAMES) - 1, False, {}

    def render(self) -> Any:
        self.screen[:] = FRAMES[self.at]
        return eval(DRAW, {"frame": self.screen, "at": self.at, "numpy": np})


def put(reward: float | None, info: dict[str, Any]) -> None:
    line = {"reward": reward, **info}
    print(json.dumps({k: None if isinstance(v, float) and math.isnan(v) else v for k, v in line.items()}), flush=True)


client = Client(sys.argv[2], patience_s=OPTIONS.pop("patience_s", 60))
env = ProgressReward(Film(), client, "Open the drawer.", float(sys.argv[3]), **OPTIONS)
try:
    put(None, env.reset()[1])
    done = False
    while not done:
        try:
            _, reward, done, _, info = env.step(0)
        except ValueError:
            if not STUBBORN:
                raise
        else:
            put(reward, info)
except Unanswered as error:
    sys.exit(f"Unanswered: {error}")
