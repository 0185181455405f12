"""Evaluations for the tests: any curves and labels, with the results that the service would return."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from topreward import EpisodeResult, GvlResult, LikelihoodResult, Model, Problem, RewardResult
from topreward.evaluate.evaluation import EvaluatedEpisode, Evaluation, Question
from topreward.evaluate.metrics import voc

SERVICE = {"name": "topreward-server", "version": "0.2.0"}
ENGINE = {"name": "onnxruntime", "version": "1"}
PROFILE = {"name": "qwen3-vl", "verified": True}
MADE = {"model": "pico", "profile": PROFILE, "about": "for tests", "service": SERVICE, "engine": ENGINE}
MODEL = cast(Model, MADE)
PROVENANCE = {"service": SERVICE, "layout": "reference"}
TOPREWARD = Question("topreward", "topreward", {"prefixes": {"count": 15}})
USAGE = {"engine_requests": 2, "prompt_tokens": 100}


def reward_result(
    rewards: Sequence[float],
    controls: Mapping[str, Sequence[float]] | None = None,
    log_odds: Sequence[float] | None = None,
    tokens: Mapping[str, float] | None = None,
    warnings: Sequence[str] = (),
    answers: tuple[str, str] = (" True", " False"),
) -> RewardResult:
    """A result of TOPReward. Its score is the mean of the last three rewards.

    :param controls: rewards of each control
    :param tokens: log probability of each of the most likely tokens
    """
    prefixes = [
        {
            "length": 2 * place + 2,
            "log_prob_true": reward,
            "log_odds": log_odds[place] if log_odds else reward,
            "reward": reward,
        }
        for place, reward in enumerate(rewards)
    ]
    asked = {"static": None, "reversed": None, "other_instruction": None, **_controls(rewards, controls or {})}
    return cast(
        RewardResult,
        {
            "method": "topreward",
            "prefixes": prefixes,
            **_numbers(rewards),
            "top_answers": None if tokens is None else [_token(*answer) for answer in tokens.items()],
            "controls": asked if controls else None,
            "usage": USAGE,
            "provenance": {**PROVENANCE, "answers": {"true_texts": [answers[0]], "false_texts": [answers[1]]}},
            "warnings": [{"code": code, "message": code} for code in warnings],
        },
    )


def likelihood_result(sums: Sequence[float], tokens: int) -> LikelihoodResult:
    """A result of the instruction likelihood, with one token more for the full stop."""
    prefixes = [
        {
            "length": place + 1,
            "without_full_stop": {"sum": value, "mean": value / tokens, "tokens": []},
            "with_full_stop": {"sum": value - 1, "mean": (value - 1) / (tokens + 1), "tokens": []},
            "reward": value,
        }
        for place, value in enumerate(sums)
    ]
    known: dict[str, Any] = {"prefixes": prefixes, **_numbers(sums), "usage": USAGE, "provenance": PROVENANCE, "warnings": []}
    return cast(LikelihoodResult, {"method": "instruction_likelihood", **known})


def gvl_result(correlation: float | None, complete: bool = True) -> GvlResult:
    """A result of GVL."""
    usage = {**USAGE, "generated_tokens": 30}
    known: dict[str, Any] = {"voc": correlation, "complete": complete, "usage": usage, "provenance": PROVENANCE, "warnings": []}
    return cast(GvlResult, {"method": "gvl", **known})


def problem(code: str) -> Problem:
    """A problem of one episode."""
    return cast(
        Problem, {"code": code, "title": code, "detail": code, "status": 422, "type": f"/problems/{code}", "instance": "1"}
    )


def episode(
    name: str,
    result: EpisodeResult | None,
    success: bool | None = None,
    task: str = "task",
    **known: Any,
) -> EvaluatedEpisode:
    """An episode with a result of ``TOPREWARD``, or with a problem if it is null."""
    results = {TOPREWARD.name: result} if result is not None else {}
    problems = {} if result is not None else {TOPREWARD.name: problem("video-damaged")}
    members: dict[str, Any] = {
        "name": name,
        "task": task,
        "instruction": task,
        "other_instruction": None,
        "success": success,
        "frames": 30,
        "duration_s": 15.0,
        "results": results,
        "problems": problems,
    }
    return EvaluatedEpisode(**{**members, **known})


def evaluation(episodes: Sequence[EvaluatedEpisode], questions: Sequence[Question] = (TOPREWARD,), **known: Any) -> Evaluation:
    """An evaluation of these episodes."""
    members = {"dataset": "set", "published_name": None, "left_out": {}, **known}
    return Evaluation(model=MODEL, questions=tuple(questions), episodes=tuple(episodes), **members)


def random_evaluation(seed: int, count: int, tasks: int) -> Evaluation:
    """Successes that rise and failures that stay low, with all controls, tokens and durations."""
    rng = np.random.default_rng(seed)
    episodes = []
    for number in range(count):
        success = bool(rng.random() < 0.5)
        rewards = np.minimum(np.sort(rng.normal(-3, 1, 9)) + (1.5 if success else 0), -0.01).round(3)
        still = np.round(rng.normal(-4, 0.05, 9), 3)
        controls = {"static": still, "reversed": rewards[::-1], "other_instruction": still - 0.5}
        result = reward_result(
            rewards.tolist(),
            {name: values.tolist() for name, values in controls.items()},
            log_odds=(rewards + rng.normal(0, 1, 9)).tolist(),
            tokens={" True": float(rewards[-1]), " False": -1.0 if success else -0.3, f" t{number % 3}": -5.0},
        )
        duration_s = float(rng.integers(5, 20))
        episodes.append(episode(str(number), result, success, f"task {number % tasks}", duration_s=duration_s))
    return evaluation(episodes)


def _numbers(rewards: Sequence[float]) -> dict[str, Any]:
    span = max(rewards) - min(rewards)
    return {
        "score": float(np.mean(rewards[-3:])),
        "voc": voc(rewards),
        "log_prob_range": {"min": min(rewards), "max": max(rewards), "span": span, "flat": span < 0.2, "flat_below": 0.2},
    }


def _controls(rewards: Sequence[float], controls: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, values in controls.items():
        made[name] = {
            "rewards": list(values),
            "log_prob_true": list(values),
            "span": max(values) - min(values),
            "voc": voc(values),
        }
    if "static" in made:
        corrected = [real - still for real, still in zip(rewards, controls["static"], strict=True)]
        made["static"]["corrected"] = {"values": corrected, "score": float(np.mean(corrected[-3:])), "voc": voc(corrected)}
    return made


def _token(text: str, log_prob: float) -> dict[str, Any]:
    return {"text": text, "id": sum(map(ord, text)), "log_prob": log_prob}
