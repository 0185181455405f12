"""Client of topreward-server."""

from ._batch import BatchEnd, BatchItem, BatchProblem, BatchResult
from ._calls import ScoreEvent
from ._contract import (
    BatchEvent,
    Calibration,
    Episode,
    EpisodeResult,
    GvlResult,
    LabelledEpisode,
    LikelihoodResult,
    Model,
    Problem,
    RewardResult,
)
from ._frames import Encoding, Frames
from .aio import AsyncClient
from .client import Client
from .errors import (
    FramesMissing,
    InvalidRequest,
    Refused,
    ServiceFault,
    TopRewardError,
    Unanswered,
    Unauthorized,
    UnusableAnswer,
)
from .growing import AsyncGrowingEpisode, GrowingEpisode

__all__ = [
    "AsyncClient",
    "AsyncGrowingEpisode",
    "BatchEnd",
    "BatchEvent",
    "BatchItem",
    "BatchProblem",
    "BatchResult",
    "Calibration",
    "Client",
    "Encoding",
    "Episode",
    "EpisodeResult",
    "Frames",
    "FramesMissing",
    "GrowingEpisode",
    "GvlResult",
    "InvalidRequest",
    "LabelledEpisode",
    "LikelihoodResult",
    "Model",
    "Problem",
    "Refused",
    "RewardResult",
    "ScoreEvent",
    "ServiceFault",
    "TopRewardError",
    "Unanswered",
    "Unauthorized",
    "UnusableAnswer",
]
