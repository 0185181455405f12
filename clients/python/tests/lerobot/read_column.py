"""Loads a dataset with lerobot, and prints a column frame by frame, with its statistics.

python read_column.py ROOT NAME
"""

# ruff: noqa: F401 torchvision_on_cpu must be imported first

import json
import sys

import torchvision_on_cpu
from lerobot.datasets.lerobot_dataset import LeRobotDataset

root, name = sys.argv[1:]
dataset = LeRobotDataset("topreward/drawer", root=root)
frames = dataset.hf_dataset
print(
    json.dumps(
        {
            "shape": list(dataset.features[name]["shape"]),
            "values": [float(frames[number][name]) for number in range(len(frames))],
            "cameras": sorted(dataset.meta.camera_keys),
            "stats": {key: value.tolist() for key, value in dataset.meta.stats[name].items()},
            "stats_like": sorted(dataset.meta.stats["action"]),
        }
    )
)
