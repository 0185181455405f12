"""What all units of a run need."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..aio import AsyncClient
from .dataset import Camera, Dataset
from .identity import Settings
from .options import Options
from .pacing import Pacer
from .report import Report


@dataclass(frozen=True, slots=True)
class Context:
    """One run. ``model`` is the response of ``GET /v1/model``, ``tasks`` the texts of the dataset's tasks."""

    dataset: Dataset
    camera: Camera
    options: Options
    tasks: Mapping[int, str]
    frames_of_file: Mapping[str, int]
    folder: Path
    settings: Settings
    model: Mapping[str, Any]
    client: AsyncClient
    pacer: Pacer
    report: Report
    patience_s: float
    retry_failed: bool

    @property
    def upload_bytes(self) -> int:
        """Most bytes of the files in a request, with some room for the form."""
        limit: int = self.model["limits"]["upload_bytes"]
        return limit - 1024 * 1024
