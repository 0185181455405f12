"""Batches: which files go with which episode, and the lines of the response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from ._contract import (
    BatchEndEvent,
    BatchEvent,
    BatchProblemEvent,
    BatchResultEvent,
    Episode,
    GvlMeans,
    GvlResult,
    Problem,
)
from ._flow import Emit, Request, Stream
from ._frames import Encoding, Frames, parts_of
from ._multipart import Form, Part
from ._retry import Attempts, Failure, failure_of, next_event, opened
from .errors import Refused, Unanswered

PATH = "/v1/rewards/batch"

BatchResult: TypeAlias = BatchResultEvent
BatchProblem: TypeAlias = BatchProblemEvent
BatchEnd: TypeAlias = BatchEndEvent


@dataclass(frozen=True)
class BatchItem:
    """An episode of a batch.

    :param episode: members of the contract's Episode: ``instruction``, a clock, and options
    :param frames: its frames, as for ``score``; or
    :param video: the number of a file in ``videos``, from 0. ``from_s`` and ``to_s`` in ``episode`` choose the range
    :raises ValueError: unless there is one of both
    """

    episode: Episode
    frames: Frames | None = None
    video: int | None = None

    def __post_init__(self) -> None:
        if (self.frames is None) == (self.video is None):
            raise ValueError("An item has either frames or video, the number of a file in videos.")


@dataclass(frozen=True)
class Entry:
    """An item as it is sent. ``files`` are its parts ``frames`` (then ``counted``), or one ``npy``."""

    episode: Episode
    files: Sequence[Part] = ()
    video: int | None = None

    def document(self, numbers: dict[int, int]) -> dict[str, Any]:
        """:param numbers: the number of each video in this form"""
        if self.video is not None:
            return {"episode": self.episode, "video": numbers[self.video]}
        if any(part.name == "npy" for part in self.files):
            return {"episode": self.episode}
        return {"episode": self.episode, "frame_count": len(self.files)}


def entries_of(items: Sequence[BatchItem], videos: Sequence[Path], encoding: Encoding) -> list[Entry]:
    """:raises ValueError: if frames cannot be used, or a video is not in ``videos``"""
    for item in items:
        if item.video is not None and not 0 <= item.video < len(videos):
            raise ValueError(f"An item names video {item.video}, but videos has {len(videos)} files.")
    return [Entry(item.episode, () if item.frames is None else parts_of(item.frames, encoding), item.video) for item in items]


def form_of(entries: Sequence[Entry], videos: Sequence[Path] = ()) -> Form:
    """A form with these episodes. Each video that they name is sent once."""
    named = sorted({entry.video for entry in entries if entry.video is not None})
    numbers = {video: number for number, video in enumerate(named)}
    files = [part for entry in entries for part in entry.files] + [Part("video", videos[video]) for video in named]
    return Form("batch", {"items": [entry.document(numbers) for entry in entries]}, files)


class Totals:
    """What the last event of a batch says. The last line of one response is about the episodes of one request only."""

    def __init__(self) -> None:
        self._scored = self._failed = 0
        self._gvl: list[GvlResult] = []

    def count(self, event: BatchResult | BatchProblem) -> None:
        if event["event"] == "problem":
            self._failed += 1
            return
        self._scored += 1
        if event["result"]["method"] == "gvl":
            self._gvl.append(event["result"])

    def end(self) -> BatchEnd:
        return {"event": "end", "scored": self._scored, "failed": self._failed, "gvl": means_of(self._gvl)}


def means_of(results: Sequence[GvlResult]) -> GvlMeans | None:
    """The results of GVL together, as the service adds them up. None if there are none."""
    if not results:
        return None
    vocs = [result["voc"] or 0.0 for result in results if result["complete"]]
    return {
        "complete": len(vocs),
        "incomplete": len(results) - len(vocs),
        "mean_voc": sum(vocs) / len(vocs) if vocs else None,
        "mean_voc_failures_zero": sum(vocs) / len(results),
    }


def batch(entries: Sequence[Entry], videos: Sequence[Path], attempts: Attempts) -> Stream[BatchEvent]:
    """Scores episodes. Those that get no result for a reason that passes are sent again, without the others.

    The last event counts all of them.

    :raises Refused: if the complete batch is rejected
    :raises Unanswered: if not every episode has its line in time
    """
    waiting, totals = list(range(len(entries))), Totals()
    while waiting:
        asked, passing = list(waiting), dict[int, BatchProblem]()
        form = form_of([entries[index] for index in asked], videos)
        failure = yield from opened(Request("POST", PATH, form, lines=True), attempts)
        while failure is None:
            event = yield from next_event()
            if isinstance(event, Failure):
                failure = event
            elif event["event"] == "end":
                break
            elif passes(event.get("problem")):
                passing[asked[event["index"]]] = cast(BatchProblem, {**event, "index": asked[event["index"]]})
            else:
                waiting.remove(asked[event["index"]])
                done = cast("BatchResult | BatchProblem", {**event, "index": asked[event["index"]]})
                totals.count(done)
                yield Emit(done)
        if failure is None and not passing:
            break
        if len(waiting) < len(asked):
            attempts.succeeded()
        try:
            yield attempts.pause(failure or longest(passing.values()))
        except Unanswered:
            if failure:
                raise
            for line in passing.values():
                totals.count(line)
                yield Emit(line)
            break
    yield Emit(totals.end())


def passes(problem: Problem | None) -> bool:
    """Whether this is a problem that a retry can mend."""
    if problem is None:
        return False
    try:
        failure_of(problem)
    except Refused:
        return False
    return True


def longest(lines: Iterable[BatchProblem]) -> Failure:
    """The failure of these lines that asks for the longest pause."""
    return max((failure_of(line["problem"]) for line in lines), key=lambda failure: failure.retry_after_s)
