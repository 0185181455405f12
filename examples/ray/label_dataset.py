"""Labels a LeRobot dataset on a Ray cluster: one line for each episode. All machines need the folder of the dataset.

    ray job submit --working-dir examples/ray -- \\
        python label_dataset.py --root /shared/my-dataset --camera observation.images.top --url http://topreward:8080
    topreward merge /shared/my-dataset/topreward_progress.parts

A second job continues what the first one left: finished episodes are not scored again.
"""

import json
import sys

from topreward.ray import annotate_with_ray

failed = 0
# The flags are those of `topreward annotate`. The rows come as they are scored.
for row in annotate_with_ray(sys.argv[1:], workers=8).iter_rows():
    failed += row["problem"] is not None
    print(json.dumps({name: row[name] for name in ("episode_index", "score", "success", "problem")}), flush=True)
sys.exit(3 if failed else 0)
