"""The section about controls: static, reversed, other instruction, time, and plateaus."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from ..control import ControlReport, ControlRow, Plateau, TimeIndex
from ..counts import counted, labelled
from ..estimates import AucEstimate, Estimate
from ..report import Report
from .elements import Child, Column, element, paragraph, section, table
from .numbers import number, percent, span, whole

_TITLES = {"static": "Static video", "reversed": "Reversed video", "other_instruction": "Wrong instruction"}


def control_part(report: Report) -> Element:
    """Return the section."""
    controls = report["controls"]
    missing = [f"{_TITLES[name]}: {reason}" for name, reason in controls["left_out"].items()]
    return section(
        "controls",
        "What do the controls say?",
        "A control is a video or an instruction that the robot did not have. A good reward does not rise with it, and "
        "ends lower.",
        _controls(controls) if controls["rows"] else None,
        *(paragraph(text, class_="note") for text in missing),
        element("div", _time(controls["time_index"]), _plateaus(controls["plateaus"]), class_="stack"),
    )


def _controls(controls: ControlReport) -> Element:
    columns = [Column("Control"), *(Column(title, True) for title in ("VOC", "Real − control", "95 % interval", "Span"))]
    columns += [Column(title, True) for title in ("Final reward", "Real − control", "95 % interval", "AUC", "Episodes")]
    rows: list[list[Child]] = [_real(controls["rows"][0]), *(_row(row) for row in controls["rows"])]
    whose = "the successes" if controls["group"] == "successes" else "all episodes"
    return element(
        "div",
        table(f"Means over {whose}, rewards in nats", columns, rows),
        paragraph(
            "Differences are paired by episode. AUC: how often the final reward of a real episode is above that of a "
            "control. The VOC of a control with a small span is mostly noise.",
            class_="note",
        ),
    )


def _real(row: ControlRow) -> list[Child]:
    rest: list[Child] = ["", ""]
    return [
        "Real episodes",
        number(row["real_voc"]["value"]),
        *rest,
        number(row["real_span"]["value"]),
        number(row["real_final"]["value"]),
        *rest,
        "",
        whole(row["real_final"]["n"]),
    ]


def _row(row: ControlRow) -> list[Child]:
    return [
        _TITLES[row["control"]],
        number(row["voc"]["value"]),
        *_difference(row["voc_difference"]),
        number(row["span"]["value"]),
        number(row["final"]["value"]),
        *_difference(row["final_difference"]),
        number(row["auc"]["value"], 3),
        whole(row["final"]["n"]),
    ]


def _difference(estimate: Estimate) -> tuple[str, str]:
    return number(estimate["value"]), span(estimate["low"], estimate["high"])


def _time(time: TimeIndex) -> Element:
    auc = time["duration_auc"]
    labels = f"{labelled(auc['successes'], auc['failures'])}{', all of one length' if _is_constant(auc) else ''}"
    rows: list[list[Child]] = [
        ["AUC of the duration in seconds", number(auc["value"], 3), span(auc["low"], auc["high"], 3), labels],
        ["Variance of the rewards that time explains", percent(time["explained"]), "", counted(time["episodes"], "episode")],
        ["The same for the static videos", percent(time["static_explained"]), "", ""],
    ]
    columns = [Column("Time alone"), Column("Value", True), Column("95 % interval", True), Column("From")]
    return table("What time alone says", columns, rows, "sources")


def _is_constant(auc: AucEstimate) -> bool:
    """Whether all values are equal: then every resample is 0.5 too."""
    return auc["low"] == auc["high"] == 0.5


def _plateaus(plateaus: Sequence[Plateau]) -> Element:
    columns = [
        Column("Rewards held constant from"),
        Column("VOC", True),
        Column("95 % interval", True),
        Column("Episodes", True),
    ]
    columns += [Column("Straight line", True), Column("Paper", True)]
    rows: list[list[Child]] = [
        [
            f"{percent(row['share'])} of the prefixes on",
            number(row["voc"]["value"]),
            span(row["voc"]["low"], row["voc"]["high"]),
            whole(row["voc"]["n"]),
            number(row["straight_line"]),
            f"≥ {number(row['paper_at_least'])}",
        ]
        for row in plateaus
    ]
    return element(
        "div",
        table("Plateau: does VOC see that the robot stopped?", columns, rows),
        paragraph(
            "A VOC that stays high does not see it. The straight line rises until the plateau. The paper's figure 5 has "
            "curves of its own.",
            class_="note",
        ),
    )
