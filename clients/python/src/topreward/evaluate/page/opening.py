"""The first screen: what was measured, three figures, and what they mean."""

from xml.etree.ElementTree import Element

from ..counts import counted, labelled
from ..made import Made
from ..report import Report
from ..summary import Summary
from .elements import element, foreign, paragraph
from .numbers import number, span, whole


def opening(report: Report) -> Element:
    """Return the head of the page."""
    made = report["made"]
    return element(
        "header",
        paragraph("TOPReward evaluation", class_="eyebrow"),
        element("h1", foreign(made["model"]), " on ", foreign(report["dataset"])),
        _facts(made),
        _figures(report["summary"]),
        element("ul", *(element("li", sentence) for sentence in report["summary"]["sentences"]), class_="said"),
    )


def _facts(made: Made) -> Element:
    labels = [f"{whole(made['successes'])} successes", f"{whole(made['failures'])} failures"]
    if made["unlabelled"]:
        labels.append(f"{whole(made['unlabelled'])} without a label")
    facts = [
        ("Episodes", f"{whole(made['episodes'])}: {', '.join(labels)}"),
        ("Tasks", whole(made["tasks"])),
        ("Scored", f"{whole(made['scored'])} of {whole(made['episodes'])}"),
        ("Engine", made["engine"]),
    ]
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in facts), class_="facts")


def _figures(summary: Summary) -> Element:
    whose = "successes" if summary["group"] == "successes" else "all episodes"
    voc, auc, static = summary["voc"], summary["auc"], summary["real_minus_static"]
    newcombe = auc["newcombe"] if auc else None
    return element(
        "dl",
        _figure(
            f"VOC of {whose}",
            voc["value"] if voc else None,
            f"{_interval(voc['low'], voc['high'])} {counted(voc['n'], 'episode')}." if voc else "No episode has one.",
            "1: the rewards rise all the time. 0: no order.",
        ),
        _figure(
            "Success AUC of the score",
            auc["value"] if auc else None,
            f"{_interval(*(newcombe or (None, None)))} {labelled(auc['successes'], auc['failures'])}."
            if auc
            else "It needs successes and failures.",
            "1: every success scores above every failure. 0.5: guessing.",
        ),
        _figure(
            "VOC, real − static video",
            static["value"] if static else None,
            f"{_interval(static['low'], static['high'])} {counted(static['n'], 'episode')}."
            if static
            else "The static control was not asked.",
            "Near 0: time alone may explain the order.",
        ),
        class_="figures",
    )


def _figure(name: str, value: float | None, interval: str, meaning: str) -> Element:
    return element(
        "div",
        element("dt", name),
        element("dd", number(value, 3), class_="value"),
        element("dd", interval, element("br"), meaning, class_="note"),
    )


def _interval(low: float | None, high: float | None) -> str:
    return "Too few episodes for an interval." if low is None else f"95 % interval {span(low, high, 3)}."
