"""Reads a recording with rerun's own reader, and prints the rows of every entity as JSON.

python read_rerun.py RECORDING.rrd
"""

import json
import sys
from collections import defaultdict
from typing import Any

from rerun.recording import load_archive

(recording,) = load_archive(sys.argv[1]).all_recordings()
entities = defaultdict[str, list[Any]](list)
for chunk in recording.chunks():
    batch = chunk.to_record_batch()
    if "frame_index" in batch.schema.names:
        seconds = [time.value / 1e9 for time in batch.column("timestamp")]
        columns = [batch.column("frame_index").to_pylist(), seconds, batch.column("Scalars:scalars").to_pylist()]
        entities[str(chunk.entity_path)].extend(zip(*columns, strict=True))
print(json.dumps({"application": recording.application_id(), "entities": entities}))
