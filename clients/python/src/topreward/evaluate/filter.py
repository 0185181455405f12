"""The content of filter.json: which episodes to use."""

import re
from typing import TypedDict

from .report import Report

USE = (
    "Episodes in `keep` have a score at or above `gate`. If all of them are numbers, LeRobot takes the list as it is: "
    "--dataset.episodes='[0, 2, 3]'."
)


class Dropped(TypedDict):
    """An episode that should not be used. ``score`` is null if it has none."""

    episode: int | str
    score: float | None
    reason: str


class DatasetVerdict(TypedDict):
    """The mean score of the dataset. ``keep`` is null without a bar or a score."""

    mean: float | None
    keep: bool | None


class Filter(TypedDict):
    """The content of filter.json. Episodes are numbers if all names are."""

    gate: float | None
    measure: str
    use: str
    dataset: DatasetVerdict
    keep: list[int | str]
    drop: list[Dropped]


def filter_of(report: Report) -> Filter:
    """Return the content of filter.json. Without a bar, only episodes without a score are dropped."""
    gate, rows = report["gate"], report["episodes"]
    numbered = all(re.fullmatch(r"0|[1-9][0-9]*", row["name"], re.ASCII) for row in rows)

    def name_of(name: str) -> int | str:
        return int(name) if numbered else name

    keep: list[int | str] = []
    drop: list[Dropped] = []
    for row in rows:
        if row["score"] is None:
            drop.append(
                {"episode": name_of(row["name"]), "score": None, "reason": f"no score: {row['problem'] or 'not asked'}"}
            )
        elif row["keep"] is False:
            drop.append({"episode": name_of(row["name"]), "score": row["score"], "reason": "score below the gate"})
        else:
            keep.append(name_of(row["name"]))
    return {
        "gate": gate["bar"],
        "measure": gate["measure"],
        "use": USE,
        "dataset": {"mean": gate["mean"]["value"], "keep": gate["keep_dataset"]},
        "keep": keep,
        "drop": drop,
    }
