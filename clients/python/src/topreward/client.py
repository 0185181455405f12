"""The sync client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal, cast, overload

from . import _calls
from ._batch import BatchItem
from ._calls import ScoreEvent, Settings
from ._contract import (
    BatchEvent,
    Calibration,
    EpisodeResult,
    GvlResult,
    LabelledEpisode,
    LikelihoodResult,
    MethodName,
    Model,
    RewardResult,
)
from ._frames import Encoding, Frames
from ._sending import score_together
from ._transport import Address, Transport
from .growing import GrowingEpisode, ResultT, growing_of

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._calls import ScoreOptions
    from ._contract import CalibrationOptions, EpisodeOptions


class Client:
    """A client of topreward-server. Close it, or use it in a ``with`` block. Threads can share it.

    Requests are repeated after failures that pass, with pauses that grow, for at most ``patience_s``.

    :param url: starts with ``http://`` or ``https://``
    :param api_key: one of the service's ``API_KEYS``; default: the environment variable TOPREWARD_API_KEY
    :param timeout_s: longest time without a byte in either direction: above the service's ``DEADLINE_S``, because a busy
        service reads late
    :param batch_timeout_s: the same for batches: above ``BATCH_DEADLINE_S``
    :param patience_s: longest time for all attempts of a request together; 0: one attempt
    :param batch_patience_s: the same for batches
    :raises ValueError: if the URL or the key cannot be used

    Every method that sends a request raises ``Refused`` if the service rejects it and a retry would not help,
    ``Unanswered`` if there is no result in time, and ``UnusableAnswer`` if the response is not one of topreward-server.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        api_key: str | None = None,
        timeout_s: float = 130.0,
        batch_timeout_s: float = 630.0,
        patience_s: float = 300.0,
        batch_patience_s: float = 3600.0,
    ) -> None:
        address = Address(url, _calls.key_or_environment(api_key))
        self._settings = Settings(address, timeout_s, batch_timeout_s, patience_s, batch_patience_s)
        self._transport = Transport(address)

    def __getstate__(self) -> Settings:
        return self._settings

    def __setstate__(self, settings: Settings) -> None:
        """A copy in another process has the same settings, and connections of its own."""
        self._settings, self._transport = settings, Transport(settings.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def model(self) -> Model:
        """What the service serves, and its limits."""
        return self._transport.run(_calls.model(self._settings))

    @overload
    def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: Literal["topreward"] = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> RewardResult: ...
    @overload
    def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: Literal["instruction_likelihood"],
        **options: Unpack[ScoreOptions],
    ) -> LikelihoodResult: ...
    @overload
    def score(
        self, frames: Frames | None = None, instruction: str = "", *, method: Literal["gvl"], **options: Unpack[ScoreOptions]
    ) -> GvlResult: ...
    @overload
    def score(
        self, frames: Frames | None = None, instruction: str = "", *, method: MethodName, **options: Unpack[ScoreOptions]
    ) -> EpisodeResult: ...
    def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: MethodName = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> EpisodeResult:
        """Score an episode.

        :param frames: the frames of the episode, uint8 RGB: a NumPy array or torch tensor (frames, height, width, 3), a list of
            arrays (height, width, 3) or PIL images, the path of a ``.npy``, or a list of paths or bytes of image files
        :param instruction: what the robot was told to do
        :param method: how the model is asked
        :param options: ``fps`` or ``timestamps_s``; or ``video`` (a path or bytes) with ``from_s`` and ``to_s``; ``encoding``
            of arrays and PIL images (``"npy"`` and ``"png"`` are exact, ``"jpeg"`` is small); members of the contract's Episode
        :returns: the result; ``result["method"]`` says which members it has
        :raises ValueError: if a frame cannot be used; the message says how to convert it
        """
        form = _calls.form_of_episode(frames, instruction, method, options)
        return self._transport.run(_calls.score(self._settings, form))

    @overload
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["topreward"] = "topreward",
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> GrowingEpisode[RewardResult]: ...
    @overload
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["instruction_likelihood"],
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> GrowingEpisode[LikelihoodResult]: ...
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["topreward", "instruction_likelihood"] = "topreward",
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> GrowingEpisode[RewardResult] | GrowingEpisode[LikelihoodResult]:
        """Start a growing episode: ``add`` frames when they arrive, and ``score`` the episode so far.

        :param fps: frames per second; without it, each frame is added with its time
        :param encoding: of arrays and images, as for ``score``
        :param options: members of the contract's Episode, for every request
        """
        growing = growing_of(instruction, method, fps, encoding, options)
        return GrowingEpisode(self._transport, self._settings, growing)

    def score_together(self, episodes: Sequence[GrowingEpisode[ResultT]], **options: Unpack[EpisodeOptions]) -> list[ResultT]:
        """Score the growing episodes of many environments in one batch.

        :param options: more members of the contract's Episode, for this request only
        :returns: their results, in their order
        :raises Refused: if the service rejects one of the episodes
        """
        flow = score_together(self._settings, [episode.growing for episode in episodes], dict(options))
        return cast(list[ResultT], self._transport.run(flow))

    def score_lines(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: MethodName = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> Iterator[ScoreEvent]:
        """Score an episode, and give each prefix as soon as it is known. The last event has the result.

        Parameters are those of ``score``. If the response is cut off, the request is repeated, and no prefix is given twice.
        """
        form = _calls.form_of_episode(frames, instruction, method, options)
        return self._transport.stream(_calls.score_lines(self._settings, form))

    def score_batch(
        self,
        items: Sequence[BatchItem],
        *,
        videos: Sequence[str | PathLike[str]] = (),
        encoding: Encoding = "npy",
        patience_s: float | None = None,
    ) -> Iterator[BatchEvent]:
        """Score many episodes. Each gives one event, in the order in which they are done: ``event["index"]`` is its item.

        The last event, ``"end"``, counts the events of both kinds, and has the means of GVL.

        An episode that fails gives a ``problem`` and does not affect the others. Episodes without a result after a cut
        response, or with a problem that passes (503, 504), are sent again without the others.

        :param videos: video files, from which items choose ranges. They are read in pieces while they are sent
        :param encoding: of arrays and PIL images, as for ``score``
        :param patience_s: longest time for all attempts together; default: ``batch_patience_s`` of the client. With 0, the
            batch is sent once: every problem is an event, and Unanswered is raised if the response is cut off
        :raises Refused: if the complete batch is rejected
        """
        return self._transport.stream(_calls.score_batch(self._settings, items, videos, encoding, patience_s))

    def calibrate(self, episodes: Iterable[LabelledEpisode], **options: Unpack[CalibrationOptions]) -> Calibration:
        """Make a threshold and progress bounds from labelled scores.

        :param episodes: results with ``score``, ``log_prob_range`` and your label ``success`` each
        :param options: members of the contract's CalibrationRequest
        """
        return self._transport.run(_calls.calibrate(self._settings, episodes, options))
