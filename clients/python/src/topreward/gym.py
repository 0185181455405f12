"""Gymnasium wrappers: the reward of a step is topreward-server's score of the episode so far.

    env = ProgressReward(env, Client("http://127.0.0.1:8080"), "Open the drawer.", fps=80)
    envs = VectorProgressReward(envs, Client("http://127.0.0.1:8080"), "Open the drawer.", fps=80)

The model receives two frames per second. If no frame falls on a sampling time, the newest frame is used until the next one
arrives (at 5 steps per second, frame 7 until frame 8). A frame that is not sampled while it is the newest is never sampled
later. So the wrappers render and send only frames that are sampled while they are the newest, and send a request only then.
The steps between have the same value by definition.

This module requires ``pip install "topreward-client[gymnasium]"``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from ._check import Frame, array_of, checked, is_tensor
from ._contract import Warning as Told
from ._growing import is_sampled
from .client import Client
from .errors import Unanswered

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Frame", "ProgressReward", "RewardWarning", "VectorProgressReward", "checked", "is_sampled"]

Missing: TypeAlias = Literal["raise", "nan"]
BATCH_EPISODES = 256  # the service's MAX_BATCH_EPISODES


class RewardWarning(UserWarning):
    """A warning in a response of the service."""


class ProgressReward(gymnasium.Wrapper):
    """The reward of each step is the log probability (nats, at most 0) that the episode so far completes the instruction.

    With ``bounds``, the reward is potential-based shaping: F = γΦ(s') - Φ(s) with
    Φ = clip((log_prob_true - low) / (high - low), 0, 1). The bounds are in nats, the same for all episodes, from a
    calibration of this model and task.

    ``info`` has ``log_prob_true``, ``env_reward`` (the reward of the environment, which is not added), ``asked`` (whether
    this step sent a request), ``reward_missing`` (whether the reward is NaN) and ``reward_warnings`` (the warnings of the
    response, each with ``code`` and ``message``). The first warning of each code is also issued as ``RewardWarning``.

    :param client: it can be shared, and is not closed with the environment
    :param fps: steps of ``env`` per second of the robot's time
    :param frame: returns the current frame, uint8 [height, width, 3]; default: ``env.render()``
    :param on_missing: what happens if there is no result within ``patience_s`` of the client. ``"raise"``: Unanswered is
        raised. ``"nan"``: the reward is NaN until the next sampled frame. With ``bounds`` it is NaN for that step too, because
        a difference needs both values.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        client: Client,
        instruction: str,
        fps: float,
        *,
        frame: Callable[[gymnasium.Env[Any, Any]], Any] = lambda env: env.render(),
        bounds: tuple[float, float] | None = None,
        gamma: float = 0.99,
        on_missing: Missing = "raise",
    ) -> None:
        super().__init__(env)
        self.bounds, self.gamma, self.frame = _checked_bounds(bounds), gamma, frame
        self._episode = client.episode(instruction, fps=fps)
        self._on_missing, self._warned = _checked_missing(on_missing), set[str]()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._episode.reset()
        self._log_prob: float = math.nan
        self._warnings: list[Told] = []
        return observation, info | self._update()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before = self._log_prob
        observation, env_reward, terminated, truncated, info = self.env.step(action)
        info = info | self._update()
        reward = self._log_prob
        if self.bounds:
            reward = float(shaping(np.array([before, reward]), self.bounds, self.gamma))
        info |= {"env_reward": float(env_reward), "reward_missing": math.isnan(reward)}
        return observation, reward, terminated, truncated, info

    def _update(self) -> dict[str, Any]:
        """Add the new frame. If it is sampled, request its log probability."""
        asked = self._episode.wants_next
        if asked:
            self._add()
            self._score()
        else:
            self._episode.skip()
        return {
            "log_prob_true": self._log_prob,
            "reward_missing": math.isnan(self._log_prob),
            "reward_warnings": self._warnings,
            "asked": asked,
        }

    def _add(self) -> None:
        before = len(self._episode)
        try:
            self._episode.add(checked(self.frame(self.env)))
        finally:
            if len(self._episode) == before:
                self._episode.lose()

    def _score(self) -> None:
        self._log_prob, self._warnings = math.nan, []
        try:
            result = self._episode.score()
        except Unanswered:
            if self._on_missing == "raise":
                raise
            return
        self._log_prob, self._warnings = result["prefixes"][-1]["log_prob_true"], result["warnings"]
        _warn(self._warnings, self._warned)


class VectorProgressReward(VectorWrapper):
    """``ProgressReward`` for a vector environment: one batch per step asks for all environments.

    Rewards and ``info`` are those of ``ProgressReward``, with one entry for each environment. A step that resets an
    environment starts a new episode of it. Its reward is that of the new episode's first frame; with ``bounds`` it is 0.

    :param env: resets at the next step (Gymnasium's default) or not at all
    :param instruction: one for all environments, or one for each
    :param frames: returns the current frames, one for each environment: an array or tensor
        (environments, height, width, 3) or a sequence; default: ``env.render()``
    :param on_missing: as for ``ProgressReward``. With ``"nan"``, all environments that this step asks for are NaN.
    :raises ValueError: if ``env`` resets in the same step: the last frame of an episode cannot be rendered then
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        client: Client,
        instruction: str | Sequence[str],
        fps: float,
        *,
        frames: Callable[[VectorEnv[Any, Any, Any]], Any] = lambda env: env.render(),
        bounds: tuple[float, float] | None = None,
        gamma: float = 0.99,
        on_missing: Missing = "raise",
    ) -> None:
        super().__init__(env)
        self._resets = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        if self._resets == AutoresetMode.SAME_STEP:
            raise ValueError("Make the vector environment with AutoresetMode.NEXT_STEP: it renders the last frame.")
        instructions = [instruction] * env.num_envs if isinstance(instruction, str) else list(instruction)
        if len(instructions) != env.num_envs:
            raise ValueError(f"There are {env.num_envs} environments and {len(instructions)} instructions.")
        self.bounds, self.gamma, self.frames = _checked_bounds(bounds), gamma, frames
        self._client, self._on_missing = client, _checked_missing(on_missing)
        self._episodes = [client.episode(text, fps=fps) for text in instructions]
        self._log_probs = np.full(env.num_envs, math.nan)
        self._warnings: list[list[Told]] = [[] for _ in instructions]
        self._over = np.zeros(env.num_envs, dtype=bool)  # the next step resets these
        self._warned = set[str]()

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        mask = (options or {}).get("reset_mask")
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        fresh = np.ones(self.num_envs, dtype=bool) if mask is None else np.array(mask)
        self._over &= ~fresh
        self._start(fresh)
        return observations, infos | self._update(fresh)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        before, fresh = self._log_probs.copy(), self._over
        observations, env_rewards, terminated, truncated, infos = self.env.step(actions)
        self._start(fresh)
        over = np.asarray(terminated, dtype=bool) | np.asarray(truncated, dtype=bool)
        self._over = over if self._resets == AutoresetMode.NEXT_STEP else np.zeros_like(over)
        infos = infos | self._update(np.ones(self.num_envs, dtype=bool))
        rewards = self._log_probs.copy()
        if self.bounds:
            rewards = np.where(fresh, 0.0, shaping(np.stack([before, rewards]), self.bounds, self.gamma))
        infos |= {"env_reward": np.asarray(env_rewards), "reward_missing": np.isnan(rewards)}
        return observations, rewards, terminated, truncated, infos

    def _start(self, fresh: npt.NDArray[np.bool_]) -> None:
        for index in np.flatnonzero(fresh):
            self._episodes[index].reset()
            self._log_probs[index], self._warnings[index] = math.nan, []

    def _update(self, moved: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """Add the new frames of these environments. Request the log probabilities of those that are sampled."""
        asked = np.array([bool(moves) and episode.wants_next for moves, episode in zip(moved, self._episodes, strict=True)])
        for index in np.flatnonzero(moved & ~asked):
            self._episodes[index].skip()
        if asked.any():
            self._add(np.flatnonzero(asked))
            self._score(np.flatnonzero(asked))
        told = np.empty(self.num_envs, dtype=object)
        told[:] = self._warnings
        return {
            "log_prob_true": self._log_probs.copy(),
            "reward_missing": np.isnan(self._log_probs),
            "reward_warnings": told,
            "asked": asked,
        }

    def _add(self, indices: npt.NDArray[np.int64]) -> None:
        lengths = [len(episode) for episode in self._episodes]
        try:
            for index, frame in zip(indices, self._frames_of(indices), strict=True):
                self._episodes[index].add(checked(frame))
        finally:
            for index in indices:
                if len(self._episodes[index]) == lengths[index]:
                    self._episodes[index].lose()

    def _frames_of(self, indices: npt.NDArray[np.int64]) -> list[Any]:
        frames = self.frames(self.env)
        if frames is None:
            checked(None)
        if is_tensor(frames):  # one copy from the device
            frames = array_of(frames, "frames")[0]
        if len(frames) != self.num_envs:
            raise ValueError(f"There are {self.num_envs} environments and {len(frames)} frames.")
        return [frames[index] for index in indices]

    def _score(self, indices: npt.NDArray[np.int64]) -> None:
        for start in range(0, len(indices), BATCH_EPISODES):
            some = indices[start : start + BATCH_EPISODES]
            self._log_probs[some] = math.nan
            try:
                results = self._client.score_together([self._episodes[index] for index in some])
            except Unanswered:
                if self._on_missing == "raise":
                    raise
                continue
            for index, result in zip(some, results, strict=True):
                self._log_probs[index] = result["prefixes"][-1]["log_prob_true"]
                self._warnings[index] = result["warnings"]
                _warn(result["warnings"], self._warned)


def shaping(log_probs: npt.NDArray[np.float64], bounds: tuple[float, float], gamma: float) -> npt.NDArray[np.float64]:
    """γΦ(s') - Φ(s).

    :param log_probs: those of s and of s'
    """
    low, high = bounds
    before, after = np.clip((log_probs - low) / (high - low), 0.0, 1.0)
    return np.asarray(gamma * after - before)


def _checked_bounds(bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds and not bounds[0] < bounds[1]:
        raise ValueError("bounds must be (low, high) with low < high")
    return bounds


def _checked_missing(on_missing: Missing) -> Missing:
    if on_missing not in ("raise", "nan"):
        raise ValueError('on_missing must be "raise" or "nan"')
    return on_missing


def _warn(told: Sequence[Told], warned: set[str]) -> None:
    for warning in told:
        if warning["code"] not in warned:
            warned.add(warning["code"])
            warnings.warn(f"{warning['code']}: {warning['message']}", RewardWarning, stacklevel=3)
