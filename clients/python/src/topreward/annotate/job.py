"""One run, as the flags describe it."""

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..lerobot.checking import frames_of_files
from ..lerobot.dataset import Camera, Dataset, choose_camera, read_dataset
from ..lerobot.episodes import read_episodes, read_tasks
from ..lerobot.failures import UsageError
from ..lerobot.locate import root_of
from ..lerobot.selection import select_episodes
from .options import Options, choose_scale, read_calibration
from .shard import ALL, Shard, choose_shard
from .units import Unit, plan_units

OUTPUT = "topreward_progress.parquet"


@dataclass(frozen=True, slots=True)
class Job:
    """What is scored, how, and where the numbers go.

    ``tasks`` are the texts of the dataset's tasks, if they are needed. ``frames_of_file`` has the frames of all episodes of
    each video file. ``shard`` is i/n.
    """

    dataset: Dataset
    camera: Camera
    options: Options
    tasks: Mapping[int, str]
    frames_of_file: Mapping[str, int]
    units: tuple[Unit, ...]
    shard: Shard
    output: Path
    folder: Path
    url: str
    api_key: str | None
    in_flight: int
    patience_s: float
    fresh: bool
    retry_failed: bool


def job_of(args: argparse.Namespace) -> Job:
    """Read the dataset that the flags name.

    :raises UsageError: if a flag or the dataset is wrong
    """
    shard = choose_shard(args.shard, args.of, os.environ)
    if args.fresh and shard != ALL:
        raise UsageError("--fresh drops the work of all shards: use it without --shard.")
    dataset = read_dataset(root_of(args))
    camera = choose_camera(dataset, args.camera)
    calibration = read_calibration(args.calibration)
    scale = choose_scale(args.scale, calibration)
    episodes = read_episodes(dataset, camera)
    output = (args.out or dataset.root / OUTPUT).absolute()
    if output.is_dir():
        raise UsageError(f"--out {output} is a folder. Name the file, for example {output / OUTPUT}.")
    return Job(
        dataset=dataset,
        camera=camera,
        options=Options(args.prefixes, scale, calibration, args.instruction, args.several_tasks),
        tasks=read_tasks(dataset) if args.several_tasks == "first" else {},
        frames_of_file=frames_of_files(episodes),
        units=tuple(plan_units(select_episodes(episodes, args.episodes))),
        shard=shard,
        output=output,
        folder=folder_of(output),
        url=args.url,
        api_key=args.api_key,
        in_flight=args.in_flight,
        patience_s=args.patience,
        fresh=args.fresh,
        retry_failed=args.retry_failed,
    )


def folder_of(output: Path) -> Path:
    """Return the folder of the run that makes a file: beside it."""
    return output.with_name(f"{output.stem}.parts")
