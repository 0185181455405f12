"""How a report was made: service, model, what was asked, and how many episodes count."""

from collections import Counter
from typing import Any, TypedDict

from ..lerobot.maker import named
from .estimates import Bootstrap
from .evaluation import Evaluation, Question


class AskedQuestion(TypedDict):
    """A ``Question``, what was asked, and how many episodes have a result. ``left_out`` is why the engine has none."""

    name: str
    kind: str
    asked: dict[str, Any]
    results: int
    problems: dict[str, int]
    left_out: str | None


class Made(TypedDict):
    """Everything that the numbers depend on. ``main`` names the ``Question`` of all sections that name no other one."""

    service: str
    engine: str
    model: str
    profile: str
    about: str | None
    layouts: list[str]
    main: str | None
    questions: list[AskedQuestion]
    episodes: int
    tasks: int
    successes: int
    failures: int
    unlabelled: int
    scored: int
    seconds: float
    resamples: int
    seed: int


def made_of(evaluation: Evaluation, main: Question | None, scored: int, bootstrap: Bootstrap) -> Made:
    """Return the section.

    :param scored: how many episodes have a result for ``main``
    """
    labels = Counter(episode.success for episode in evaluation.episodes)
    results = [result for episode in evaluation.episodes for result in episode.results.values()]
    layouts = {result["provenance"]["layout"] for result in results if result["method"] != "gvl"}
    model = evaluation.model
    return {
        "service": named(model["service"]),
        "engine": named(model["engine"]),
        "model": model["model"],
        "profile": model["profile"]["name"],
        "about": model["about"],
        "layouts": sorted(layouts),
        "main": main.name if main else None,
        "questions": [_question(evaluation, question) for question in evaluation.questions],
        "episodes": len(evaluation.episodes),
        "tasks": len({episode.task for episode in evaluation.episodes}),
        "successes": labels[True],
        "failures": labels[False],
        "unlabelled": labels[None],
        "scored": scored,
        "seconds": sum(episode.duration_s for episode in evaluation.episodes),
        "resamples": bootstrap.resamples,
        "seed": bootstrap.seed,
    }


def _question(evaluation: Evaluation, question: Question) -> AskedQuestion:
    name = question.name
    codes = [episode.problems[name]["code"] for episode in evaluation.episodes if name in episode.problems]
    return {
        "name": name,
        "kind": question.kind,
        "asked": dict(question.asked),
        "results": sum(name in episode.results for episode in evaluation.episodes),
        "problems": dict(sorted(Counter(codes).items())),
        "left_out": evaluation.left_out.get(name),
    }
