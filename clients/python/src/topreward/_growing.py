"""Growing episodes without input and output: which frames are kept, named and sent."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from ._check import Frame, is_tensor
from ._contract import Episode
from ._frames import Encoding, Frames, encoded, file_of, frame_of, npy_part
from ._multipart import PIECE_BYTES, Part

Content: TypeAlias = "Frame | bytes | Path"


def is_sampled(index: int, fps: float) -> bool:
    """Whether frame ``index`` (from 0) is sampled while it is the newest: two per second, rounded half to even.

    If a sampling time between two frames rounds up, the earlier frame is used as long as it is the newest.
    """
    step = max(fps / 2, 1)
    newest = (math.ceil((index + 1) / step) - 1) * step
    return min(round(newest), index) == index


def stays_sampled(index: int, fps: float) -> bool:
    """Whether frame ``index`` is sampled in every longer episode too."""
    step = max(fps / 2, 1)
    near = math.floor(index / step)
    return any(round(k * step) == index for k in (near, near + 1))


class Growing:
    """The frames of an unfinished episode.

    With ``fps``, only frames that are sampled while they are the newest are kept, two per second. The contract says that no
    other frame is sampled later. With times, all frames are kept.

    :param fps: frames per second; None if each frame is added with its time
    """

    def __init__(self, instruction: str, fps: float | None, encoding: Encoding, options: dict[str, Any]) -> None:
        self._instruction, self._fps, self._encoding, self._options = instruction, fps, encoding, options
        self.reset()

    def reset(self) -> None:
        """Start a new episode."""
        self._digests: list[str] = []  # one per frame; empty for a frame that is not sampled
        self._times: list[float] = []
        self._contents: dict[str, Content] = {}
        self._first: Frame | None = None
        self.unsent: list[str] = []

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def digests(self) -> list[str]:
        return self._digests

    @property
    def wants_next(self) -> bool:
        """Whether the next frame will be sampled while it is the newest. If not, ``skip`` can take its place."""
        return self._fps is None or is_sampled(len(self), self._fps)

    def skip(self) -> None:
        """Count a frame that is not sampled.

        :raises ValueError: if it is sampled
        """
        if self.wants_next:
            raise ValueError(f"Frame {len(self)} is sampled: add it.")
        self._append("")

    def lose(self) -> None:
        """Count a frame that cannot be used. The episode has no result any more."""
        self._append("")

    def add(self, frame: Any, time_s: float | None = None) -> None:
        """Add a frame. It is copied.

        :raises ValueError: if it cannot be used; it is not added then
        """
        if (time_s is None) == (self._fps is None):
            raise ValueError("A frame needs a time_s if the episode has no fps, and only then.")
        if not self.wants_next:
            self._append("")
            return
        content = self._content(frame)
        digest = digest_of(content)
        if any(isinstance(known, np.ndarray) != isinstance(content, np.ndarray) for known in self._contents.values()):
            raise ValueError("Some frames are files and some are not. Send one kind.")
        if digest not in self._contents:
            self._contents[digest] = content
            self.unsent.append(digest)
        self._append(digest, time_s)

    def forget(self) -> None:
        """Forget frames that were sampled only as long as they were the newest."""
        if self._fps is None:
            return
        for index in range(len(self) - 1):
            if self._digests[index] and not stays_sampled(index, self._fps):
                self._digests[index] = ""
        kept = set(self._digests)
        self._contents = {digest: content for digest, content in self._contents.items() if digest in kept}
        self.unsent = [digest for digest in self.unsent if digest in kept]

    def episode(self, options: dict[str, Any]) -> Episode:
        clock = {"timestamps_s": self._times} if self._fps is None else {"fps": self._fps}
        members = {"instruction": self._instruction, **clock, **self._options, **options, "frame_digests": self._digests}
        return cast(Episode, members)

    def parts(self, digests: Iterable[str]) -> list[Part]:
        """The parts of a form for these frames."""
        contents = [self._contents[digest] for digest in digests]
        arrays = [content for content in contents if isinstance(content, np.ndarray)]
        if arrays:
            return [npy_part(arrays)]
        return [Part("frames", content) for content in contents if not isinstance(content, np.ndarray)]

    def _append(self, digest: str, time_s: float | None = None) -> None:
        self._digests.append(digest)
        if time_s is not None:
            self._times.append(float(time_s))

    def _content(self, frame: Any) -> Content:
        file = file_of(frame)
        if file is not None:
            return file
        pixels = frame_of(frame, self._first)
        self._first = pixels if self._first is None else self._first
        return pixels if self._encoding == "npy" else encoded(pixels, self._encoding)


def digest_of(content: Content) -> str:
    """SHA-256 of a frame: of the bytes of a file, or of the pixels of an array."""
    if isinstance(content, np.ndarray):
        return hashlib.sha256(content.data).hexdigest()
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    digest = hashlib.sha256()
    with content.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def single_frames(frames: Frames) -> list[Any]:
    """The frames in an argument that is one frame, a list of frames, or an array of frames."""
    if isinstance(frames, list | tuple):
        return list(frames)
    several = (isinstance(frames, np.ndarray) or is_tensor(frames)) and frames.ndim == 4
    return list(frames) if several else [frames]
