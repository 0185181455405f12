"""Labels LeRobot datasets: ``topreward annotate``, ``topreward merge`` and ``topreward status``."""
