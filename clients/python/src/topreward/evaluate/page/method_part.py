"""The sections about other methods, and about the paper."""

from xml.etree.ElementTree import Element

from ..comparison import Comparison
from ..method import MethodRow
from ..report import Report
from .elements import Child, Column, foreign, paragraph, section, table
from .marks import dot_mark, scale_mark
from .numbers import number, span, whole

_VOC, _AUC = (-1.0, 1.0, 0.0), (0.0, 1.0, 0.5)


def method_part(report: Report) -> Element:
    """Return the section."""
    methods = report["methods"]
    columns = [
        Column("Method"),
        Column("VOC", True),
        Column("95 % interval", True),
        Column(scale_mark(*_VOC)),
        Column("AUC", True),
    ]
    columns += [Column("95 % interval", True), Column(scale_mark(*_AUC)), Column("Failed", True), Column("Requests", True)]
    columns += [Column("Prompt tokens", True)]
    asked = [row for row in methods["rows"] if row["left_out"] is None]
    reasons = [row for row in methods["rows"] if row["left_out"] is not None]
    whose = "the successes" if methods["group"] == "successes" else "all episodes"
    return section(
        "methods",
        "How do the methods compare?",
        f"The same episodes, asked in different ways. VOC is that of {whose}. The score of GVL is its VOC, as in the paper.",
        table("Methods", columns, [_row(row) for row in asked], "named") if asked else None,
        *(_gvl(row) for row in asked if row["voc_failures_zero"]),
        *(paragraph(f"{row['title']} was left out: ", foreign(row["left_out"] or ""), class_="note") for row in reasons),
    )


def _row(row: MethodRow) -> list[Child]:
    problems = sum(row["problems"].values()) + row["incomplete"]
    return [
        row["title"],
        number(row["voc"]["value"], 3),
        span(row["voc"]["low"], row["voc"]["high"]),
        dot_mark(row["voc"]["value"], row["voc"]["low"], row["voc"]["high"], _VOC),
        number(row["auc"]["value"], 3),
        span(row["auc"]["low"], row["auc"]["high"]),
        dot_mark(row["auc"]["value"], row["auc"]["low"], row["auc"]["high"], _AUC),
        whole(problems),
        whole(row["requests"]),
        whole(row["prompt_tokens"]),
    ]


def _gvl(row: MethodRow) -> Element:
    zero = row["voc_failures_zero"]
    mean, written = number(zero["value"] if zero else None, 3), whole(row["generated_tokens"])
    left_out = (
        f"GVL: {row['incomplete']} answers without all percentages are left out of its mean VOC, as in the authors' code."
    )
    return paragraph(f"{left_out} With these as 0, the mean is {mean}. The model wrote {written} tokens.", class_="note")


def comparison_part(comparison: Comparison | None) -> Element | None:
    """Return the section about the paper; null if it does not name the dataset."""
    if comparison is None:
        return None
    ours: list[list[Child]] = [
        [
            figure["what"],
            number(figure["estimate"]["value"], 3),
            span(figure["estimate"]["low"], figure["estimate"]["high"], 3),
            whole(figure["estimate"]["n"]),
        ]
        for figure in comparison["ours"]
    ]
    paper: list[list[Child]] = [[figure["what"], number(figure["value"], 3), figure["table"]] for figure in comparison["paper"]]
    return section(
        "paper",
        "What did the paper measure?",
        f"Figures of arXiv 2602.19313, version 1, for {comparison['name']}.",
        table(
            "This evaluation",
            [Column("Figure"), Column("Mean", True), Column("95 % interval", True), Column("Episodes", True)],
            ours,
        ),
        table(
            "The paper and the authors' repository",
            [Column("Figure"), Column("Value", True), Column("Source")],
            paper,
            "sources",
        ),
        *(paragraph(warning, class_="note") for warning in comparison["warnings"]),
    )
