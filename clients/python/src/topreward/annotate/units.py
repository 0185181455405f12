"""Units of work: up to 64 consecutive episodes of one video file. A unit is stored when all its episodes are scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..lerobot.episodes import Episode

EPISODES_OF_A_UNIT = 64


@dataclass(frozen=True, slots=True)
class Unit:
    """Consecutive episodes. ``name`` has the numbers of the first and the last one, and is a file name."""

    name: str
    episodes: tuple[Episode, ...]

    @property
    def frames(self) -> int:
        return sum(episode.length for episode in self.episodes)


def plan_units(episodes: Sequence[Episode]) -> list[Unit]:
    """Cut the episodes of a dataset into units, in their order.

    The same episodes always give the same units. A unit never has episodes of two files, unless every episode has a file
    of its own.
    """
    units: list[Unit] = []
    for _, group in groupby(episodes, key=lambda episode: episode.shared_file):
        same_file = tuple(group)
        for start in range(0, len(same_file), EPISODES_OF_A_UNIT):
            part = same_file[start : start + EPISODES_OF_A_UNIT]
            units.append(Unit(f"{part[0].index:06d}-{part[-1].index:06d}", part))
    return units


def shard_of(units: Sequence[Unit], shard: int, count: int) -> list[Unit]:
    """Return every ``count``-th unit, from number ``shard`` on."""
    return list(units[shard::count])
