"""The section about answers: choices of texts and single tokens, ranked as in appendix B of the paper."""

from xml.etree.ElementTree import Element

from ..answer import AnswerRow, TokenRow
from ..report import Report
from .elements import Child, Column, element, foreign, paragraph, section, table
from .marks import bars_mark
from .numbers import number, probability, span, whole


def answer_part(report: Report) -> Element | None:
    """Return the section; null if no ``Question`` has answers."""
    answers = report["answers"]
    if not answers["choices"]:
        return None
    return section(
        "answers",
        "Which answers tell success from failure?",
        "Mean probability of the answer after the complete video, for successes and for failures. The largest "
        "differences come first.",
        _choices(answers["choices"]),
        *(_tokens(answers["tokens"], answers["successes"], answers["failures"]) if answers["tokens"] else []),
    )


def _choices(rows: list[AnswerRow]) -> Element:
    largest = max((value for row in rows for value in (row["successes"], row["failures"]) if value is not None), default=0.0)
    columns = [Column("Texts for True"), Column("Texts for False"), Column("Successes", True), Column("Failures", True)]
    columns += [Column("Successes above, failures below"), Column("Difference", True), Column("AUC of the score", True)]
    columns += [Column("95 % interval", True), Column("Episodes", True)]
    cells: list[list[Child]] = [
        [
            _texts(row["true_texts"]),
            _texts(row["false_texts"]),
            probability(row["successes"]),
            probability(row["failures"]),
            bars_mark(row["successes"], row["failures"], largest),
            probability(row["difference"]),
            number(row["auc"]["value"], 3),
            span(row["auc"]["low"], row["auc"]["high"], 3),
            whole(row["auc"]["successes"] + row["auc"]["failures"]),
        ]
        for row in rows
    ]
    return table("Choices of answers", columns, cells)


def _tokens(rows: list[TokenRow], successes: int, failures: int) -> list[Element]:
    columns = [Column("Token"), *(Column(title, True) for title in ("Id", "Successes", "Failures", "Difference"))]
    columns += [Column(f"Listed in, of {successes} + {failures}", True)]
    cells: list[list[Child]] = [
        [
            _text(row["text"]),
            str(row["id"]),
            _bounds(row["successes"]),
            _bounds(row["failures"]),
            _bounds(row["difference"]),
            f"{row['listed'][0]} + {row['listed'][1]}",
        ]
        for row in rows
    ]
    return [
        table("The ten tokens with the largest certain difference", columns, cells),
        paragraph(
            "The engine lists the most likely tokens only. A token that an episode does not list has at most the "
            "probability of the last one there: the mean then lies between two numbers.",
            class_="note",
        ),
    ]


def _bounds(bounds: tuple[float, float]) -> str:
    low, high = (probability(value) for value in bounds)
    return low if low == high else f"{low} to {high}"


def _texts(texts: list[str]) -> Element:
    parts: list[Child] = []
    for text in texts:
        parts += [", ", _text(text)] if parts else [_text(text)]
    return element("span", *parts)


def _text(text: str) -> Element:
    """Spaces and line breaks are made visible."""
    return element("code", foreign(text.replace(" ", "␣").replace("\n", "⏎")))
