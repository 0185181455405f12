"""From a report to one page: no script, no network, nothing that the page does not bring itself."""

from xml.etree.ElementTree import Element, tostring

from .page.answer_part import answer_part
from .page.control_part import control_part
from .page.elements import element, shortened
from .page.method_part import comparison_part, method_part
from .page.opening import opening
from .page.order_part import order_part
from .page.rest_part import episodes_part, gate_part, made_part, terms_part
from .page.style import STYLE
from .page.success_part import success_part
from .report import Report

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_LINKS = {
    "order": "Order",
    "success": "Success",
    "controls": "Controls",
    "answers": "Answers",
    "methods": "Methods",
    "paper": "Paper",
    "gate": "Gate",
    "episodes": "Episodes",
    "made": "How it was made",
    "terms": "Words",
}


def html_of(report: Report) -> str:
    """Return the page. Its size is bounded: many tasks or episodes are drawn and listed in part, and the page says so."""
    parts = [
        order_part(report),
        success_part(report),
        control_part(report),
        answer_part(report),
        method_part(report),
        comparison_part(report["comparison"]),
        gate_part(report["gate"]),
        made_part(report),
        terms_part(report),
        episodes_part(report),
    ]
    shown = [part for part in parts if part is not None]
    links = [element("a", _LINKS[part.get("id", "")], href=f"#{part.get('id')}") for part in shown]
    body = element("body", opening(report), element("main", element("nav", *links, aria_label="Sections"), *shown), _foot())
    page = element("html", _head(report), body, lang="en")
    return f"<!doctype html>\n{tostring(page, encoding='unicode', method='html')}\n"


def _head(report: Report) -> Element:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{shortened(report['made']['model'])} on {shortened(report['dataset'])}: TOPReward evaluation"),
        element("style", STYLE),
    )


def _foot() -> Element:
    return element("footer", element("p", "Made by topreward evaluate. The numbers of this page are in report.json."))
