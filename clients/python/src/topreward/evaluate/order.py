"""VOC by task and over all: do the rewards rise with time?"""

from collections.abc import Sequence
from typing import TypedDict

from .estimates import Bootstrap, Estimate, mean_of
from .metrics import kendall, pearson
from .readings import Group, Reading, by_task, in_group


class OrderGroup(TypedDict):
    """Correlations with time of one group. ``undefined`` episodes have no VOC: all their rewards are equal.

    ``voc`` leaves them out, ``voc_undefined_zero`` counts them as 0, as GVL's mean does. ``flat`` episodes have a VOC that is
    mostly noise; they are in all means. ``pearson_r`` is Robometer's "VOC r", 0 if undefined; ``kendall_tau_a`` is its
    Kendall τ.
    """

    group: Group
    voc: Estimate
    voc_undefined_zero: Estimate
    pearson_r: Estimate
    kendall_tau_a: Estimate
    undefined: int
    flat: int


class OrderTask(TypedDict):
    """The groups of one task."""

    task: str
    groups: list[OrderGroup]


class Order(TypedDict):
    """VOC over all episodes, and by task."""

    overall: list[OrderGroup]
    tasks: list[OrderTask]


def order_of(readings: Sequence[Reading], bootstrap: Bootstrap) -> Order:
    """Return the section. Groups without an episode are left out."""
    tasks = by_task(readings)
    return {
        "overall": _groups(readings, bootstrap),
        "tasks": [{"task": task, "groups": _groups(of_task, bootstrap)} for task, of_task in tasks.items()],
    }


def _groups(readings: Sequence[Reading], bootstrap: Bootstrap) -> list[OrderGroup]:
    groups: tuple[Group, ...] = ("successes", "failures", "all")
    members = {group: in_group(readings, group) for group in groups}
    return [_group(group, found, bootstrap) for group, found in members.items() if found]


def _group(group: Group, readings: Sequence[Reading], bootstrap: Bootstrap) -> OrderGroup:
    vocs = [reading.curve.voc for reading in readings]
    return {
        "group": group,
        "voc": mean_of(vocs, bootstrap),
        "voc_undefined_zero": mean_of([value or 0.0 for value in vocs], bootstrap),
        "pearson_r": mean_of([pearson(reading.curve.rewards) or 0.0 for reading in readings], bootstrap),
        "kendall_tau_a": mean_of([kendall(reading.curve.rewards) for reading in readings], bootstrap),
        "undefined": sum(value is None for value in vocs),
        "flat": sum(reading.curve.flat is True for reading in readings),
    }
