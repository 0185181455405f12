"""Journals, parts and the final files, byte by byte. No service is needed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward.annotate import tables
from topreward.annotate.journal import open_journal, read_journal
from topreward.annotate.merge import episodes_path
from topreward.annotate.outcomes import Failure, Outcome, Scores
from topreward.lerobot.episodes import Clip, Episode
from topreward.lerobot.failures import UsageError
from topreward.lerobot.files import replacing

SCORES = Scores(
    progress=[0.0, 0.10000000149011612, 1.0],
    prefix_lengths=[1, 3],
    log_prob_true=[-3.9, -0.1234567890123456],
    score=-2.0,
    success=None,
    success_threshold=None,
    voc=1.0,
    log_prob_span=3.8,
    flat=False,
    warnings=["unfamiliar-words"],
)
SCORED = Outcome(4, "Öffne die Schublade.\u2028", SCORES, None)
FAILED = Outcome(5, None, None, Failure("frame-count", "The video has 2 frames."))
EPISODES = [Episode(number, 3 * number, 3, ("x",), "data.parquet", Clip("video.mp4", 0.0), "video.mp4") for number in (4, 5)]


def test_a_journal_keeps_every_digit_and_drops_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "parts/000000-000063.jsonl"
    with open_journal(path, "run 1") as journal:
        journal.add(SCORED)
        journal.add(FAILED)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with open_journal(path, "run 1") as journal:
            lines = whole[:length].count(b"\n")
            assert list(journal.outcomes.values()) == [SCORED, FAILED][: max(0, lines - 1)]
            if SCORED.episode not in journal.outcomes:
                journal.add(SCORED)
            if FAILED.episode not in journal.outcomes:
                journal.add(FAILED)
        assert path.read_bytes() == whole
    assert read_journal(path, "run 1") == {4: SCORED, 5: FAILED}
    assert read_journal(path, "run 2") == {}


def test_an_outcome_is_on_the_disk_before_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    flushed: list[list[str]] = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(path.read_text(encoding="utf-8").split("\n")[:-1]))
    with open_journal(path, "run 1") as journal:
        journal.add(SCORED)
        journal.add(FAILED)
    assert [len(lines) for lines in flushed] == [1, 2, 3]


def test_forgotten_failures_are_scored_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with open_journal(path, "run 1") as journal:
        journal.add(SCORED)
        journal.add(FAILED)
        journal.forget_failures()
        assert journal.outcomes == {4: SCORED}
    assert read_journal(path, "run 1") == {4: SCORED}
    with open_journal(path, "run 1") as journal:
        journal.add(FAILED)
    assert read_journal(path, "run 1") == {4: SCORED, 5: FAILED}


def test_a_journal_of_another_run_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with open_journal(path, "run 1") as journal:
        journal.add(SCORED)
    with open_journal(path, "run 2") as journal:
        assert journal.outcomes == {}
    assert path.read_bytes() == b"run 2\n"


@pytest.mark.parametrize("line", [b"\xff\n", b"{\n", b"{}\n", b"[]\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_journal_is_said(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    with open_journal(path, "run 1") as journal:
        journal.add(SCORED)
    path.write_bytes(path.read_bytes() + line)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"a\.jsonl has a line that cannot be read"):
        read_journal(path, "run 1")
    with pytest.raises(UsageError, match="Remove this file"), open_journal(path, "run 1"):
        pass
    assert path.read_bytes() == before
    with open_journal(path, "run 2") as journal:
        assert journal.outcomes == {}


def test_a_damaged_part_is_said(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    tables.write_table(path, tables.part_table(EPISODES, {4: SCORED, 5: FAILED}), {"run": "abc"})
    whole = path.read_bytes()
    for content in (b"", whole[:50], b"PAR1" + b"\xff" * (len(whole) - 8) + b"PAR1"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"part\.parquet cannot be read"):
            tables.read_part(path)


def test_only_one_process_has_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    code = f"""
from pathlib import Path
from topreward.annotate.journal import open_journal
with open_journal(Path({str(path)!r}), "run"):
    print("open", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(UsageError, match="Another run"), open_journal(path, "run"):
            pass
        process.kill()
    with open_journal(path, "run") as journal:
        assert journal.outcomes == {}


def test_a_part_gives_the_outcomes_back(tmp_path: Path) -> None:
    part = tables.part_table(EPISODES, {4: SCORED, 5: FAILED})
    tables.write_table(tmp_path / "part.parquet", part, {"run": "abc"})
    read = tables.read_part(tmp_path / "part.parquet")
    assert read.schema.metadata[b"run"] == b"abc"
    assert tables.outcomes_of(read) == {4: SCORED, 5: FAILED}


def test_frames_without_numbers_are_nan_and_log_prob_is_null_between_prefixes() -> None:
    frames = tables.frame_table(tables.part_table(EPISODES, {4: SCORED, 5: FAILED}))
    assert frames["index"].to_pylist() == [12, 13, 14, 15, 16, 17]
    assert frames["frame_index"].to_pylist() == [0, 1, 2, 0, 1, 2]
    assert frames["log_prob_true"].to_pylist() == [-3.9, None, -0.1234567890123456, None, None, None]
    assert frames["progress_sparse"].null_count == 0
    assert np.isnan(frames["progress_sparse"].to_numpy()).tolist() == [False] * 3 + [True] * 3


def test_the_bytes_do_not_depend_on_how_rows_were_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_OF_A_GROUP", 1000)
    frames = pa.table(
        {
            "index": np.arange(4500),
            "episode_index": np.zeros(4500, np.int64),
            "frame_index": np.arange(4500),
            "progress_sparse": np.linspace(0, 1, 4500, dtype=np.float32),
            "log_prob_true": pa.array([None if number % 7 else -1.5 for number in range(4500)], pa.float64()),
        },
        schema=tables.PROGRESS_FIELDS,
    )

    def cut(size: int) -> Iterator[pa.Table]:
        for start in range(0, 4500, size):
            yield frames.slice(start, size)

    sizes = (1, 64, 999, 1000, 1001, 2500, 4500)
    for size in sizes:
        assert tables.write_tables(tmp_path / f"{size}.parquet", cut(size), tables.PROGRESS_FIELDS, {"a": "b"}) == 4500
    assert len({(tmp_path / f"{size}.parquet").read_bytes() for size in sizes}) == 1
    metadata = pq.read_metadata(tmp_path / "64.parquet")
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [1000] * 4 + [500]
    assert pq.read_table(tmp_path / "64.parquet").equals(frames.replace_schema_metadata({"a": "b"}))


def test_a_file_is_complete_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write_half() -> None:
        with replacing(path) as draft:
            draft.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    with replacing(path) as draft:
        draft.write_text("whole")
        assert not path.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("output", "expected"),
    [("topreward_progress.parquet", "topreward_episodes.parquet"), ("mine.parquet", "mine_episodes.parquet")],
)
def test_the_episodes_are_beside_the_file(output: str, expected: str) -> None:
    assert episodes_path(Path("/a") / output) == Path("/a") / expected


def test_two_machines_can_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with replacing(path) as first, replacing(path) as second:  # as in two containers, where each process has the number 1
        first.write_text("the same")
        second.write_text("the same")
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]
    assert path.read_text() == "the same"
