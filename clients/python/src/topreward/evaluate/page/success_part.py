"""The section about success: AUC of every measure, the ROC curve, the scores and the threshold."""

from xml.etree.ElementTree import Element

from ..metrics import Fit
from ..report import Report
from ..success import Measure
from .charts import roc_chart, scores_chart
from .elements import Child, Column, element, paragraph, section, table
from .marks import dot_mark, scale_mark
from .numbers import number, percent, span, whole

_SCALE = (0.0, 1.0, 0.5)


def success_part(report: Report) -> Element:
    """Return the section."""
    success = report["success"]
    return section(
        "success",
        "Does the score tell success from failure?",
        "AUC is the share of all pairs of a success and a failure in which the success has the higher value. 0.5 is guessing.",
        paragraph(success["missing"], class_="note") if success["missing"] else None,
        _measures(success["measures"]) if success["measures"] else None,
        _plots(report) if success["roc"] else None,
        *(_threshold(success["threshold"]) if success["threshold"] else []),
    )


def _measures(measures: list[Measure]) -> Element:
    columns = [
        Column("Measure"),
        Column("AUC", True),
        Column("Bootstrap", True),
        Column("Newcombe", True),
        Column(scale_mark(*_SCALE)),
    ]
    columns += [Column("Within tasks", True), Column("Episodes", True)]
    rows: list[list[Child]] = [
        [
            measure["what"],
            number(measure["auc"]["value"], 3),
            span(measure["auc"]["low"], measure["auc"]["high"], 3),
            span(*_newcombe(measure), 3),
            dot_mark(measure["auc"]["value"], *_newcombe(measure), _SCALE),
            f"{number(measure['within_tasks'], 3)} ({measure['tasks']})" if measure["tasks"] else "–",
            f"{whole(measure['auc']['successes'])} + {whole(measure['auc']['failures'])}",
        ]
        for measure in measures
    ]
    return element(
        "div",
        table("AUC of every measure", columns, rows, "named"),
        paragraph(
            "Episodes: successes + failures. Within tasks: mean of the AUC of each task that has both labels, and how "
            "many tasks these are. The bootstrap shrinks to a point if all pairs are right; Newcombe’s interval, which "
            "is drawn, does not.",
            class_="note",
        ),
    )


def _newcombe(measure: Measure) -> tuple[float | None, float | None]:
    low, high = measure["auc"]["newcombe"] or (None, None)
    return low, high


def _plots(report: Report) -> Element:
    success = report["success"]
    roc = element("figure", element("figcaption", "ROC curve of the score"), roc_chart(success["roc"], success["threshold"]))
    scores = element(
        "figure",
        element("figcaption", "Scores: successes above, failures below"),
        scores_chart(report["episodes"], success["threshold"]),
    )
    return element("div", roc, scores, class_="pair")


def _threshold(fit: Fit) -> list[Element]:
    columns = [Column("Label"), Column("Counts as a success", True), Column("Counts as a failure", True), Column("Right", True)]
    rows: list[list[Child]] = [
        ["Success", whole(fit["true_positives"]), whole(fit["false_negatives"]), percent(fit["sensitivity"])],
        ["Failure", whole(fit["false_positives"]), whole(fit["true_negatives"]), percent(fit["specificity"])],
    ]
    return [
        table(f"At the threshold {number(fit['threshold'], 3)} nats", columns, rows),
        paragraph(
            "The threshold has the largest sum of both shares, as in a calibration of the service. It was chosen on "
            "these episodes: others give slightly worse counts.",
            class_="note",
        ),
    ]
