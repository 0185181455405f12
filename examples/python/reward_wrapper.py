"""A Gymnasium wrapper whose reward is topreward-server's, for the episode so far.

    env = ProgressReward(env, Service("http://127.0.0.1:8080"), "Open the drawer.", fps=80)

The model sees two frames a second. If no frame falls on a sampling time, the newest frame is used until the next one arrives
(at 5 steps a second, frame 7 until frame 8). A frame that was not shown when it was the newest is never shown later. So the
wrapper renders and sends only frames that are shown when they are the newest, and asks only then. At the steps between, the
number is the same by definition, and the wrapper gives it again. ``meta_world.py`` uses it on several environments at once.
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
    """The service answers, and says what to beware of."""


def is_shown(index: int, fps: float) -> bool:
    """Whether the model sees the newest frame, number ``index`` from 0: two a second, rounded half to even.

    A tick between two frames that rounds up shows the frame before it as long as that is the newest one.
    """
    step = max(fps / 2, 1)
    newest = (math.ceil((index + 1) / step) - 1) * step
    return min(round(newest), index) == index


class ProgressReward(gymnasium.Wrapper):
    """Rewards each step with the raw log probability (nats, ≤ 0) that the episode so far completes the instruction.

    With ``bounds`` the reward is F = γΦ(s') - Φ(s) with Φ = clip((log p - low) / (high - low), 0, 1), potential-based
    shaping. The bounds are nats, the same for all episodes, from a calibration of this model and task.

    ``info`` has ``log_prob_true``, ``env_reward`` (the environment's own reward, which is not added), ``asked`` (whether
    this step brought a new frame), ``reward_missing`` (whether the reward is NaN) and ``reward_warnings`` (the service's
    own, each with ``code`` and ``message``). Each code is also warned of once, as ``RewardWarning``.

    :param env: rendered by ``env.render()``, unless ``frame`` says otherwise
    :param fps: steps of ``env`` in a second of the robot's time
    :param frame: gives the picture of the environment as it is now, uint8 [height, width, 3]
    :param on_missing: what to do where the service cannot answer in ``service.patience_s``: ``"raise"`` Unanswered, or
        ``"nan"``: NaN and ``info["reward_missing"]``, until the next frame that the model sees; with ``bounds`` for that
        step too, since a difference needs both its ends
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
            raise ValueError('on_missing is "raise" or "nan"')
        if bounds and not bounds[0] < bounds[1]:
            raise ValueError("bounds are (low, high), low < high")
        self.service, self.fps, self.bounds, self.gamma = service, fps, bounds, gamma
        self.frame, self.on_missing = frame, on_missing
        self.episode = {"instruction": instruction, "fps": fps}
        self.session = requests.Session()
        self.warned: set[str] = set()

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(**options)
        self.digests: list[str] = []  # one per step; empty for a frame that is not shown
        self.frames: dict[str, Frame] = {}  # those that are, in case the service asks for them again
        self.unsent: list[str] = []
        self.log_prob, self.warnings = math.nan, []
        return observation, info | self._look()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before = self.log_prob
        observation, own, terminated, truncated, info = self.env.step(action)
        info = info | self._look()
        reward = self._shaping(self.bounds, before, self.log_prob) if self.bounds else self.log_prob
        info |= {"env_reward": float(own), "reward_missing": math.isnan(reward)}
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        self.session.close()
        super().close()

    def _shaping(self, bounds: tuple[float, float], before: float, after: float) -> float:
        low, high = bounds
        old, new = np.clip((np.array([before, after]) - low) / (high - low), 0.0, 1.0)
        return float(self.gamma * new - old)

    def _look(self) -> dict[str, Any]:
        """Take the new frame in, and ask for its log probability if it is one that the model sees."""
        asked = is_shown(len(self.digests), self.fps)
        self.digests.append("")  # this step counts, also where its frame is refused
        if asked:
            frame = checked(self.frame(self.env), next(iter(self.frames.values()), None))
            self.digests[-1] = digest = hashlib.sha256(frame.tobytes()).hexdigest()
            if digest not in self.frames:
                self.frames[digest] = frame
                self.unsent.append(digest)
            self._ask()
        return {
            "log_prob_true": self.log_prob,
            "reward_missing": math.isnan(self.log_prob),
            "reward_warnings": self.warnings,
            "asked": asked,
        }

    def _ask(self) -> None:
        self.log_prob, self.warnings = math.nan, []
        try:
            answer = score(self.session, self.service, self.episode, self.digests, self._parts, self.unsent)
        except Unanswered:
            if self.on_missing == "raise":
                raise
            return
        self.unsent = []
        self.log_prob, self.warnings = answer["prefixes"][-1]["log_prob_true"], answer["warnings"]
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
