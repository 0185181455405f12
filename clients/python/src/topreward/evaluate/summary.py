"""The first screen of a report: three figures, and what they mean in plain sentences."""

from typing import TypedDict

from .control import ControlReport, ControlRow
from .counts import counted, labelled
from .estimates import AucEstimate, Estimate
from .order import Order, OrderGroup
from .readings import Group
from .success import SuccessReport

FEW = 20
"""Below this many successes or failures, the service's calibrations warn too."""

LIKE_STATIC = 0.5
"""A static video whose rewards change at least this share of the real span changes by its length."""


class Summary(TypedDict):
    """``voc`` is over ``group``. ``real_minus_static`` is the paired difference of VOC. Null: nothing to compute it from."""

    group: Group
    voc: Estimate | None
    auc: AucEstimate | None
    real_minus_static: Estimate | None
    sentences: list[str]


def summary_of(order: Order, success: SuccessReport, controls: ControlReport) -> Summary:
    """Return the section."""
    groups = {found["group"]: found for found in order["overall"]}
    group: Group = "successes" if "successes" in groups else "all"
    score = next((measure["auc"] for measure in success["measures"] if measure["measure"] == "score"), None)
    static = next((row for row in controls["rows"] if row["control"] == "static"), None)
    return {
        "group": group,
        "voc": groups[group]["voc"] if group in groups else None,
        "auc": score,
        "real_minus_static": static["voc_difference"] if static else None,
        "sentences": [*_on_order(groups, group), *_on_success(score), *_on_static(static), *_on_size(groups)],
    }


def _on_order(groups: dict[Group, OrderGroup], group: Group) -> list[str]:
    if group not in groups or groups[group]["voc"]["value"] is None:
        return ["No episode has a VOC, so nothing can be said about the order of the rewards."]
    voc = groups[group]["voc"]
    whose = "successful episodes" if group == "successes" else "episodes"
    low, high = voc["low"], voc["high"]
    if low is None or high is None:
        said = [f"Only {counted(voc['n'], 'episode')} with a VOC: too few to say whether rewards rise with time."]
    elif low > 0:
        said = [f"Rewards rise with time in {whose}: mean VOC {voc['value']:.3f}."]
    elif high < 0:
        said = [f"Rewards fall with time in {whose}: mean VOC {voc['value']:.3f}."]
    else:
        said = [f"These episodes do not show that rewards rise with time: the interval of the mean VOC of {whose} contains 0."]
    return said + _on_failures(groups)


def _on_failures(groups: dict[Group, OrderGroup]) -> list[str]:
    """Whether VOC sees failure. The paper's does not: .946 for failed, .943 for successful episodes."""
    if "successes" not in groups or "failures" not in groups:
        return []
    good, bad = groups["successes"]["voc"], groups["failures"]["voc"]
    if good["low"] is None or good["high"] is None or bad["low"] is None or bad["high"] is None:
        return []
    means = f"{bad['value']:.3f} for failed, {good['value']:.3f} for successful episodes"
    if good["low"] > bad["high"]:
        return [f"Failed episodes have a lower VOC ({means}). VOC is still no test of success: see the AUC of each measure."]
    if bad["low"] > good["high"]:
        return [f"Failed episodes have a higher VOC ({means}): it says that rewards rise, not that the task was done."]
    return [f"VOC hardly sees failure ({means}). It says that rewards rise, not that the task was done."]


def _on_success(auc: AucEstimate | None) -> list[str]:
    if auc is None or auc["value"] is None:
        return ["There are not both successes and failures, so nothing can be said about success."]
    if auc["newcombe"] is None:
        found = labelled(auc["successes"], auc["failures"])
        return [f"Too few labelled episodes ({found}) to say whether the score tells success from failure."]
    low, high = auc["newcombe"]
    if low > 0.5:
        return [f"The score tells success from failure: a success scores higher in {100 * auc['value']:.1f} % of all pairs."]
    if high < 0.5:
        return ["The score is the wrong way round: failures score higher than successes."]
    return ["These episodes do not show that the score tells success from failure: the interval of the AUC contains 0.5."]


def _on_static(static: ControlRow | None) -> list[str]:
    if static is None:
        return ["The static control was not asked, so length bias is unknown."]
    real, still, low = static["real_span"]["value"], static["span"]["value"], static["final_difference"]["low"]
    if real is None or still is None or low is None:
        return ["Too few episodes with a static control to say anything about length bias."]
    spans = f"Static videos change by {still:.2f} nats, real ones by {real:.2f}."
    if low <= 0:
        return [f"Real videos do not end above static ones of the same length: the reward may be length bias. {spans}"]
    if still >= LIKE_STATIC * real:
        return [f"Much of the rise may be length bias: compare the corrected score. {spans}"]
    return [f"The rise is not length alone. {spans} VOC of static videos that hardly change is mostly noise."]


def _on_size(groups: dict[Group, OrderGroup]) -> list[str]:
    counts = {"successes": _size_of(groups.get("successes")), "failures": _size_of(groups.get("failures"))}
    fewest = min(counts.values())
    total = _size_of(groups.get("all"))
    few = "Other ones may move these numbers a lot."
    if 0 < fewest < FEW:
        return [f"Few episodes: {labelled(counts['successes'], counts['failures'])}. {few}"]
    return [f"Few episodes: {total}. {few}"] if total < FEW else []


def _size_of(group: OrderGroup | None) -> int:
    """Return how many episodes a group has, with those without a VOC."""
    return group["voc"]["n"] + group["undefined"] if group else 0
