"""Loads a dataset and a progress file with lerobot, and prints the RA-BC weights of all frames as one batch.

python read_weights.py ROOT PROGRESS.parquet CHUNK FALLBACK_WEIGHT
"""

# ruff: noqa: F401, I001 torchvision_on_cpu must be imported first

import json
import sys

import torchvision_on_cpu
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.utils.rabc import RABCWeights

root, progress, chunk, fallback = sys.argv[1:]
dataset = LeRobotDataset("topreward/drawer", root=root)
weights = RABCWeights(progress, chunk_size=int(chunk), head_mode="sparse", fallback_weight=float(fallback))
batch = {"index": torch.tensor(dataset.hf_dataset["index"])}
values, _ = weights.compute_batch_weights(batch)
print(
    json.dumps(
        {
            "index": batch["index"].tolist(),
            "episode_index": torch.tensor(dataset.hf_dataset["episode_index"]).tolist(),
            "weights": values.tolist(),
            "mean": weights.delta_mean,
            "std": weights.delta_std,
        }
    )
)
