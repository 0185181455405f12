"""Labels LeRobot datasets on a Ray cluster, with the extra ``ray``: ``python -m topreward.ray`` and ``annotate_with_ray``."""

from .episodes import annotate_with_ray

__all__ = ["annotate_with_ray"]
