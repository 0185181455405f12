"""Plots: curves of a task, the ROC curve, and the scores by label."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from ..metrics import Fit
from ..rows import EpisodeRow
from .elements import element
from .marks import drawing, label, line
from .numbers import number

_STEPS = 15
_BINS = 24
_PAIR = (380.0, 340.0)


@dataclass(frozen=True, slots=True)
class Frame:
    """The area of a plot and the values at its borders."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    left: float = 38
    right: float = 8
    top: float = 8
    bottom: float = 22

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point, inside the area."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        inner_width, inner_height = self.width - self.left - self.right, self.height - self.top - self.bottom
        return self.left + inner_width * across, self.top + inner_height * (1 - up)


def ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers from low to high."""
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    return [step * count for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def span_of(rows: Sequence[EpisodeRow]) -> tuple[float, float]:
    """Return the smallest and the largest reward of the episodes, and at least 0.2 nats between them."""
    values = [value for row in rows for value in (*row["rewards"], *(row["static"] or ()))]
    low, high = min(values), max(values)
    middle, half = (low + high) / 2, max((high - low) / 2, 0.1)
    return middle - half * 1.04, middle + half * 1.04


def curves_chart(title: str, rows: Sequence[EpisodeRow], drawn: Sequence[EpisodeRow], y: tuple[float, float]) -> Element:
    """Return the curves of a task.

    :param rows: all episodes, for the means
    :param drawn: those with a thin line of their own
    """
    frame = Frame(300, 190, (0, 1), y)
    parts = _axes(frame, [(0, "0"), (0.5, "50"), (1, "100 %")], [(tick, _tick(tick, y)) for tick in ticks(*y)])
    for row in drawn:
        if row["success"] is not None:
            parts.append(_path(frame, row["shares"], row["rewards"], f"curve one {_class_of(row)}"))
    for success, class_ in ((False, "failure"), (True, "success"), (None, "success")):
        of_label = [row for row in rows if row["success"] is success]
        if of_label and not (success is None and any(row["success"] for row in rows)):
            parts.append(_path(frame, *mean_curve([(row["shares"], row["rewards"]) for row in of_label]), f"curve {class_}"))
    still = [(row["shares"], row["static"]) for row in rows if row["static"] is not None]
    if still:
        parts.append(_path(frame, *mean_curve(still), "curve static"))
    return drawing(frame.width, frame.height, title, *parts)


def mean_curve(curves: Sequence[tuple[Sequence[float], Sequence[float]]]) -> tuple[list[float], list[float]]:
    """Return 15 steps of time and the mean of the curves there. Between two prefixes a curve is a straight line.

    The steps begin where all curves have begun.
    """
    places: list[float] = np.linspace(max(shares[0] for shares, _ in curves), 1, _STEPS).tolist()
    mean: list[float] = np.mean([np.interp(places, shares, values) for shares, values in curves], axis=0).tolist()
    return places, mean


def roc_chart(points: Sequence[tuple[float, float]], threshold: Fit | None) -> Element:
    """Return the ROC curve, with the point of the threshold."""
    frame = Frame(*_PAIR, (0, 1), (0, 1), top=26, bottom=38)
    marks = [(tick, number(tick, 1)) for tick in (0, 0.5, 1)]
    parts = _axes(frame, marks, marks)
    parts += [
        line(*frame.at(0, 0), *frame.at(1, 1), "axis"),
        label(frame.at(0.5, 0)[0], _PAIR[1] - 3, "share of failures that count as a success"),
    ]
    parts.append(label(frame.left, 13, "share of successes that count as one", "start"))
    parts.append(_path(frame, [x for x, _ in points], [y for _, y in points], "curve success solid"))
    if threshold:
        x, y = frame.at(1 - threshold["specificity"], threshold["sensitivity"])
        parts.append(element("circle", cx=x, cy=y, r=5, class_="dot"))
    return drawing(frame.width, frame.height, "ROC curve of the score", *parts)


def scores_chart(rows: Sequence[EpisodeRow], threshold: Fit | None) -> Element:
    """Return two histograms of the scores on one scale: successes above, failures below."""
    groups = [[row["score"] for row in rows if row["success"] is label and row["score"] is not None] for label in (True, False)]
    values = [value for group in groups for value in group]
    low, high = min(values), max(values)
    low, high = (low - 0.1, high + 0.1) if high - low < 0.2 else (low, high)
    counts = [np.histogram(group, _BINS, (low, high))[0] for group in groups]
    up, down = (max(1, int(count.max())) for count in counts)
    frame = Frame(*_PAIR, (low, high), (-down, up), top=26, bottom=38)
    parts = [line(*frame.at(tick, -down), *frame.at(tick, up), "axis") for tick in ticks(low, high)]
    for sign, count, class_ in zip((1, -1), counts, ("bar-success", "bar-failure"), strict=True):
        parts += [_bar(frame, place, sign * int(size), low, high, class_) for place, size in enumerate(count) if size]
    parts += [line(*frame.at(low, 0), *frame.at(high, 0), "zero")]
    parts += [label(frame.at(tick, 0)[0], _PAIR[1] - 21, _tick(tick, (low, high))) for tick in ticks(low, high)]
    parts += [label(frame.left - 6, frame.at(0, value)[1] + 4, str(abs(value)), "end") for value in (up, -down)]
    parts.append(label(frame.at((low + high) / 2, 0)[0], _PAIR[1] - 3, "score in nats"))
    if threshold:
        at = min(max(threshold["threshold"], low), high)
        parts.append(line(*frame.at(at, -down), *frame.at(at, up), "limit"))
        parts.append(label(frame.at(at, 0)[0], 13, f"threshold {number(threshold['threshold'])}", "middle", "on-limit"))
    return drawing(frame.width, frame.height, "Scores by label: successes above, failures below", *parts)


def _bar(frame: Frame, place: int, size: int, low: float, high: float, class_: str) -> Element:
    width = (high - low) / _BINS
    left, top = frame.at(low + place * width, max(size, 0))
    right, bottom = frame.at(low + (place + 1) * width, min(size, 0))
    return element("rect", x=left + 0.5, y=top, width=right - left - 1, height=bottom - top, class_=class_)


def _axes(frame: Frame, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]) -> list[Element]:
    parts: list[Element] = []
    for value, text in up:
        (x1, y1), (x2, y2) = frame.at(frame.x[0], value), frame.at(frame.x[1], value)
        parts += [line(x1, y1, x2, y2, "axis"), label(frame.left - 6, y1 + 4, text, "end")]
    for value, text in across:
        x, y = frame.at(value, frame.y[0])
        anchor = "start" if value == frame.x[0] else "end" if value == frame.x[1] else "middle"
        parts.append(label(x, y + 15, text, anchor))
    return parts


def _path(frame: Frame, across: Sequence[float], up: Sequence[float], class_: str) -> Element:
    places = [frame.at(x, y) for x, y in zip(across, up, strict=True)]
    return element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_=class_)


def _class_of(row: EpisodeRow) -> str:
    return "failure" if row["success"] is False else "success"


def _tick(value: float, ends: tuple[float, float]) -> str:
    return number(value, 0 if ends[1] - ends[0] >= 3 else 1)
