"""Writes curves for the Rerun viewer, on the timelines of ``lerobot-dataset-viz``: ``frame_index`` and ``timestamp``."""

from collections.abc import Mapping
from pathlib import Path

from ..lerobot.failures import UsageError
from ..lerobot.files import replacing
from .curves import Curve


def write_rerun(path: Path, name: str, curves: Mapping[str, Curve]) -> None:
    """Write a recording with one entity for each curve, ``topreward/NAME``.

    :param name: of the recording, for people
    :raises UsageError: if the extra is not installed
    :raises OSError: if the file cannot be written
    """
    try:
        import rerun
        import rerun.blueprint as layout
    except ImportError:
        raise UsageError("--rerun needs another package: pip install 'topreward-client[rerun]'") from None
    recording = rerun.RecordingStream("topreward")
    # The file sink of rerun reports a full disk to the log only, and leaves a cut file.
    written = recording.memory_recording()
    recording.send_recording_name(name)
    # Nats and progress have scales of their own.
    nats = layout.TimeSeriesView(origin="topreward", contents=["$origin/log_prob_true", "$origin/success_threshold"])
    recording.send_blueprint(
        layout.Blueprint(
            layout.Vertical(nats, layout.TimeSeriesView(origin="topreward", contents=["$origin/progress"])),
            auto_views=False,
        )
    )
    for curve_name, curve in curves.items():
        recording.send_columns(
            f"topreward/{curve_name}",
            indexes=[
                rerun.TimeColumn("frame_index", sequence=curve.frames),
                rerun.TimeColumn("timestamp", timestamp=curve.seconds),
            ],
            columns=rerun.Scalars.columns(scalars=curve.values),
        )
    with replacing(path) as draft:
        draft.write_bytes(written.drain_as_bytes())
