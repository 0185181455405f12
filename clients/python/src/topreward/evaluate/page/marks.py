"""Small drawings inside tables: a dot with its interval, and bars."""

from xml.etree.ElementTree import Element

from .elements import element
from .numbers import number, probability, span

WIDTH, HEIGHT = 120.0, 22.0
_PAD = 8.0


def drawing(width: float, height: float, title: str, *children: Element) -> Element:
    """Return an SVG with a title for readers that see no drawings."""
    box = f"0 0 {width:g} {height:g}"
    return element("svg", element("title", title), *children, viewBox=box, width=width, height=height, role="img")


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    """Return a straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def label(x: float, y: float, text: str, anchor: str = "middle", class_: str = "") -> Element:
    """Return a text of the page's own, never one of the evaluation."""
    return element("text", text, x=x, y=y, text_anchor=anchor, **({"class_": class_} if class_ else {}))


def scale_mark(low: float, high: float, middle: float) -> Element:
    """Return the scale above a column of dots."""
    places = (low, middle, high)
    texts = [label(_place(value, low, high), 12, number(value, 1), "middle") for value in places]
    return drawing(WIDTH, 16, f"Scale from {number(low, 1)} to {number(high, 1)}", *texts)


def dot_mark(
    value: float | None, low: float | None, high: float | None, scale: tuple[float, float, float], is_bad: bool = False
) -> Element | None:
    """Return a dot and its interval on a scale (lowest, highest, middle); null without a value."""
    if value is None:
        return None
    left, right, middle = scale
    parts = [line(_place(end, left, right), 2, _place(end, left, right), HEIGHT - 2, "axis") for end in (left, right)]
    parts.append(line(_place(middle, left, right), 2, _place(middle, left, right), HEIGHT - 2, "zero"))
    if low is not None and high is not None:
        parts.append(line(_place(low, left, right), HEIGHT / 2, _place(high, left, right), HEIGHT / 2, "whisker"))
    parts.append(element("circle", cx=_place(value, left, right), cy=HEIGHT / 2, r=4.5, class_="dot"))
    made = drawing(WIDTH, HEIGHT, f"{number(value)}, 95 % interval {span(low, high)}", *parts)
    if is_bad:
        made.set("class", "bad")
    return made


def bars_mark(successes: float | None, failures: float | None, largest: float) -> Element | None:
    """Return two bars, of successes above and of failures below, on a scale from 0 to the largest value of the table."""
    if successes is None or failures is None or largest <= 0:
        return None
    widths = [(WIDTH - 2 * _PAD) * value / largest for value in (successes, failures)]
    parts = [
        element("rect", x=_PAD, y=3 + 9 * place, width=max(width, 1.0), height=7, class_=class_)
        for place, (width, class_) in enumerate(zip(widths, ("bar-success", "bar-failure"), strict=True))
    ]
    return drawing(WIDTH, HEIGHT, f"{probability(successes)} for successes, {probability(failures)} for failures", *parts)


def _place(value: float, low: float, high: float) -> float:
    return _PAD + (WIDTH - 2 * _PAD) * (min(max(value, low), high) - low) / (high - low)
