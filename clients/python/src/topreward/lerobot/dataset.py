"""What a LeRobot dataset says about itself: ``meta/info.json``, its cameras and its layout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .failures import UsageError
from .files import read_object

FPS_RANGE = "from 0.0001 to 10000"
"""What the contract accepts. The length of an episode with a smaller rate may not be a finite number of seconds."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A feature with RGB frames. ``kind`` says whether they are in video files or in the data files."""

    key: str
    kind: Literal["video", "image"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset on this machine. ``info`` is the content of ``meta/info.json``."""

    root: Path
    layout: Literal["v2.1", "v3.0"]
    fps: float
    cameras: tuple[Camera, ...]
    info: Mapping[str, Any]


def read_dataset(root: Path) -> Dataset:
    """Read ``meta/info.json``.

    :raises UsageError: if the layout is unknown, or if there is no frame rate
    """
    path = root / "meta/info.json"
    info = read_object(path)
    version = str(info.get("codebase_version", ""))
    found = info.get("fps")
    fps = fps_of(found) if isinstance(found, int | float) else None
    if fps is None:
        raise UsageError(f"{path}: fps must be a number {FPS_RANGE}, found {found!r}.")
    features = info.get("features")
    return Dataset(root, _layout(version), fps, _cameras(features if isinstance(features, dict) else {}), info)


def fps_of(value: str | float) -> float | None:
    """Return frames per second; null if it is not a number in FPS_RANGE."""
    try:
        fps = float(value)
    except (ValueError, OverflowError):
        return None
    return fps if 0.0001 <= fps <= 10_000 else None


def _layout(version: str) -> Literal["v2.1", "v3.0"]:
    if version.startswith("v2."):
        return "v2.1"
    if version.startswith("v3."):
        return "v3.0"
    raise UsageError(f"The dataset has the layout {version or 'without codebase_version'}: v2.1 and v3.0 can be read.")


def _cameras(features: Mapping[str, Any]) -> tuple[Camera, ...]:
    """All RGB cameras. Depth maps are left out: no model was trained on them."""
    return tuple(
        Camera(key, feature["dtype"])
        for key, feature in features.items()
        if feature.get("dtype") in ("video", "image") and not _is_depth(feature)
    )


def _is_depth(feature: Mapping[str, Any]) -> bool:
    facts = (feature, feature.get("info") or {}, feature.get("video_info") or {})
    return any(fact.get("is_depth_map") or fact.get("video.is_depth_map") for fact in facts)


def choose_camera(dataset: Dataset, key: str | None) -> Camera:
    """Return the camera with this key, or the only one.

    :raises UsageError: if there is none, no such one, or several to choose from
    """
    names = "\n".join(f"  {camera.key} ({camera.kind})" for camera in dataset.cameras)
    if not dataset.cameras:
        raise UsageError("The dataset has no RGB camera.")
    if key is None and len(dataset.cameras) > 1:
        raise UsageError(f"The dataset has several cameras. Choose one with --camera:\n{names}")
    for camera in dataset.cameras:
        if key in (None, camera.key):
            return camera
    raise UsageError(f"The dataset has no camera {key!r}. It has:\n{names}")
