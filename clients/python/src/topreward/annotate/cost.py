"""What a run costs, before anything is sent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..lerobot.dataset import Dataset
from .units import Unit

# A block is two sampled frames, one second of video. At the reference size, a large model reads 74 tokens for each.
TOKENS_OF_A_BLOCK = 74
# One API process of vLLM reads at most so many seconds of video in a second: docs/reference/benchmarks.md.
ROBOT_SECONDS_PER_SECOND = 107


def cost_of(dataset: Dataset, units: Sequence[Unit], prefixes: Mapping[str, int]) -> dict[str, int | float]:
    """Return the size of a run in numbers.

    ``prompt_tokens`` are those of the longest prefixes: the others share them. ``hours`` is for one vLLM process.
    """
    episodes = [episode for unit in units for episode in unit.episodes]
    shown = sum(sampled_frames(episode.length, dataset.fps) for episode in episodes)
    blocks = sum((sampled_frames(episode.length, dataset.fps) + 1) // 2 for episode in episodes)
    seconds = sum(episode.length for episode in episodes) / dataset.fps
    files = {episode.clip.file if episode.clip else episode.data_file for episode in episodes}
    return {
        "units": len(units),
        "episodes": len(episodes),
        "frames": sum(episode.length for episode in episodes),
        "robot_seconds": round(seconds, 1),
        "prefixes": sum(prefix_count(episode.length, prefixes) for episode in episodes),
        "sampled_frames": shown,
        "prompt_tokens": blocks * TOKENS_OF_A_BLOCK,
        "file_bytes": sum(_size(dataset.root / file) for file in files),
        "hours": round(seconds / ROBOT_SECONDS_PER_SECOND / 3600, 4),
    }


def sampled_frames(length: int, fps: float) -> int:
    """Return how many frames of an episode the model receives: 2 frames per second."""
    step = max(fps / 2, 1)
    return len({min(round(number * step), length - 1) for number in range(int((length - 1) / step) + 1)})


def prefix_count(length: int, prefixes: Mapping[str, int]) -> int:
    """Return how many prefixes of an episode are scored."""
    if "every" in prefixes:
        return -(-length // prefixes["every"])
    return 1 if length <= 2 else min(prefixes["count"], length)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
