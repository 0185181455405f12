"""What the units of a run share while they are scored."""

from dataclasses import dataclass

from .._contract import Model
from ..aio import AsyncClient
from ..lerobot.maker import Settings
from ..lerobot.pacing import Pacer
from ..lerobot.report import Report
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
