"""From an evaluation to its report: numbers only, the same bytes for the same input and seed."""

import math
from typing import Any, TypedDict, cast

from .answer import AnswerReport, answers_of
from .comparison import Comparison, comparison_of
from .control import ControlReport, controls_of
from .definitions import DEFINITIONS, Definition
from .estimates import Bootstrap
from .evaluation import Evaluation
from .gate import Gate, gate_of
from .made import Made, made_of
from .method import MethodReport, methods_of
from .order import Order, order_of
from .readings import FINAL_PREFIXES, final_prefixes, main_question, readings_of
from .rows import EpisodeRow, rows_of
from .success import SuccessReport, success_of
from .summary import Summary, summary_of

_DIGITS = 6


class Report(TypedDict):
    """The content of report.json. Every number has the number of its episodes, or the reason why it is null."""

    dataset: str
    made: Made
    summary: Summary
    order: Order
    success: SuccessReport
    controls: ControlReport
    answers: AnswerReport
    methods: MethodReport
    comparison: Comparison | None
    gate: Gate
    definitions: list[Definition]
    episodes: list[EpisodeRow]


def report_of(evaluation: Evaluation, gate: float | None, resamples: int, seed: int) -> Report:
    """Return the report. It can be written as JSON as it is: no number is NaN or infinite.

    :param gate: bar of the score, in nats; null for none
    :param resamples: of each interval; 0 for no intervals
    :param seed: of the resamples, from 0
    """
    bootstrap = Bootstrap(resamples, seed)
    main = main_question(evaluation)
    readings = readings_of(evaluation, main)
    final = final_prefixes(main) if main else FINAL_PREFIXES
    order, success = order_of(readings, bootstrap), success_of(readings, final, bootstrap)
    controls = controls_of(readings, bootstrap)
    labelled = any(episode.success for episode in evaluation.episodes)
    methods = methods_of(evaluation, "successes" if labelled else "all", bootstrap)
    report: Report = {
        "dataset": evaluation.dataset,
        "made": made_of(evaluation, main, len(readings), bootstrap),
        "summary": summary_of(order, success, controls),
        "order": order,
        "success": success,
        "controls": controls,
        "answers": answers_of(evaluation, readings, bootstrap),
        "methods": methods,
        "comparison": comparison_of(evaluation, methods, controls, bootstrap),
        "gate": gate_of(readings, len(evaluation.episodes), gate, final, bootstrap),
        "definitions": [*DEFINITIONS],
        "episodes": rows_of(evaluation, main, readings, gate),
    }
    return cast(Report, _plain(report))


def _plain(value: Any) -> Any:
    """The same value with six significant digits: more are noise, and files get longer."""
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, tuple):
        return tuple(_plain(member) for member in value)
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value
