"""The identity of a run: everything that decides its numbers. Numbers of two identities never get into one file."""

import hashlib
import json

from .._contract import Model
from ..lerobot.dataset import Camera, Dataset
from .options import Options
from .units import Unit

Settings = dict[str, str]


def settings_of(dataset: Dataset, camera: Camera, options: Options, model: Model) -> Settings:
    """Return what all units of a run share, by names that people read.

    :param model: the response of ``GET /v1/model``
    """
    feature = dataset.info["features"][camera.key]
    layout = [dataset.layout, dataset.info.get("data_path"), dataset.info.get("video_path"), feature]
    return {
        "dataset": _digest(layout),
        "fps": f"{dataset.fps:g}",
        "camera": camera.key,
        "prefixes": ", ".join(f"{name}={number}" for name, number in options.prefixes.items()),
        "scale": options.scale,
        "calibration": _digest(options.calibration) if options.calibration else "none",
        "instruction": options.instruction or "tasks of the dataset",
        "several tasks": options.several_tasks,
        "model": model["model"],
        "engine": f"{model['engine']['name']} {model['engine']['version']}",
        "prompt layout": model["prompts"]["open"]["layout"],
    }


def run_of(settings: Settings, unit: Unit, dataset: Dataset) -> str:
    """Return the SHA-256 of the settings, the rows of a unit and the sizes of its files."""
    files = {episode.clip.file if episode.clip else episode.data_file for episode in unit.episodes}
    rows = [
        [episode.index, episode.first_frame, episode.length, episode.tasks, episode.clip and episode.clip.start_s]
        for episode in unit.episodes
    ]
    sizes = [[file, _size(dataset, file)] for file in sorted(files)]
    return _digest([settings, rows, sizes])


def differences(before: Settings, now: Settings) -> list[str]:
    """Return what is not the same, one line each."""
    return [
        f"{name}: {before.get(name)} before, {now.get(name)} now"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _size(dataset: Dataset, file: str) -> int | None:
    path = dataset.root / file
    return path.stat().st_size if path.is_file() else None


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
