"""``python -m topreward``: the command ``topreward``."""

import sys

from .cli import main

sys.exit(main())
