"""Writes a dataset with lerobot: v3.0, two cameras, one episode for each line of stdin.

python write_dataset.py ROOT SIZE < EPISODES.jsonl

A line is ``{"frames": [path, …], "instruction": "…"}``. Frames are resized to SIZE; the second camera sees them mirrored.
"""

# ruff: noqa: F401, I001 torchvision_on_cpu must be imported first

import json
import sys
from pathlib import Path

import torchvision_on_cpu
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from PIL import Image

root, size = Path(sys.argv[1]), int(sys.argv[2])
camera = {"dtype": "video", "shape": (size, size, 3), "names": ["height", "width", "channels"]}
features = {
    "observation.images.top": camera,
    "observation.images.side": camera,
    "action": {"dtype": "float32", "shape": (2,), "names": None},
}
dataset = LeRobotDataset.create("topreward/drawer", fps=4, features=features, root=root, use_videos=True, vcodec="h264")
for line in sys.stdin:
    episode = json.loads(line)
    for path in episode["frames"]:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize((size, size)))
        dataset.add_frame(
            {
                "observation.images.top": pixels,
                "observation.images.side": np.ascontiguousarray(pixels[:, ::-1]),
                "action": np.zeros(2, np.float32),
                "task": episode["instruction"],
            }
        )
    dataset.save_episode(parallel_encoding=False)
dataset.finalize()
