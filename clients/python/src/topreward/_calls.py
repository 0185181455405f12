"""The operations of the service as flows, for the sync and the async client."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias, cast

from ._batch import BatchItem, batch, entries_of
from ._contract import (
    BatchEvent,
    Calibration,
    CalibrationOptions,
    EpisodeOptions,
    EpisodeResult,
    LabelledEpisode,
    LikelihoodPrefixEvent,
    MethodName,
    Model,
    PrefixEvent,
    ResultEvent,
)
from ._flow import Emit, Flow, Request, Stream
from ._frames import Encoding, Frames, parts_of
from ._multipart import Form, Part, json_of
from ._retry import Attempts, Failure, answered, failure_of, next_event, opened
from ._transport import Address

REWARDS = "/v1/rewards"

# An event of score_lines: a prefix, or the result, which is the last one.
ScoreEvent: TypeAlias = PrefixEvent | LikelihoodPrefixEvent | ResultEvent
Video: TypeAlias = "str | PathLike[str] | bytes"


@dataclass(frozen=True)
class Settings:
    """Settings of a client. ``Client`` describes them."""

    address: Address
    timeout_s: float
    batch_timeout_s: float
    patience_s: float
    batch_patience_s: float

    def attempts(self) -> Attempts:
        return Attempts(self.address.url, self.timeout_s, self.patience_s)

    def batch_attempts(self, patience_s: float | None) -> Attempts:
        patience = self.batch_patience_s if patience_s is None else patience_s
        return Attempts(self.address.url, self.batch_timeout_s, patience)


def key_or_environment(api_key: str | None) -> str | None:
    return api_key or os.environ.get("TOPREWARD_API_KEY") or None


class ScoreOptions(EpisodeOptions, total=False):
    """Keyword arguments of ``score``: the options of an episode, its clock, and how its frames are sent."""

    fps: float
    timestamps_s: Sequence[float]
    video: Video
    from_s: float
    to_s: float
    encoding: Encoding


def form_of_episode(frames: Frames | None, instruction: str, method: MethodName, options: ScoreOptions) -> Form:
    """:raises ValueError: unless there are either frames or a video, or if a frame cannot be used"""
    members: dict[str, Any] = {"instruction": instruction, "method": method, **options}
    video, encoding = members.pop("video", None), members.pop("encoding", "npy")
    episode = {name: value for name, value in members.items() if value is not None}
    if (frames is None) == (video is None):
        raise ValueError("Give either frames, or video=path.")
    if video is None:
        return Form("episode", episode, parts_of(frames, encoding))
    return Form("episode", episode, [Part("video", video if isinstance(video, bytes) else Path(fspath(video)))])


def score(settings: Settings, form: Form) -> Flow[EpisodeResult]:
    result = yield from answered(Request("POST", REWARDS, form), settings.attempts())
    return cast(EpisodeResult, result)


def score_lines(settings: Settings, form: Form) -> Stream[ScoreEvent]:
    """Emits each prefix once, also if the response is cut off and the request repeated."""
    attempts, known = settings.attempts(), set[int]()
    while True:
        failure = yield from opened(Request("POST", REWARDS, form, lines=True), attempts)
        while failure is None:
            event = yield from next_event()
            if isinstance(event, Failure):
                failure = event
            elif event["event"] == "problem":
                failure = failure_of(event["problem"])
            elif event["event"] == "result":
                yield Emit(cast(ResultEvent, event))
                return
            elif event["length"] not in known:
                known.add(event["length"])
                yield Emit(cast("PrefixEvent | LikelihoodPrefixEvent", event))
        yield attempts.pause(failure)


def score_batch(
    settings: Settings,
    items: Sequence[BatchItem],
    videos: Sequence[str | PathLike[str]],
    encoding: Encoding,
    patience_s: float | None,
) -> Stream[BatchEvent]:
    paths = [Path(fspath(video)) for video in videos]
    return batch(entries_of(items, paths, encoding), paths, settings.batch_attempts(patience_s))


def calibrate(settings: Settings, episodes: Iterable[LabelledEpisode], options: CalibrationOptions) -> Flow[Calibration]:
    body = json_of({**options, "episodes": list(episodes)})
    return cast(Calibration, (yield from answered(Request("POST", "/v1/calibrations", body), settings.attempts())))


def model(settings: Settings) -> Flow[Model]:
    return cast(Model, (yield from answered(Request("GET", "/v1/model"), settings.attempts())))
