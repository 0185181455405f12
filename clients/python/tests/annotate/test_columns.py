"""``--add-column``: a copy of a dataset with the numbers of a run as columns."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward.annotate.columns import FrameValues
from topreward.annotate.dataset_copy import copy_with_columns
from topreward.lerobot.dataset import Dataset
from topreward.lerobot.failures import UsageError

from .conftest import Command, flags
from .layouts import TOP, write_v3, write_v21
from .recordings import recordings


def data_files(root: Path) -> list[Path]:
    return sorted(root.glob("data/*/*.parquet"))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def with_datasets_note(root: Path) -> None:
    """Write the data files as the library ``datasets`` does, which names its features in the metadata."""
    for path in data_files(root):
        table = pq.read_table(path)
        note = {"info": {"features": {name: {"dtype": "int64", "_type": "Value"} for name in table.column_names}}}
        pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(note)}), path, row_group_size=10)


def hub_cache(root: Path, folder: Path) -> Path:
    """Lay out a dataset as a cache of the hub does: every file is a symbolic link to a blob."""
    for number, path in enumerate(sorted(path for path in root.rglob("*") if path.is_file())):
        blob = folder / "blobs" / str(number)
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(path.read_bytes())
        link = folder / "snapshots/1a2b" / path.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    return folder / "snapshots/1a2b"


def test_every_frame_has_its_numbers_and_the_dataset_is_unchanged(topreward: Command, service: str, tmp_path: Path) -> None:
    made = write_v3(tmp_path / "made", recordings(3, step=2), episodes_per_file=2)
    with_datasets_note(made)
    (made / "meta/stats.json").write_text(json.dumps({"action": {"mean": [0.0]}}))
    (made / ".cache").mkdir()
    (made / ".cache/x").write_text("x")
    root = hub_cache(made, tmp_path / "cache")
    before = contents(root)
    output, target = tmp_path / "out/topreward_progress.parquet", tmp_path / "new/dataset"
    columns = ["--add-column", "next.reward=log_prob_true", "--add-column", "progress=progress", "--column-out", target]
    ended = topreward("annotate", *flags(root, service, output), "--prefixes", "count=5", *columns)
    assert ended.code == 0, ended.stderr
    assert f"Copied to {target} with next.reward, progress.\n" in ended.stderr
    assert ended.stdout == f"{output}\n"
    assert contents(root) == before

    progress = pq.read_table(output)
    written = pa.concat_tables(map(pq.read_table, data_files(target)))
    assert written["progress"].equals(progress["progress_sparse"])
    reward = written["next.reward"].to_numpy()
    assert reward.dtype == np.float32
    for episode in range(3):
        rows = (progress["episode_index"].to_numpy() == episode).nonzero()[0]
        known = progress["log_prob_true"].to_numpy()[rows]
        assert np.isnan(known).sum() == len(rows) - 5
        # Progress is a linear function of the log probability, so it has the same values between the prefixes.
        low, high = np.nanmin(known), np.nanmax(known)
        assert (reward[rows] - low) / (high - low) == pytest.approx(progress["progress_sparse"].to_numpy()[rows], abs=1e-5)
        assert reward[rows][~np.isnan(known)] == pytest.approx(known[~np.isnan(known)], abs=1e-6)

    for path in data_files(target):
        old, new = pq.ParquetFile(root / path.relative_to(target)), pq.ParquetFile(path)
        assert new.read().select(old.schema_arrow.names).equals(old.read())
        assert [new.metadata.row_group(number).num_rows for number in range(new.num_row_groups)] == [
            old.metadata.row_group(number).num_rows for number in range(old.num_row_groups)
        ]
        features = json.loads(new.schema_arrow.metadata[b"huggingface"])["info"]["features"]
        assert list(features) == new.schema_arrow.names
        assert features["next.reward"] == {"dtype": "float32", "_type": "Value"}

    info = json.loads((target / "meta/info.json").read_text())
    assert info["features"].pop("next.reward") == {"dtype": "float32", "shape": [1], "names": None}
    del info["features"]["progress"]
    assert info == json.loads((root / "meta/info.json").read_text())
    stats = json.loads((target / "meta/stats.json").read_text())
    assert stats["action"] == {"mean": [0.0]}
    assert stats["next.reward"]["mean"] == pytest.approx([reward.mean()], abs=1e-5)
    assert stats["next.reward"]["q90"] == pytest.approx([np.quantile(reward, 0.9)], abs=1e-5)
    assert stats["progress"]["count"] == [len(reward)]

    videos = sorted(target.glob("videos/**/*.mp4"))
    assert len(videos) == 4
    assert all(video.samefile(root / video.relative_to(target)) and not video.is_symlink() for video in videos)
    changed = {str(path.relative_to(target)) for path in data_files(target)} | {"meta/info.json", "meta/stats.json"}
    assert {name: data for name, data in contents(target).items() if name not in changed} == {
        name: data for name, data in before.items() if name not in changed and not name.startswith(".cache")
    }


def test_a_v21_dataset_gets_statistics_of_each_episode(topreward: Command, service: str, tmp_path: Path) -> None:
    root = write_v21(tmp_path / "v21", recordings(3, step=6))
    rows = [{"episode_index": number, "stats": {"action": {"mean": [0.0]}}} for number in range(3)]
    (root / "meta/episodes_stats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    target = tmp_path / "new"
    target.mkdir()
    output = tmp_path / "topreward_progress.parquet"
    columns = ["--add-column", "next.reward=progress", "--column-out", target]
    refused = topreward("annotate", *flags(root, service, output), "--episodes", "0:2", *columns)
    assert refused.code == 3
    assert "4 frames of the dataset have no value" in refused.stderr
    assert not list(target.iterdir())
    assert not list(tmp_path.glob("*.tmp"))

    ended = topreward("annotate", *flags(root, service, output), "--episodes", "0:2", *columns, "--allow-missing")
    assert ended.code == 0, ended.stderr
    assert "4 frames have NaN." in ended.stderr
    written = pa.concat_tables(map(pq.read_table, data_files(target)))["next.reward"].to_numpy()
    assert written[:8] == pytest.approx(pq.read_table(output)["progress_sparse"].to_numpy())
    assert np.isnan(written[8:]).all()
    stats: list[Any] = [json.loads(line)["stats"] for line in (target / "meta/episodes_stats.jsonl").read_text().splitlines()]
    assert [list(each) for each in stats] == [["action", "next.reward"], ["action", "next.reward"], ["action"]]
    assert stats[0]["next.reward"]["max"] == [1.0]
    assert stats[1]["next.reward"]["std"] == pytest.approx([written[4:8].std()], abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--add-column", "a=progress"], "need each other"),
        (["--column-out", "{new}"], "need each other"),
        (["--add-column", "action=progress", "--column-out", "{new}"], "the dataset has action already"),
        (["--add-column", "a=progress", "--add-column", "a=log_prob_true", "--column-out", "{new}"], "has a already"),
        (["--add-column", "a=score", "--column-out", "{new}"], "neither NAME=log_prob_true"),
        (["--add-column", "a/b=progress", "--column-out", "{new}"], "slash"),
        (["--add-column", "a=progress", "--column-out", "{full}"], "not empty"),
        (["--add-column", "a=progress", "--column-out", "{inside}"], "is in the folder of the dataset"),
        (["--add-column", "a=progress", "--column-out", "{new}", "--shard", "0/2"], "merge them"),
    ],
)
def test_a_wrong_column_is_refused_before_anything_is_sent(
    topreward: Command, short: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "full/x").mkdir(parents=True)
    places = {"new": tmp_path / "new", "full": tmp_path / "full", "inside": short / "copy"}
    given = [argument.format(**places) for argument in arguments]
    ended = topreward("annotate", *flags(short, "http://127.0.0.1:9", tmp_path / "x.parquet"), *given)
    assert ended.code == 2
    assert words in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


def test_a_column_that_only_a_data_file_has_is_not_replaced(topreward: Command, service: str, tmp_path: Path) -> None:
    root = write_v3(tmp_path / "dataset", recordings(1, step=6), images=True)
    (path,) = data_files(root)
    table = pq.read_table(path)
    pq.write_table(table.append_column("next.reward", pa.array([0.0] * 4, pa.float32())), path)
    columns = ["--add-column", "next.reward=progress", "--column-out", tmp_path / "new"]
    ended = topreward("annotate", "--root", root, "--camera", TOP, "--url", service, *columns)
    assert ended.code == 2
    assert "has the column next.reward already" in ended.stderr
    assert not (tmp_path / "new").exists()


def one_frame(root: Path) -> tuple[Dataset, FrameValues]:
    """A dataset of one frame, and a value for it."""
    for folder in ("data/chunk-000", "meta", "videos"):
        (root / folder).mkdir(parents=True)
    pq.write_table(pa.table({"index": [0]}), root / "data/chunk-000/a.parquet")
    (root / "meta/info.json").write_text("{}")
    (root / "videos/a.mp4").write_bytes(b"video")
    zero = np.zeros(1, np.int64)
    return Dataset(root, "v3.0", 4.0, (), {"features": {}}), FrameValues(zero, zero, {"next.reward": np.zeros(1, np.float32)})


def test_a_copy_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.add(os.fstat(handle).st_ino))
    late: list[str] = []
    rename = Path.rename

    def renamed(draft: Path, target: Path) -> Path:
        late.extend(path.name for path in (draft, *draft.rglob("*")) if path.stat().st_ino not in flushed)
        return rename(draft, target)

    monkeypatch.setattr(Path, "rename", renamed)
    copy_with_columns(one_frame(tmp_path / "dataset")[0], tmp_path / "new", one_frame(tmp_path / "other")[1], False)
    assert late == []
    assert tmp_path.stat().st_ino in flushed
    assert sorted(contents(tmp_path / "new")) == ["data/chunk-000/a.parquet", "meta/info.json", "videos/a.mp4"]


def test_what_a_killed_copy_left_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In containers, all processes can have the same number."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    dataset, values = one_frame(tmp_path / "dataset")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            copy_with_columns(dataset, tmp_path / "new", values, False)
    assert len(list(tmp_path.glob("new.*.tmp"))) == 1
    assert copy_with_columns(dataset, tmp_path / "new", values, False) == 0
    assert sorted(contents(tmp_path / "new")) == ["data/chunk-000/a.parquet", "meta/info.json", "videos/a.mp4"]


@pytest.mark.parametrize(
    ("link", "to", "words"),
    [
        ("latest", ".", "latest is the folder"),
        ("videos/up", "../..", "videos/up/dataset is the folder"),
        ("videos/twin", "../data", "videos/twin is the folder"),
        ("videos/b.mp4", "/dev/zero", "b.mp4 is not a file"),
    ],
)
def test_a_copy_has_an_end(tmp_path: Path, link: str, to: str, words: str) -> None:
    dataset, values = one_frame(tmp_path / "dataset")
    (dataset.root / link).symlink_to(to)
    with pytest.raises(UsageError, match=words):
        copy_with_columns(dataset, tmp_path / "new", values, False)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("stats.json", "{", "stats.json: this is not JSON"),
        ("stats.json", "[]", "stats.json: this is not a JSON object"),
        ("episodes_stats.jsonl", "{", "episodes_stats.jsonl line 1: this is not JSON"),
        ("episodes_stats.jsonl", '{"episode_index": 0}', "episodes_stats.jsonl has a row without statistics"),
    ],
)
def test_damaged_statistics_are_a_usage_error(tmp_path: Path, name: str, text: str, words: str) -> None:
    dataset, values = one_frame(tmp_path / "dataset")
    (dataset.root / "meta" / name).write_text(text)
    with pytest.raises(UsageError, match=words):
        copy_with_columns(dataset, tmp_path / "new", values, False)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
