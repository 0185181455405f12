"""Which numbers to ask for. All of it is part of the identity of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..lerobot.failures import UsageError
from ..lerobot.files import read_object

SeveralTasks = Literal["refuse", "first"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of every episode of a run. ``instruction`` replaces the tasks of the dataset."""

    prefixes: Mapping[str, int]
    scale: Literal["episode", "bounds"]
    calibration: Mapping[str, Any] | None
    instruction: str | None
    several_tasks: SeveralTasks

    def episode(self, instruction: str) -> dict[str, Any]:
        """Return these options as the member ``episode`` of a request, without a clock."""
        asked: dict[str, Any] = {
            "instruction": instruction,
            "prefixes": dict(self.prefixes),
            "progress": {"scale": self.scale},
        }
        return {**asked, "calibration": self.calibration} if self.calibration else asked


def read_calibration(path: Path | None) -> dict[str, Any] | None:
    """Read a response of ``POST /v1/calibrations``.

    :raises UsageError: if the file has no such response
    """
    if path is None:
        return None
    calibration = read_object(path)
    if not {"threshold", "bounds", "counts"} <= calibration.keys():
        raise UsageError(f"--calibration {path} is not a response of POST /v1/calibrations.")
    return calibration


def choose_scale(scale: str | None, calibration: Mapping[str, Any] | None) -> Literal["episode", "bounds"]:
    """Return the scale of progress: bounds if a calibration has them, unless another one was requested.

    :raises UsageError: if bounds were requested and there are none
    """
    has_bounds = calibration is not None and calibration["bounds"] is not None
    if scale == "bounds" and not has_bounds:
        raise UsageError("--scale bounds needs a --calibration with bounds.")
    if scale == "episode" or not has_bounds:
        return "episode"
    return "bounds"
