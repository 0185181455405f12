"""The section about VOC: groups, tasks and curves."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from ..counts import counted, labelled
from ..order import OrderGroup
from ..report import Report
from ..rows import EpisodeRow
from .charts import curves_chart, span_of
from .elements import Child, Column, element, foreign, paragraph, section, table
from .marks import dot_mark, line, scale_mark
from .numbers import number, span, whole

MOST_CURVES = 200
MOST_PLOTS = 24
MOST_TASKS = 100
_SCALE = (-1.0, 1.0, 0.0)


def order_part(report: Report) -> Element:
    """Return the section."""
    order = report["order"]
    tasks = order["tasks"][:MOST_TASKS]
    rows = [_task_row(task["task"], task["groups"]) for task in tasks]
    more = len(order["tasks"]) - len(tasks)
    columns = [
        Column("Task"),
        Column("Successes: VOC", True),
        Column("95 % interval", True),
        Column("Episodes", True),
        Column(scale_mark(*_SCALE)),
        Column("Failures: VOC", True),
        Column("95 % interval", True),
        Column("Episodes", True),
    ]
    return section(
        "order",
        "Do the rewards rise with time?",
        "VOC is the rank correlation of the rewards with time. It says that rewards rise, not that the task was done.",
        _overall(order["overall"]),
        *_by_task(columns, rows),
        paragraph(f"{whole(more)} more tasks are in report.json.", class_="note") if more > 0 else None,
        *_curves(report["episodes"]),
    )


def _by_task(columns: Sequence[Column], rows: Sequence[Sequence[Child]]) -> list[Child]:
    if len(rows) < 2:
        return []
    note = "With few episodes a bootstrap interval is too narrow: below ten, read it as the spread of these episodes only."
    return [table("VOC by task", columns, rows), paragraph(note, class_="note")]


def _overall(groups: Sequence[OrderGroup]) -> Element:
    columns = [
        Column("Group"),
        Column("VOC", True),
        Column("95 % interval", True),
        Column(scale_mark(*_SCALE)),
        Column("Episodes", True),
    ]
    columns += [Column(title, True) for title in ("No VOC", "Flat", "Undefined as 0", "Pearson r", "Kendall τ-a")]
    rows: list[list[Child]] = [
        [
            {"successes": "Successes", "failures": "Failures", "all": "All"}[found["group"]],
            number(found["voc"]["value"], 3),
            span(found["voc"]["low"], found["voc"]["high"], 3),
            dot_mark(found["voc"]["value"], found["voc"]["low"], found["voc"]["high"], _SCALE, found["group"] == "failures"),
            whole(found["voc"]["n"]),
            whole(found["undefined"]),
            whole(found["flat"]),
            number(found["voc_undefined_zero"]["value"], 3),
            number(found["pearson_r"]["value"], 3),
            number(found["kendall_tau_a"]["value"], 3),
        ]
        for found in groups
    ]
    return table("Correlation with time", columns, rows)


def _task_row(task: str, groups: Sequence[OrderGroup]) -> list[Child]:
    """Successes and failures of a task; all its episodes if it has no successes and no failures."""
    known = {found["group"]: found["voc"] for found in groups}
    good, bad = known.get("successes") or (None if "failures" in known else known["all"]), known.get("failures")
    return [
        foreign(task),
        number(good["value"] if good else None),
        span(good["low"], good["high"]) if good else "–",
        whole(good["n"] if good else 0),
        dot_mark(good["value"], good["low"], good["high"], _SCALE) if good else None,
        number(bad["value"] if bad else None),
        span(bad["low"], bad["high"]) if bad else "–",
        whole(bad["n"] if bad else 0),
    ]


def _curves(episodes: Sequence[EpisodeRow]) -> list[Child]:
    """A plot for each task, those with the most episodes if there are many."""
    scored = [row for row in episodes if row["rewards"]]
    if not scored:
        return []
    tasks: dict[str, list[EpisodeRow]] = {}
    for row in scored:
        tasks.setdefault(row["task"], []).append(row)
    shown = sorted(sorted(tasks, key=lambda task: (-len(tasks[task]), task))[:MOST_PLOTS])
    each = len(scored) if len(scored) <= MOST_CURVES else max(1, MOST_CURVES // len(shown))
    y = span_of([row for task in shown for row in tasks[task]])
    plots = [_plot(task, tasks[task], _sample(tasks[task], each), y) for task in shown]
    notes = [
        f"Plots of the {MOST_PLOTS} tasks with the most episodes; there are {whole(len(tasks))}."
        if len(tasks) > MOST_PLOTS
        else "",
        f"Thick lines are means of all episodes; at most {each} thin lines for each task." if each < len(scored) else "",
    ]
    legend = element(
        "div",
        *(_key(text, class_) for text, class_ in _KEYS if class_ != "static" or any(row["static"] for row in scored)),
        class_="legend",
    )
    return [
        element("h3", "Rewards over the share of the episode, in nats"),
        legend,
        element("div", *plots, class_="plots"),
        *(paragraph(note, class_="note") for note in notes if note),
    ]


_KEYS = (("success", "success"), ("failure", "failure"), ("static video", "static"))


def _key(text: str, class_: str) -> Element:
    sample = element("svg", line(0, 6, 28, 6, f"curve {class_}"), viewBox="0 0 28 12", width=28, height=12, aria_hidden="true")
    return element("span", sample, text)


def _plot(task: str, rows: Sequence[EpisodeRow], drawn: Sequence[EpisodeRow], y: tuple[float, float]) -> Element:
    good, bad = (sum(row["success"] is label for row in rows) for label in (True, False))
    counts = counted(len(rows), "episode") if not good and not bad else labelled(good, bad)
    caption = element("figcaption", foreign(task), " ", element("span", counts))
    return element("figure", caption, curves_chart(f"Rewards of {counts}", rows, drawn, y))


def _sample(rows: Sequence[EpisodeRow], most: int) -> list[EpisodeRow]:
    """Episodes at even distances: the same ones each time."""
    count = min(most, len(rows))
    return [rows[place * len(rows) // count] for place in range(count)]
