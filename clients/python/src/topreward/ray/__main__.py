"""``python -m topreward.ray``: ``topreward annotate`` on a Ray cluster."""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
