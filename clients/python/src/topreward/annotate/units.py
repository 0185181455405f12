"""Units of work: up to 64 consecutive episodes of one video file. A unit is stored when all its episodes are scored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..lerobot.episodes import Episode
from ..lerobot.failures import UsageError

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


def select_episodes(episodes: Sequence[Episode], selection: str | None) -> list[Episode]:
    """Return the episodes that a selection names, in their order.

    :param selection: for example ``0:100`` (100 excluded), ``7`` or ``0:10,20:``; null for all
    :raises UsageError: if it is not a selection, or if no episode has such a number
    """
    if selection is None:
        return list(episodes)
    ranges = [_range(piece) for piece in selection.split(",")]
    chosen = [episode for episode in episodes if _is_in(episode.index, ranges)]
    if not chosen:
        last = episodes[-1].index if episodes else None
        raise UsageError(f"--episodes {selection}: no episode has such a number; the last one is {last}.")
    return chosen


def _range(piece: str) -> tuple[int, int | None]:
    start, colon, end = piece.strip().partition(":")
    try:
        first = int(start) if start else 0
        if not colon:
            return int(piece), int(piece) + 1
        return first, int(end) if end else None
    except ValueError:
        raise UsageError(f"--episodes: {piece!r} is neither a number nor FIRST:END, for example 0:100.") from None


def _is_in(index: int, ranges: Iterable[tuple[int, int | None]]) -> bool:
    return any(first <= index and (end is None or index < end) for first, end in ranges)
