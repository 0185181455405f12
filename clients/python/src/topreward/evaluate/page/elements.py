"""Elements of HTML and SVG. Names and instructions are untrusted: they are only ever text of an element."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree.ElementTree import Element

Child: TypeAlias = Element | str | None

LONGEST = 200
"""Characters of a name or an instruction that the page shows."""


def element(tag: str, *children: Child, **attributes: str | float) -> Element:
    """Return an element. ``class_`` is the attribute class, and ``_`` inside a name of an attribute is ``-``."""
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _attribute(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, str):
            _append_text(made, clean(child))
        elif child is not None:
            made.append(child)
    return made


def _attribute(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def clean(text: str) -> str:
    """Return the text without characters that no page can have: control characters and halves of surrogate pairs."""
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in text)


def foreign(text: str) -> Element:
    """Return a text of somebody else, shortened. Its direction of writing does not change that of the page."""
    return element("bdi", shortened(text))


def shortened(text: str) -> str:
    """Return the start of a text, with an ellipsis if it goes on."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Numbers are aligned at their right end."""

    title: str | Element
    is_number: bool = False


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]], class_: str = "") -> Element:
    """Return a table in a box of its own that scrolls sideways. The first cell of a row is its header."""
    head = element("tr", *(element("th", column.title, scope="col", **_aligned(column)) for column in columns))
    body = [
        element(
            "tr", *(_cell(child, column, place == 0) for place, (child, column) in enumerate(zip(row, columns, strict=True)))
        )
        for row in rows
    ]
    made = element("table", element("caption", element("span", caption)), element("thead", head), element("tbody", *body))
    return element("div", made, class_=f"scroll {class_}".strip(), role="region", aria_label=caption, tabindex="0")


def _cell(child: Child, column: Column, is_first: bool) -> Element:
    if is_first:
        return element("th", child, scope="row")
    return element("td", child, **_aligned(column))


def _aligned(column: Column) -> dict[str, str]:
    return {"class_": "number"} if column.is_number else {}


def paragraph(*children: Child, class_: str = "") -> Element:
    """Return a paragraph."""
    return element("p", *children, **({"class_": class_} if class_ else {}))


def section(name: str, title: str, lead: str, *children: Child) -> Element:
    """Return a section with its heading and one or two sentences about what it shows."""
    heading = element("h2", title, id=f"{name}-title")
    return element("section", heading, paragraph(lead, class_="lead"), *children, id=name, aria_labelledby=f"{name}-title")
