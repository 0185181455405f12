"""The recorded Meta-World episodes, and variations of them."""

from dataclasses import dataclass
from pathlib import Path

EPISODES = Path(__file__).parents[4] / "examples/episodes"
INSTRUCTION = "Open the drawer."
FPS = 4


@dataclass(frozen=True)
class Recording:
    """The frames of an episode: JPEG files, 4 frames per second."""

    frames: tuple[Path, ...]
    instruction: str = INSTRUCTION


def _files(name: str) -> tuple[Path, ...]:
    return tuple(sorted((EPISODES / f"drawer-open-v3-{name}").glob("*.jpg")))


def recordings(count: int, step: int = 1) -> list[Recording]:
    """Return different episodes: a success, a failure, both reversed, then the same without their first frames.

    :param step: take every n-th frame, which makes shorter episodes
    """
    kinds = [_files("success"), _files("failure"), _files("success")[::-1], _files("failure")[::-1]]
    return [Recording(kinds[number % 4][number // 4 :: step]) for number in range(count)]
