"""The input steps of the authors' first release, written again: which frames a prefix shows, their times, and their pixels.

Sources: commit 4877a0e of the authors' code with qwen-vl-utils 0.0.14 (list of images) and transformers 4.57.1 (video processor of
Qwen3-VL, without metadata). All frames of the prefix are first brought to 336 pixels; the processor then samples some of them.

    python test/engine/published.py > test/fixtures/published_numbers.json

writes numbers for the tests of src/episode/published-frames.ts, of the sizes, and of the pixels.
"""

import json
import math
import sys

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tensors
from torchvision.transforms.v2 import functional as floats

ASSUMED_FPS = 24
MAX_PIXELS = 25_165_824


def sampled(length: int) -> list[int]:
    """Positions in the prefix after its last frame was repeated to make it even."""
    total = length + length % 2
    count = min(min(max(int(total / ASSUMED_FPS * 2), 4), 768), total)
    return np.linspace(0, total - 1, count).round().astype(int).tolist()


def block_times(positions: list[int]) -> list[str]:
    padded = positions + positions[-1:] * (len(positions) % 2)
    seconds = [position / ASSUMED_FPS for position in padded]
    return [f"{(a + b) / 2:.1f}" for a, b in zip(seconds[::2], seconds[1::2], strict=True)]


def side(count: int) -> int:
    """smart_resize of transformers 4.57.1 for a video of `count` frames of 336×336."""
    side = round(336 / 32) * 32
    if round(count / 2) * 2 * side * side > MAX_PIXELS:
        beta = math.sqrt(count * 336 * 336 / MAX_PIXELS)
        side = max(32, math.floor(336 / beta / 32) * 32)
    return side


def first_steps(image: Image.Image) -> torch.Tensor:
    """A frame after qwen-vl-utils: (3, 336, 336), whole numbers."""
    small = image.convert("RGB").resize((244, 244)).resize((224, 224), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.array(small).transpose(2, 0, 1))
    return tensors.resize(pixels, [336, 336], interpolation=InterpolationMode.BICUBIC, antialias=True).float()


def last_step(frame: torch.Tensor, size: int) -> torch.Tensor:
    """A frame after the processor's resize: floats, which can lie a little outside 0…255."""
    return floats.resize(frame, [size, size], interpolation=InterpolationMode.BICUBIC, antialias=True)


def eight_bits(frame: torch.Tensor) -> torch.Tensor:
    return frame.round().clamp(0, 255).to(torch.uint8)


def pattern(width: int, height: int) -> np.ndarray:
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((x * 7 + y * 13 + c * 31 + (x * y) % 97 + 128 * ((x // 9 + y // 5) % 2)) % 256).astype(np.uint8)


def main() -> None:
    lengths = [1, 2, 3, 4, 5, 7, 24, 47, 48, 49, 60, 100, 131, 300, 1023, 2945, 3001, 4610, 9216, 9999]
    counts = [1, 2, 4, 25, 244, 245, 246, 247, 303, 304, 383, 384, 385, 512, 768]
    source = (640, 480)
    frame = first_steps(Image.fromarray(pattern(*source)))
    places = [(row, column) for row in range(0, 224, 31) for column in range(0, 224, 29)]
    pixels = {
        size: [eight_bits(last_step(frame, size))[:, row, column].tolist() for row, column in places]
        for size in (320, 288, 256, 224)
    }
    json.dump(
        {
            "frames": [{"length": n, "positions": sampled(n), "times": block_times(sampled(n))} for n in lengths],
            "sides": [{"count": count, "side": side(count)} for count in counts],
            "pixels": {"source": source, "places": places, "values": pixels},
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
