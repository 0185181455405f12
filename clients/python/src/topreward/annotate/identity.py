"""The identity of a run: everything that decides its numbers. Numbers of two identities never get into one file."""

import hashlib
import json

from .._contract import Model
from ..lerobot.dataset import Camera, Dataset
from ..lerobot.maker import Settings, maker_of
from .options import Options
from .units import Unit


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
        **maker_of(model),
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


def _size(dataset: Dataset, file: str) -> int | None:
    path = dataset.root / file
    return path.stat().st_size if path.is_file() else None


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
