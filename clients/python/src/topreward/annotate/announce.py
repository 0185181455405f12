"""What a person reads when the final files are there."""

import shlex
import sys

from .merge import Merged


def announce(merged: Merged) -> None:
    """Say how to train with the file, and print its path on stdout."""
    lines = [f"{merged.episodes} episodes. One row for each of them: {merged.episodes_file}"]
    if merged.flat:
        lines.append(f"{merged.flat} episodes have a flat curve: their progress is mostly noise.")
    flags = [
        "--sample_weighting.type=rabc",
        f"--sample_weighting.progress_path={shlex.quote(str(merged.output))}",
        "--sample_weighting.head_mode=sparse",
    ]
    if merged.failed:
        flags.append("""--sample_weighting.extra_params='{"fallback_weight": 0}'""")
        lines.append(
            f"{merged.failed} episodes have no numbers: their frames are NaN. LeRobot gives such a frame the weight 1.0, the "
            "largest one, unless fallback_weight is 0."
        )
    lines.append("To train with it: lerobot-train … " + " ".join(flags))
    print("\n".join(lines), file=sys.stderr)
    print(merged.output)
