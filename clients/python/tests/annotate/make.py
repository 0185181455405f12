"""Writes the dataset that the documentation labels: ``python -m tests.annotate.make FOLDER``."""

import sys
from pathlib import Path

from .layouts import write_v3
from .recordings import recordings

write_v3(Path(sys.argv[1]), recordings(6))
