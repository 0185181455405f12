"""Starts a small Ray cluster, and then ``python -m topreward.ray`` in the same process. Says whether Ray reports its usage."""

import sys
from importlib import import_module

from topreward.ray.cluster import import_ray
from topreward.ray.command import main

if __name__ == "__main__":
    ray = import_ray()
    ray.init(num_cpus=8, object_store_memory=200_000_000)
    print("telemetry:", import_module("ray._common.usage.usage_lib").usage_stats_enabled(), file=sys.stderr)
    sys.exit(main(sys.argv[1:]))
