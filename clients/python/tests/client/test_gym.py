"""The wrapper of vector environments: the rewards of the wrapper of one environment, and one batch for each step.

test/python/wrapper.test.ts tests the wrapper of one environment.
"""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from topreward import Client, InvalidRequest, Unanswered
from topreward.gym import ProgressReward, RewardWarning, VectorProgressReward

from .conftest import Answer, Asked, Stub
from .test_retries import END, problem, refusal

TEXT = "Open the drawer."
FPS = 5.0
LENGTHS = (14, 9, 11)
BOUNDS = (-3.9, -3.0)


class Film(gymnasium.Env[Any, Any]):
    """Renders the next frame at each step, always in the same memory."""

    observation_space = gymnasium.spaces.Discrete(100)
    action_space = gymnasium.spaces.Discrete(2)
    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    render_mode = "rgb_array"

    def __init__(self, frames: npt.NDArray[np.uint8]) -> None:
        self.frames, self.screen, self.rendered = frames, np.zeros_like(frames[0]), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.at += 1
        return self.at, float(self.at), self.at == len(self.frames) - 1, False, {}

    def render(self) -> Any:
        self.rendered += 1
        self.screen[:] = self.frames[self.at]
        return self.screen


@pytest.fixture(scope="session")
def films(pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    small = np.ascontiguousarray(pixels[:, ::8, ::8])
    return [small[start : start + length] for start, length in enumerate(LENGTHS)]


def vector(films: list[npt.NDArray[np.uint8]], mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> SyncVectorEnv:
    makers = [lambda film=film: Film(film) for film in films]
    return SyncVectorEnv(makers, autoreset_mode=mode)


@pytest.mark.parametrize("bounds", [None, BOUNDS])
def test_every_environment_has_the_rewards_of_the_wrapper_of_one(
    bounds: tuple[float, float] | None, url: str, films: list[npt.NDArray[np.uint8]]
) -> None:
    steps = 30
    with Client(url) as client:
        alone: list[list[float]] = []
        for film in films:
            env = ProgressReward(Film(film), client, TEXT, FPS, bounds=bounds, gamma=0.9)
            rewards: list[float] = []
            done = True
            while len(rewards) < steps:
                if done:  # Gymnasium's vector environments spend a step on a reset
                    _, info = env.reset()
                    rewards.append(0.0 if bounds else info["log_prob_true"])
                    done = False
                else:
                    _, reward, done, _, info = env.step(0)
                    rewards.append(reward)
            alone.append(rewards)
        envs = VectorProgressReward(vector(films), client, TEXT, FPS, bounds=bounds, gamma=0.9)
        _, infos = envs.reset()
        together = [np.zeros(len(films)) if bounds else infos["log_prob_true"]]
        for _ in range(steps - 1):
            _, rewards_now, *_ = envs.step(np.zeros(len(films), dtype=int))
            together.append(rewards_now)
    assert np.abs(np.array(together).T - np.array(alone)).max() < 1e-4


def scored(asked: Asked) -> Answer:
    """A result for each episode: its number of frames, negative."""
    items = asked.part("batch")["items"]
    lines = [
        {
            "event": "result",
            "index": index,
            "result": {
                "method": "topreward",
                "prefixes": [{"log_prob_true": -float(len(item["episode"]["frame_digests"]))}],
                "warnings": [{"code": "nested-layout", "message": "It differs."}],
            },
        }
        for index, item in enumerate(items)
    ]
    return Answer(body=[*reversed(lines), END])


def test_a_step_is_one_batch_and_steps_without_a_sampled_frame_are_none(stub: Stub, films: list[npt.NDArray[np.uint8]]) -> None:
    stub.answers = [scored]
    env = vector(films)
    with Client(stub.url) as client, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        envs = VectorProgressReward(env, client, ["Open it.", "Close it.", "Push it."], FPS)
        envs.reset()
        for step in range(1, 8):
            _, rewards, _, _, infos = envs.step(np.zeros(3, dtype=int))
            asked = step in (2, 5, 7)
            assert infos["asked"].tolist() == [asked] * 3
            newest = max(number for number in (0, 2, 5, 7) if number <= step)
            assert rewards.tolist() == [-float(newest + 1)] * 3
            assert infos["env_reward"].tolist() == [step] * 3
            assert infos["reward_missing"].tolist() == [False] * 3
            assert [warning["code"] for warning in infos["reward_warnings"][0]] == ["nested-layout"]
    batches = [asked.part("batch")["items"] for asked in stub.asked]
    assert [len(items) for items in batches] == [3] * 4
    assert [item["episode"]["instruction"] for item in batches[0]] == ["Open it.", "Close it.", "Push it."]
    assert [asked.body.count(b"\x93NUMPY") for asked in stub.asked] == [3] * 4
    assert [env.envs[i].unwrapped.rendered for i in range(3)] == [4] * 3  # type: ignore[attr-defined]
    assert [str(warning.message) for warning in told if warning.category is RewardWarning] == ["nested-layout: It differs."]


def test_a_reset_of_some_environments_starts_only_their_episodes(stub: Stub, films: list[npt.NDArray[np.uint8]]) -> None:
    stub.answers = [scored]
    with Client(stub.url) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        envs = VectorProgressReward(vector(films, AutoresetMode.DISABLED), client, TEXT, 2.0)
        envs.reset()
        envs.step(np.zeros(3, dtype=int))
        _, infos = envs.reset(options={"reset_mask": np.array([False, True, False])})
        assert infos["log_prob_true"].tolist() == [-2.0, -1.0, -2.0]
        assert infos["asked"].tolist() == [False, True, False]
        _, rewards, *_ = envs.step(np.zeros(3, dtype=int))
        assert rewards.tolist() == [-3.0, -2.0, -3.0]


def test_more_environments_than_a_batch_takes_are_several_batches(
    stub: Stub, films: list[npt.NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("topreward.gym.BATCH_EPISODES", 2)
    stub.answers = [scored]
    with Client(stub.url) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        VectorProgressReward(vector(films), client, TEXT, FPS).reset()
    assert [len(asked.part("batch")["items"]) for asked in stub.asked] == [2, 1]


def test_without_a_result_rewards_are_missing_or_an_error_is_raised(stub: Stub, films: list[npt.NDArray[np.uint8]]) -> None:
    stub.answers = [scored, refusal("server-busy", 503), scored]
    with Client(stub.url, patience_s=0) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        envs = VectorProgressReward(vector(films), client, TEXT, 2.0, on_missing="nan", bounds=(-9.0, 0.0))
        envs.reset()
        missing = [envs.step(np.zeros(3, dtype=int))[4]["reward_missing"].tolist() for _ in range(3)]
        assert missing == [[True] * 3, [True] * 3, [False] * 3]
        # The frame that has no log probability is sent with the next one.
        assert [asked.part("batch")["items"][0]["episode"]["frame_digests"].count("") for asked in stub.asked] == [0] * 4
        stub.answers = [refusal("server-busy", 503)]
        with pytest.raises(Unanswered):
            VectorProgressReward(vector(films), client, TEXT, 2.0).reset()


def test_wrong_frames_are_refused_and_their_episode_has_no_result(url: str, films: list[npt.NDArray[np.uint8]]) -> None:
    with Client(url) as client:
        for frames, words in (
            (lambda env: None, "The frame is None"),
            (lambda env: np.stack(env.render()) / 255, r"\(frame \* 255\)"),
            (lambda env: env.render()[:2], "There are 3 environments and 2 frames"),
        ):
            envs = VectorProgressReward(vector(films), client, TEXT, 2.0, frames=frames)
            with pytest.raises(ValueError, match=words):
                envs.reset()
            envs.frames = lambda env: env.render()
            with pytest.raises(InvalidRequest):
                envs.step(np.zeros(3, dtype=int))
            envs.reset()


def test_wrong_options_are_refused(films: list[npt.NDArray[np.uint8]], stub: Stub) -> None:
    envs: Any = vector(films)
    with Client(stub.url) as client:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"bounds": (0.0, -1.0)}, "low < high"),
            ({"on_missing": "zero"}, "on_missing must be"),
            ({"instruction": ["Open it."]}, "3 environments and 1 instructions"),
            ({"env": vector(films, AutoresetMode.SAME_STEP)}, "NEXT_STEP"),
        ]
        for options, words in wrong:
            with pytest.raises(ValueError, match=words):
                VectorProgressReward(**{"env": envs, "client": client, "instruction": TEXT, "fps": FPS, **options})


def test_a_refused_episode_is_an_error(stub: Stub, films: list[npt.NDArray[np.uint8]]) -> None:
    stub.answers = [Answer(body=[{"event": "problem", "index": 1, "problem": problem("too-many-frames", 413)}, END])]
    with Client(stub.url) as client, pytest.raises(InvalidRequest, match="too-many-frames"):
        VectorProgressReward(vector(films), client, TEXT, FPS, on_missing="nan").reset()
