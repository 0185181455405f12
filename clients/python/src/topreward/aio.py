"""The async client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
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
from ._transport import Address, AsyncTransport
from .growing import AsyncGrowingEpisode, ResultT, growing_of

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._calls import ScoreOptions
    from ._contract import CalibrationOptions, EpisodeOptions


class AsyncClient:
    """A client of topreward-server for asyncio, with the parameters and errors of ``Client``."""

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
        self._transport = AsyncTransport(address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def model(self) -> Model:
        """What the service serves, and its limits."""
        return await self._transport.run(_calls.model(self._settings))

    @overload
    async def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: Literal["topreward"] = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> RewardResult: ...
    @overload
    async def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: Literal["instruction_likelihood"],
        **options: Unpack[ScoreOptions],
    ) -> LikelihoodResult: ...
    @overload
    async def score(
        self, frames: Frames | None = None, instruction: str = "", *, method: Literal["gvl"], **options: Unpack[ScoreOptions]
    ) -> GvlResult: ...
    @overload
    async def score(
        self, frames: Frames | None = None, instruction: str = "", *, method: MethodName, **options: Unpack[ScoreOptions]
    ) -> EpisodeResult: ...
    async def score(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: MethodName = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> EpisodeResult:
        """Score an episode: see ``Client.score``."""
        form = _calls.form_of_episode(frames, instruction, method, options)
        return await self._transport.run(_calls.score(self._settings, form))

    @overload
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["topreward"] = "topreward",
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> AsyncGrowingEpisode[RewardResult]: ...
    @overload
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["instruction_likelihood"],
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> AsyncGrowingEpisode[LikelihoodResult]: ...
    def episode(
        self,
        instruction: str,
        *,
        method: Literal["topreward", "instruction_likelihood"] = "topreward",
        fps: float | None = None,
        encoding: Encoding = "npy",
        **options: Unpack[EpisodeOptions],
    ) -> AsyncGrowingEpisode[RewardResult] | AsyncGrowingEpisode[LikelihoodResult]:
        """Start a growing episode: see ``Client.episode``."""
        growing = growing_of(instruction, method, fps, encoding, options)
        return AsyncGrowingEpisode(self._transport, self._settings, growing)

    async def score_together(
        self, episodes: Sequence[AsyncGrowingEpisode[ResultT]], **options: Unpack[EpisodeOptions]
    ) -> list[ResultT]:
        """Score many growing episodes in one batch: see ``Client.score_together``."""
        flow = score_together(self._settings, [episode.growing for episode in episodes], dict(options))
        return cast(list[ResultT], await self._transport.run(flow))

    def score_lines(
        self,
        frames: Frames | None = None,
        instruction: str = "",
        *,
        method: MethodName = "topreward",
        **options: Unpack[ScoreOptions],
    ) -> AsyncIterator[ScoreEvent]:
        """Score an episode prefix by prefix: see ``Client.score_lines``."""
        form = _calls.form_of_episode(frames, instruction, method, options)
        return self._transport.stream(_calls.score_lines(self._settings, form))

    def score_batch(
        self,
        items: Sequence[BatchItem],
        *,
        videos: Sequence[str | PathLike[str]] = (),
        encoding: Encoding = "npy",
        patience_s: float | None = None,
    ) -> AsyncIterator[BatchEvent]:
        """Score many episodes: see ``Client.score_batch``.

        With ``patience_s=0`` the batch is sent once: every problem is an event, and Unanswered is raised if the
        response is cut off. Its ``problem`` and ``retry_after_s`` say why and how long to wait.
        """
        return self._transport.stream(_calls.score_batch(self._settings, items, videos, encoding, patience_s))

    async def calibrate(self, episodes: Iterable[LabelledEpisode], **options: Unpack[CalibrationOptions]) -> Calibration:
        """Make a threshold and progress bounds from labelled scores: see ``Client.calibrate``."""
        return await self._transport.run(_calls.calibrate(self._settings, episodes, options))
