"""What is needed of Ray itself."""

import os
from types import ModuleType

from ..lerobot.failures import UsageError


def import_ray() -> ModuleType:
    """Return the module ``ray`` with ``ray.data``. A cluster that starts in this process then has no telemetry.

    :raises UsageError: if the extra is not installed
    """
    # Read when a cluster starts. A cluster that runs already has decided it on its own.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise UsageError("Ray needs another package: pip install 'topreward-client[ray]'") from None
    module: ModuleType = ray
    return module


def connected_ray() -> ModuleType:
    """Return ``ray``, connected: as the process is already, or to RAY_ADDRESS, or to a new cluster on this machine."""
    ray = import_ray()
    if not ray.is_initialized():
        ray.init()
    return ray
