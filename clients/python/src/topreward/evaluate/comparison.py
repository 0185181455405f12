"""The paper's figures beside ours, for a dataset that the paper names."""

from collections.abc import Sequence
from typing import TypedDict

from .control import ControlReport
from .estimates import Bootstrap, Estimate, mean_of
from .evaluation import Evaluation, Question
from .method import MethodReport
from .published import (
    FAILED_SET,
    FAILED_VOC,
    STATIC_SWEEP,
    SUCCESSFUL_VOC,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_5,
    TABLE_6,
    ManiReward,
    OpenX,
)
from .readings import readings_of

_WARNINGS = (
    "The authors' tables were made with the pipeline `published`: 24 fps assumed, 100 tokens for each pair of frames, the last "
    "frame always shown. Compare with that row first.",
    "The paper says that 20 episodes of each dataset were chosen at random. The code takes the first 20.",
    "The figures are those of the named model, in bf16. Another model, even of the same family, has others.",
    "The authors' mean becomes undefined if the VOC of one episode is. Here such episodes are left out of the mean.",
    "A second version of the paper (July 2026) changed some numbers. These are from the first.",
)
_MODELS = {"qwen": "Qwen3-VL-8B", "gemini": "Gemini-2.5-Pro", "molmo": "Molmo2-8B"}
_METHODS = {
    "gvl": "GVL",
    "topreward": "TOPReward",
    "open": "TOPReward without a chat template",
    "chat": "TOPReward, chat template",
}


class Figure(TypedDict):
    """A figure of the paper, or of the authors' repository."""

    table: str
    what: str
    value: float


class OwnFigure(TypedDict):
    """A figure of this evaluation. ``estimate`` is over all episodes."""

    what: str
    estimate: Estimate


class Comparison(TypedDict):
    """``name`` is that of the dataset in the paper."""

    name: str
    paper: list[Figure]
    ours: list[OwnFigure]
    warnings: list[str]


def comparison_of(
    evaluation: Evaluation, methods: MethodReport, controls: ControlReport, bootstrap: Bootstrap
) -> Comparison | None:
    """Return the section; null if the paper does not name the dataset."""
    name = evaluation.published_name
    paper = figures_of(name) if name else []
    if name is None or not paper:
        return None
    ours = [
        _own_voc(evaluation, question, bootstrap)
        for question in evaluation.questions
        if question.kind in ("topreward", "published")
    ]
    static = next((row for row in controls["rows"] if row["control"] == "static"), None)
    if name in STATIC_SWEEP and static:
        ours += [
            {"what": f"{what} ({controls['group']})", "estimate": estimate}
            for what, estimate in (
                ("VOC, real", static["real_voc"]),
                ("VOC, static video", static["voc"]),
                ("Final reward, real", static["real_final"]),
                ("Final reward, static video", static["final"]),
            )
        ]
    if name == FAILED_SET:
        ours += [
            {
                "what": f"AUC, {row['title']}",
                "estimate": {
                    "value": auc["value"],
                    "low": auc["low"],
                    "high": auc["high"],
                    "n": auc["successes"] + auc["failures"],
                },
            }
            for row in methods["rows"]
            if (auc := row["auc"])["value"] is not None
        ]
    return {"name": name, "paper": paper, "ours": ours, "warnings": [*_WARNINGS]}


def figures_of(name: str) -> list[Figure]:
    """Return the paper's figures for a dataset; empty if it has none."""
    figures: list[Figure] = []
    if name in TABLE_6:
        figures += _vocs("Table 6", TABLE_6[name])
        figures += _vocs("Table 1, mean of 39 datasets", TABLE_1)
    if name in TABLE_2:
        figures += _vocs("Table 2", TABLE_2[name])
    if name in TABLE_5:
        figures += [
            {"table": "Table 5", "what": f"VOC, {_who(key)}", "value": value} for key, value in TABLE_5[name]._asdict().items()
        ]
    for model, sweep in STATIC_SWEEP.get(name, {}).items():
        figures += [
            {"table": "Static-frame sweep of the authors' repository", "what": f"{what}, {model}", "value": value}
            for what, value in (
                ("VOC, real", sweep.real_voc),
                ("VOC, static video", sweep.static_voc),
                ("Final reward in nats, real", sweep.real_final),
                ("Final reward in nats, static video", sweep.static_final),
            )
        ]
    if name == FAILED_SET:
        figures += [{"table": "Table 3", "what": f"AUC, {_who(key)}", "value": value} for key, value in TABLE_3.items()]
        figures += [
            {"table": "Section 5.3", "what": "VOC of failed episodes, TOPReward", "value": FAILED_VOC},
            {"table": "Section 5.3", "what": "VOC of successful episodes, TOPReward", "value": SUCCESSFUL_VOC},
        ]
    return figures


def _vocs(table: str, row: OpenX | ManiReward) -> list[Figure]:
    return [{"table": table, "what": f"VOC, {_who(key)}", "value": value} for key, value in row._asdict().items()]


def _who(key: str) -> str:
    model, _, method = key.partition("_")
    return f"{_METHODS[method]}, {_MODELS[model]}"


def _own_voc(evaluation: Evaluation, question: Question, bootstrap: Bootstrap) -> OwnFigure:
    vocs: Sequence[float | None] = [reading.curve.voc for reading in readings_of(evaluation, question)]
    pipeline = "published" if question.kind == "published" else "aligned"
    return {"what": f"VOC, TOPReward, pipeline {pipeline}", "estimate": mean_of(vocs, bootstrap)}
