"""What the units of a run share while they are scored."""

from dataclasses import dataclass

from .._contract import Model
from ..aio import AsyncClient
from ..lerobot.pacing import Pacer
from ..lerobot.report import Report
from .identity import Settings
from .job import Job


@dataclass(frozen=True, slots=True)
class Context:
    """A job, and the service that does it."""

    job: Job
    settings: Settings
    model: Model
    client: AsyncClient
    pacer: Pacer
    report: Report

    @property
    def upload_bytes(self) -> int:
        """Most bytes of the files in a request, with some room for the form."""
        return self.model["limits"]["upload_bytes"] - 1024 * 1024
