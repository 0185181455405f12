"""Growing episodes: a training loop or a moving robot adds frames and scores the episode so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ._calls import Settings
from ._contract import LikelihoodResult, RewardResult
from ._frames import Encoding, Frames
from ._growing import Growing, single_frames
from ._sending import score_growing
from ._transport import AsyncTransport, Transport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._contract import EpisodeOptions

ResultT = TypeVar("ResultT", bound="RewardResult | LikelihoodResult")


class Frameset:
    """The frames of an unfinished episode. ``len`` is the number of frames so far."""

    def __init__(self, growing: Growing) -> None:
        self.growing = growing

    def __len__(self) -> int:
        return len(self.growing)

    @property
    def wants_next(self) -> bool:
        """Whether the model receives the next frame. If not, ``skip`` can take its place, and saves rendering it."""
        return self.growing.wants_next

    def add(self, frames: Frames, timestamps_s: float | Iterable[float] | None = None) -> None:
        """Add one frame or several, of any kind that ``Client.score`` takes.

        Arrays and images are copied. Files given as paths are read when they are sent.

        :param timestamps_s: the time of each frame, if the episode has no ``fps``
        :raises ValueError: if a frame cannot be used; the message says how to convert it. Earlier ones are added.
        """
        added = single_frames(frames)
        times: Sequence[float | None] = [None] * len(added)
        if timestamps_s is not None:
            times = list(timestamps_s) if isinstance(timestamps_s, Iterable) else [timestamps_s]
        if len(times) != len(added):
            raise ValueError(f"There are {len(added)} frames and {len(times)} times.")
        for frame, time_s in zip(added, times, strict=True):
            self.growing.add(frame, time_s)

    def skip(self) -> None:
        """Count a frame that the model is not shown, without its pixels.

        :raises ValueError: if ``wants_next`` is true
        """
        self.growing.skip()

    def lose(self) -> None:
        """Count a frame that is lost. If the model should receive it, ``score`` raises Refused until ``reset``."""
        self.growing.lose()

    def reset(self) -> None:
        """Start a new episode with the same instruction and options."""
        self.growing.reset()


class GrowingEpisode(Frameset, Generic[ResultT]):
    """An unfinished episode of a ``Client``.

    Only new frames are sent. If the service has lost earlier ones, they are sent again. Sampled frames stay in memory for
    that: with ``fps``, two per second.
    """

    def __init__(self, transport: Transport, settings: Settings, growing: Growing) -> None:
        super().__init__(growing)
        self._transport, self._settings = transport, settings

    def score(self, **options: Unpack[EpisodeOptions]) -> ResultT:
        """Score the episode so far.

        :param options: more members of the contract's Episode, for this request only
        :raises Refused: if the service rejects the episode
        :raises Unanswered: if there is no result within ``patience_s``; the episode can be scored later
        """
        return cast(ResultT, self._transport.run(score_growing(self._settings, self.growing, dict(options))))


class AsyncGrowingEpisode(Frameset, Generic[ResultT]):
    """An unfinished episode of an ``AsyncClient``: see ``GrowingEpisode``."""

    def __init__(self, transport: AsyncTransport, settings: Settings, growing: Growing) -> None:
        super().__init__(growing)
        self._transport, self._settings = transport, settings

    async def score(self, **options: Unpack[EpisodeOptions]) -> ResultT:
        """Score the episode so far: see ``GrowingEpisode.score``. Add no frames while it is scored."""
        return cast(ResultT, await self._transport.run(score_growing(self._settings, self.growing, dict(options))))


def growing_of(instruction: str, method: str, fps: float | None, encoding: Encoding, options: EpisodeOptions) -> Growing:
    members: dict[str, Any] = {"method": method, **options}
    return Growing(instruction, fps, encoding, members)
