"""A Gymnasium wrapper: the reward of a step is topreward-server's score of the episode so far.

    env = ProgressReward(env, Service("http://127.0.0.1:8080"), "Open the drawer.", fps=80)

The model receives two frames per second. If no frame falls on a sampling time, the newest frame is used until the next one
arrives (at 5 steps per second, frame 7 until frame 8). A frame that is not sampled while it is the newest is never sampled
later. So the wrapper renders and sends only frames that are sampled while they are the newest, and sends a request only
then. The steps between have the same value by definition. ``meta_world.py`` uses the wrapper on several environments.
"""

import hashlib
import io
import math
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import requests
from frames import Frame, checked
from topreward import Form, Service, Unanswered, score


class RewardWarning(UserWarning):
    """A warning in a response of the service."""


def is_sampled(index: int, fps: float) -> bool:
    """Whether frame ``index`` (from 0) is sampled while it is the newest: two per second, rounded half to even.

    If a sampling time between two frames rounds up, the earlier frame is used as long as it is the newest.
    """
    step = max(fps / 2, 1)
    newest = (math.ceil((index + 1) / step) - 1) * step
    return min(round(newest), index) == index


class ProgressReward(gymnasium.Wrapper):
    """The reward of each step is the log probability (nats, at most 0) that the episode so far completes the instruction.

    With ``bounds``, the reward is potential-based shaping: F = γΦ(s') - Φ(s) with
    Φ = clip((log_prob_true - low) / (high - low), 0, 1). The bounds are in nats, the same for all episodes, from a
    calibration of this model and task.

    ``info`` has ``log_prob_true``, ``env_reward`` (the reward of the environment, which is not added), ``asked`` (whether
    this step sent a request), ``reward_missing`` (whether the reward is NaN) and ``reward_warnings`` (the warnings of the
    response, each with ``code`` and ``message``). The first warning of each code is also issued as ``RewardWarning``.

    :param fps: steps of ``env`` per second of the robot's time
    :param frame: returns the current frame, uint8 [height, width, 3]; default: ``env.render()``
    :param on_missing: what happens if there is no result within ``service.patience_s``. ``"raise"``: Unanswered is raised.
        ``"nan"``: the reward is NaN until the next sampled frame. With ``bounds`` it is NaN for that step too, because a
        difference needs both values.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        service: Service,
        instruction: str,
        fps: float,
        *,
        frame: Callable[[gymnasium.Env], Any] = lambda env: env.render(),
        bounds: tuple[float, float] | None = None,
        gamma: float = 0.99,
        on_missing: str = "raise",
    ) -> None:
        super().__init__(env)
        if on_missing not in ("raise", "nan"):
            raise ValueError('on_missing must be "raise" or "nan"')
        if bounds and not bounds[0] < bounds[1]:
            raise ValueError("bounds must be (low, high) with low < high")
        self.service, self.fps, self.bounds, self.gamma = service, fps, bounds, gamma
        self.frame, self.on_missing = frame, on_missing
        self.episode = {"instruction": instruction, "fps": fps}
        self.session = requests.Session()
        self.warned: set[str] = set()

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        self.digests: list[str] = []  # one per step; empty for a frame that is not sampled
        self.frames: dict[str, Frame] = {}  # the sampled frames, in case the service needs them again
        self.unsent: list[str] = []
        self.log_prob, self.warnings = math.nan, []
        return observation, info | self._update()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before = self.log_prob
        observation, env_reward, terminated, truncated, info = self.env.step(action)
        info = info | self._update()
        reward = self._shaping(self.bounds, before, self.log_prob) if self.bounds else self.log_prob
        info |= {"env_reward": float(env_reward), "reward_missing": math.isnan(reward)}
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        self.session.close()
        super().close()

    def _shaping(self, bounds: tuple[float, float], before: float, after: float) -> float:
        low, high = bounds
        old, new = np.clip((np.array([before, after]) - low) / (high - low), 0.0, 1.0)
        return float(self.gamma * new - old)

    def _update(self) -> dict[str, Any]:
        """Add the new frame. If it is sampled, request its log probability."""
        asked = is_sampled(len(self.digests), self.fps)
        self.digests.append("")  # this step counts even if its frame is rejected
        if asked:
            frame = checked(self.frame(self.env), next(iter(self.frames.values()), None))
            self.digests[-1] = digest = hashlib.sha256(frame.tobytes()).hexdigest()
            if digest not in self.frames:
                self.frames[digest] = frame
                self.unsent.append(digest)
            self._score()
        return {
            "log_prob_true": self.log_prob,
            "reward_missing": math.isnan(self.log_prob),
            "reward_warnings": self.warnings,
            "asked": asked,
        }

    def _score(self) -> None:
        self.log_prob, self.warnings = math.nan, []
        try:
            result = score(self.session, self.service, self.episode, self.digests, self._parts, self.unsent)
        except Unanswered:
            if self.on_missing == "raise":
                raise
            return
        self.unsent = []
        self.log_prob, self.warnings = result["prefixes"][-1]["log_prob_true"], result["warnings"]
        for warning in self.warnings:
            if warning["code"] not in self.warned:
                self.warned.add(warning["code"])
                warnings.warn(f"{warning['code']}: {warning['message']}", RewardWarning, stacklevel=2)

    def _parts(self, digests: list[str]) -> Form:
        if not digests:
            return []
        file = io.BytesIO()
        np.save(file, np.stack([self.frames[digest] for digest in digests]))
        return [("npy", ("frames.npy", file.getvalue()))]
