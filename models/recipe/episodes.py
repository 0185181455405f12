"""Recorded episodes, and the videos made from them: varied speed, pauses, stops midway, undone tasks, static videos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tasks import BY_NAME, TASKS, asked_in, progress

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

OBJECTS = sorted({task.object for task in TASKS})


@dataclass
class Recording:
    """All episodes of one scene and split, N = episodes × length frames, episode after episode."""

    scene: str
    kinds: list[str]
    pictures: npt.NDArray[np.uint8]  # as recorded, (…, side, side, 3)
    rows: Ints  # (N,): index into ``pictures`` for each frame
    progress: Floats  # (N, tasks); 0 for tasks whose object is not in the scene
    place: Floats  # (N, 14): hand, gripper, object; positions in units of 0.1 m from the middle of the table
    length: int
    base: int = 0  # index of the first frame among all recordings

    def frame(self, number: int) -> npt.NDArray[np.uint8]:
        return self.pictures[self.rows[number]]

    @property
    def task(self) -> int:
        return TASKS.index(BY_NAME[self.scene])


def load(folder: Path, split: str) -> list[Recording]:
    """The recordings of all scenes. The frames stay on disk."""
    recordings = []
    base = 0
    for task in TASKS:
        file = folder / f"{split}-{task.name}.npz"
        state = np.load(file)
        pictures = np.load(file.with_suffix(".npy"), mmap_mode="r")
        kinds = list(state["kinds"])
        rows = np.arange(len(pictures)).reshape(len(kinds), -1)[:, task.settle :].ravel()
        hand_distance = np.linalg.norm(state["hand"] - state["object"], axis=1)
        told = np.zeros((len(pictures), len(TASKS)), dtype=np.float32)
        for asked in asked_in(task.name):
            told[:, TASKS.index(asked)] = progress(asked, state["joint"], state["distance"], hand_distance)
        centre = np.array([0.0, 0.65, 0.15])
        place = np.concatenate([(state["hand"] - centre) * 10, state["gripper"][:, None] * 2 - 1, (state["object"] - centre) * 10], 1)
        place = place.astype(np.float32)
        recordings.append(Recording(task.name, kinds, pictures, rows, told[rows], place[rows], len(rows) // len(kinds), base))
        base += len(rows)
    return recordings


def speed(rng: np.random.Generator, count: int) -> Floats:
    """``count`` positions that rise from 0 to 1, at uneven speed with up to two pauses."""
    pace = np.exp(rng.normal(0.0, 0.5, max(count - 1, 1)))
    pace = np.convolve(pace, np.ones(3) / 3, mode="same")
    for _ in range(rng.integers(0, 3)):
        start = rng.integers(0, len(pace))
        pace[start : start + rng.integers(1, max(2, count // 5))] = 0.0
    if pace.sum() == 0:
        pace[:] = 1.0
    return np.concatenate([[0.0], np.cumsum(pace) / pace.sum()])[:count].astype(np.float32)


SHAPES = ("whole", "stops", "undoes", "still", "backwards", "wavers")


def keyframes(rng: np.random.Generator, shape: str, length: int, count: int) -> Ints:
    """The keyframes of an episode that a video of ``count`` frames has.

    `whole`: all keyframes; stops: ends midway; undoes: goes back after some time; still: one frame; backwards: from the
    end to the start; wavers: forwards and backwards.
    """
    way = speed(rng, count)
    last = length - 1
    if shape == "whole":
        position = way * last
    elif shape == "stops":
        position = way * last * rng.uniform(0.15, 0.7)
    elif shape == "undoes":
        turn = rng.uniform(0.35, 0.7)
        high, low = rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.4)
        position = last * np.where(way < turn, way / turn * high, high + (way - turn) / (1 - turn) * (low - high))
    elif shape == "still":
        position = np.full(count, rng.integers(0, length))
    elif shape == "backwards":
        position = (1.0 - way) * last
    else:
        knots = rng.uniform(0.0, 1.0, 5)
        position = last * np.interp(way, np.linspace(0.0, 1.0, 5), knots)
    return np.clip(np.round(position), 0, last).astype(np.int64)
