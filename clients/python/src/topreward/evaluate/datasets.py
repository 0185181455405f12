"""A LeRobot dataset as a labelled set."""

import argparse
from collections.abc import Mapping, Sequence

from .._contract import Problem
from ..lerobot.checking import Fault, file_faults, footage_of, frames_of_files, instruction_of
from ..lerobot.dataset import Camera, Dataset, choose_camera, read_dataset
from ..lerobot.episodes import Episode, read_episodes, read_tasks
from ..lerobot.locate import find_root
from ..lerobot.requests import Footage
from ..lerobot.selection import select_episodes
from .labels import labels_of
from .subjects import LabelledSet, Subject, digest, fault


def set_of_dataset(args: argparse.Namespace) -> LabelledSet:
    """Read the dataset that the flags name.

    :raises UsageError: if a flag, the dataset or the file of labels is wrong
    """
    root = find_root(args.root, args.repo_id, args.revision)
    dataset = read_dataset(root)
    camera = choose_camera(dataset, args.camera)
    every = read_episodes(dataset, camera)
    labels = labels_of(dataset, every, args.labels)
    episodes = select_episodes(every, args.episodes)
    instructions = _instructions(dataset, episodes, args)
    footages = _footages(dataset, camera, episodes, frames_of_files(every), instructions)
    name = args.repo_id or root.resolve().name
    settings = {
        "dataset": name,
        "fps": f"{dataset.fps:g}",
        "camera": camera.key,
        "instruction": args.instruction or "tasks of the dataset",
        "several tasks": args.several_tasks,
    }
    subjects = [
        Subject(
            name=str(episode.index),
            task=_task(episode, instructions[episode.index]),
            instruction=_text(instructions[episode.index]),
            success=labels.get(episode.index),
            footage=footages[episode.index],
            identity=_identity(dataset, episode, camera),
            frames=episode.length,
            seconds=episode.length / dataset.fps,
        )
        for episode in episodes
    ]
    return LabelledSet(name, settings, tuple(subjects))


def _instructions(dataset: Dataset, episodes: Sequence[Episode], args: argparse.Namespace) -> dict[int, str | Fault]:
    if args.instruction is not None:
        return dict.fromkeys((episode.index for episode in episodes), args.instruction)
    first_task = args.several_tasks == "first"
    tasks = read_tasks(dataset) if first_task else {}
    return {episode.index: instruction_of(dataset, episode, first_task, tasks) for episode in episodes}


def _footages(
    dataset: Dataset,
    camera: Camera,
    episodes: Sequence[Episode],
    frames_of_file: Mapping[str, int],
    instructions: Mapping[int, str | Fault],
) -> dict[int, Footage | Problem]:
    """Where the frames of each episode are, or why it cannot be sent."""
    faults = file_faults(dataset, episodes)
    footages: dict[int, Footage | Problem] = {}
    for episode in episodes:
        instruction = instructions[episode.index]
        wrong = instruction if isinstance(instruction, Fault) else faults.get(episode.index)
        footages[episode.index] = (
            fault(wrong.code, wrong.detail) if wrong else footage_of(dataset, camera, episode, frames_of_file)
        )
    return footages


def _text(instruction: str | Fault) -> str:
    return "" if isinstance(instruction, Fault) else instruction


def _task(episode: Episode, instruction: str | Fault) -> str:
    """Episodes with one instruction for all of them are still of the dataset's tasks."""
    return episode.tasks[0] if len(episode.tasks) == 1 else _text(instruction)


def _identity(dataset: Dataset, episode: Episode, camera: Camera) -> str:
    """The row of an episode and the size of its file, as annotate has them in the identity of a unit."""
    file = dataset.root / (episode.clip.file if episode.clip else episode.data_file)
    size = file.stat().st_size if file.is_file() else None
    start_s = episode.clip and episode.clip.start_s
    return digest([episode.index, episode.first_frame, episode.length, start_s, camera.key, dataset.fps, size])
