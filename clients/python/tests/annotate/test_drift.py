"""Episodes whose ``from_timestamp`` is later than the frames before them say."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from .conftest import Command, flags
from .layouts import TOP, write_v3
from .recordings import FPS, recordings
from .test_annotate import frames_of, score


def test_a_drift_of_more_than_half_a_frame_shifts_an_episode_and_is_warned_of(
    topreward: Command, service: str, tmp_path: Path
) -> None:
    """The second episode starts 0.7 frames late: it has its frames from the second one on, and one of the next episode.

    The third one starts 1.4 frames late, so the file ends one frame too early for it.
    """
    root = write_v3(tmp_path / "dataset", recordings(3), drift_s=0.7 / FPS)
    output = tmp_path / "topreward_progress.parquet"
    ended = topreward("annotate", *flags(root, service, output), "--allow-missing")
    assert ended.code == 0, ended.stderr

    straight, shifted, cut = pq.read_table(tmp_path / "topreward_episodes.parquet").to_pylist()
    assert "timestamp-drift" not in straight["warnings"]
    assert "timestamp-drift" in shifted["warnings"]
    assert (cut["problem"], cut["warnings"]) == ("frame-count", None)
    assert "The video has 23 frames for this episode, the table of episodes says 24." in cut["problem_detail"]

    progress = pq.read_table(output)["progress_sparse"].to_numpy()
    video = root / f"videos/{TOP}/chunk-000/file-000.mp4"
    for index, first in ((0, 0), (1, 25)):
        expected = score(service, frames_of(video, first, 24))["progress_curve"]
        assert progress[24 * index : 24 * (index + 1)] == pytest.approx(expected, abs=1e-4)


def test_a_drift_of_less_than_half_a_frame_changes_nothing(topreward: Command, service: str, tmp_path: Path) -> None:
    tables = []
    for drift in (0.0, 0.45):
        root = write_v3(tmp_path / f"{drift}", recordings(2, step=3), drift_s=drift / FPS)
        ended = topreward("annotate", *flags(root, service, root / "topreward_progress.parquet"))
        assert ended.code == 0, ended.stderr
        tables.append(pq.read_table(root / "topreward_progress.parquet"))
        warnings = pq.read_table(root / "topreward_episodes.parquet")["warnings"].to_pylist()
        assert [[code for code in codes if code == "timestamp-drift"] for codes in warnings] == [[], []]
    assert tables[0].equals(tables[1])
