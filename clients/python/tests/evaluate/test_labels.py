"""Labels of a LeRobot dataset."""

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward.evaluate.labels import Labels, labels_of
from topreward.lerobot.dataset import Dataset
from topreward.lerobot.episodes import Episode
from topreward.lerobot.failures import UsageError


def episodes(*files: str) -> list[Episode]:
    return [Episode(index, 2 * index, 2, (), file, None, None) for index, file in enumerate(files)]


def read(tmp_path: Path, name: str, content: str) -> Labels:
    (tmp_path / name).write_text(content)
    return labels_of(Dataset(tmp_path, "v3.0", 4.0, (), {}), episodes("a", "a", "a"), tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", '{"0": true, "1": false, "2": null}'),
        ("labels.jsonl", '{"episode": 0, "success": true}\n{"episode": 1, "success": false}\n{"episode": 2}\n'),
        ("labels.csv", "episode,success\n0,true\n1,False\n2,\n"),
    ],
)
def test_a_file_of_labels_has_three_forms(tmp_path: Path, name: str, content: str) -> None:
    assert read(tmp_path, name, content) == {0: True, 1: False, 2: None}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("labels.json", "[true]", "must be an object, for example"),
        ("labels.json", "{", "is not JSON"),
        ("labels.json", '{"0": 1}', "member '0': success must be true, false or empty, found 1"),
        ("labels.json", '{"first": true}', "episode must be the number of an episode, found 'first'"),
        ("labels.csv", "episode,success\n0,yes\n", "line 2: success must be true, false or empty, found 'yes'"),
        ("labels.csv", "episode,success\n0,true\n3,true\n", "line 3: the dataset has no episode 3; the last one is 2"),
        ("labels.csv", "episode,success\n0,true\n0,true\n", "line 3: episode 0 has a label already"),
        ("labels.csv", "episode,label\n0,true\n", "there is no 'label' here. Known: episode, success"),
        ("labels.json", 100_000 * "[", "is not JSON: too many brackets are inside each other"),
        ("labels.csv", f"episode,success\n{5000 * '1'},true\n", "line 2: episode must be the number of an episode"),
        ("labels.txt", "", "must end with .json, .jsonl or .csv"),
    ],
)
def test_a_wrong_file_of_labels_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, name, content)
    assert words in str(raised.value)


def test_a_dataset_without_episodes_has_no_last_one(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("episode,success\n0,true\n")
    with pytest.raises(UsageError, match="the dataset has no episode 0; the last one is None"):
        labels_of(Dataset(tmp_path, "v3.0", 4.0, (), {}), [], file)


@pytest.mark.parametrize(
    "flags",
    [
        pa.array([False, True, False, False, None, True]),
        pa.array([[False], [True], [False], [False], [None], [True]]),
        pa.array([[False], [True], [False], [False], [None], [True]], pa.list_(pa.bool_(), 1)),
        pa.array([0, 1, 0, 0, None, 1], pa.int8()),
        pa.array([0.0, 1.0, math.nan, 0.0, None, 1.0]),
    ],
)
def test_an_episode_with_a_true_frame_is_a_success(tmp_path: Path, flags: Any) -> None:
    columns = {"episode_index": [0, 0, 1, 1, 2, 2], "next.success": flags}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    dataset = Dataset(tmp_path, "v3.0", 4.0, (), {"features": {"next.success": {"dtype": "bool"}}})
    # A data file that is not there gives no labels: its episodes fail for that reason.
    assert labels_of(dataset, episodes(*["a.parquet"] * 3, "gone.parquet"), None) == {0: True, 1: False, 2: True}
    without = Dataset(tmp_path, "v3.0", 4.0, (), {"features": {}})
    assert labels_of(without, episodes(*["a.parquet"] * 3), None) == {}


@pytest.mark.parametrize("columns", [{"episode_index": [0]}, {"next.success": [True]}])
def test_a_file_without_the_column_gives_no_labels(tmp_path: Path, columns: Any) -> None:
    assert of_file(tmp_path, columns) == {}


def test_a_file_that_is_not_parquet_gives_no_labels(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not parquet")
    dataset = Dataset(tmp_path, "v3.0", 4.0, (), {"features": {"next.success": {"dtype": "bool"}}})
    assert labels_of(dataset, episodes("a.parquet"), None) == {}


def test_frames_that_are_not_numbers_are_no_label(tmp_path: Path) -> None:
    assert of_file(tmp_path, {"episode_index": [0, 0], "next.success": [math.nan, math.nan]}) == {0: None}


@pytest.mark.parametrize("flags", [["yes", "no"], [{"a": 1}, {"a": 2}], [[], [True]]])
def test_a_column_of_other_values_is_refused(tmp_path: Path, flags: Any) -> None:
    with pytest.raises(UsageError, match=r"a\.parquet: next\.success is neither true nor false: .* Use --labels\."):
        of_file(tmp_path, {"episode_index": [0, 0], "next.success": flags})


def of_file(tmp_path: Path, columns: Any) -> Labels:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    dataset = Dataset(tmp_path, "v3.0", 4.0, (), {"features": {"next.success": {"dtype": "bool"}}})
    return labels_of(dataset, episodes("a.parquet"), None)
