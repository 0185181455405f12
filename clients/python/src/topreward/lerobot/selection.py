"""Which episodes of a dataset a run is about."""

from collections.abc import Iterable, Sequence

from .episodes import Episode
from .failures import UsageError


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
