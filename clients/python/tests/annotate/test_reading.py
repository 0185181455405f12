"""Reading datasets: layouts, cameras, clocks and tasks. No service is needed."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward.annotate.units import plan_units, shard_of
from topreward.lerobot.dataset import Camera, Dataset, choose_camera, read_dataset
from topreward.lerobot.episodes import Clip, Episode, read_episodes, read_tasks
from topreward.lerobot.failures import UsageError
from topreward.lerobot.locate import find_root
from topreward.lerobot.requests import range_of
from topreward.lerobot.rows import RowSpan, read_images, row_spans, task_of_first_row
from topreward.lerobot.selection import select_episodes

from .layouts import SIDE, TOP, png, write_v3, write_v21
from .recordings import Recording, recordings


def test_v3_episodes_know_their_place_in_the_file_of_the_camera(v3: Path) -> None:
    dataset = read_dataset(v3)
    episodes = read_episodes(dataset, Camera(SIDE, "video"))
    assert [episode.length for episode in episodes] == [24, 24, 24, 24, 23, 23]
    assert [episode.first_frame for episode in episodes] == [0, 24, 48, 72, 96, 119]
    assert episodes[5].data_file == "data/chunk-000/file-001.parquet"
    clip = episodes[5].clip
    assert clip is not None
    assert (clip.file, clip.start_s) == (f"videos/{SIDE}/chunk-000/file-001.mp4", 5.78)
    assert clip.drift == pytest.approx(0.03 * 4)
    assert episodes[0].tasks == ("Open the drawer.",)
    assert read_tasks(dataset) == {0: "Open the drawer."}


def test_v21_episodes_have_a_file_each(tmp_path: Path) -> None:
    dataset = read_dataset(write_v21(tmp_path, recordings(5)))
    episodes = read_episodes(dataset, Camera(TOP, "video"))
    assert [episode.first_frame for episode in episodes] == [0, 24, 48, 72, 96]
    assert episodes[4].data_file == "data/chunk-000/episode_000004.parquet"
    assert episodes[4].clip == Clip(f"videos/chunk-000/{TOP}/episode_000004.mp4", None)
    assert read_tasks(dataset) == {0: "Open the drawer."}
    assert [unit.name for unit in plan_units(episodes)] == ["000000-000004"]
    images = read_dataset(write_v21(tmp_path / "images", recordings(2, step=6), images=True))
    episodes = read_episodes(images, Camera(TOP, "image"))
    assert [unit.name for unit in plan_units(episodes)] == ["000000-000001"]
    assert [len(read_images(images, episode, Camera(TOP, "image"))) for episode in episodes] == [4, 4]


def test_two_cameras_are_a_choice_and_depth_is_none(v3: Path) -> None:
    dataset = read_dataset(v3)
    assert [camera.key for camera in dataset.cameras] == [TOP, SIDE]
    with pytest.raises(UsageError, match=r"(?s)--camera.*top.*side"):
        choose_camera(dataset, None)
    with pytest.raises(UsageError, match="no camera 'depth'"):
        choose_camera(dataset, "depth")
    assert choose_camera(dataset, SIDE) == Camera(SIDE, "video")


def test_images_are_those_of_the_episode(tmp_path: Path) -> None:
    made = recordings(3, step=3)
    dataset = read_dataset(write_v3(tmp_path, made, images=True))
    camera = Camera(SIDE, "image")
    episodes = read_episodes(dataset, camera)
    for episode, recording in zip(episodes, made, strict=True):
        assert read_images(dataset, episode, camera) == [png(frame, mirrored=True) for frame in recording.frames]
    assert row_spans(tmp_path / episodes[0].data_file)[2] == RowSpan(8, 16)


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "gone.png", "."])
def test_only_files_are_images(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    rows = {"episode_index": [0], TOP: [{"bytes": None, "path": path}]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    dataset = Dataset(tmp_path, "v3.0", 4.0, (), {})
    with pytest.raises(FileNotFoundError, match="is not a file"):
        read_images(dataset, Episode(0, 0, 1, (), "a.parquet", None, None), Camera(TOP, "image"))


def test_the_first_row_names_a_task(tmp_path: Path) -> None:
    made = [*recordings(1), Recording(recordings(1)[0].frames, "Close the drawer.")]
    dataset = read_dataset(write_v3(tmp_path, made))
    episodes = read_episodes(dataset, Camera(TOP, "video"))
    tasks = read_tasks(dataset)
    assert [tasks[task_of_first_row(dataset, episode) or 0] for episode in episodes] == [
        "Open the drawer.",
        "Close the drawer.",
    ]


@pytest.mark.parametrize(("start_s", "expected"), [(0.0, (0.0, 1.875)), (5.78, (5.655, 7.655))])
def test_the_range_has_half_a_frame_of_room(start_s: float, expected: tuple[float, float], v3: Path) -> None:
    episode = read_episodes(read_dataset(v3), Camera(TOP, "video"))[0]
    assert range_of(replace(episode, length=8), Clip("x.mp4", start_s), 4.0) == pytest.approx(expected)


def test_units_do_not_cross_files_and_shards_share_them(v3: Path) -> None:
    episodes = read_episodes(read_dataset(v3), Camera(TOP, "video"))
    units = plan_units(episodes)
    assert [unit.name for unit in units] == ["000000-000003", "000004-000005"]
    assert [unit.name for unit in shard_of(units, 1, 2)] == ["000004-000005"]
    many = [replace(episodes[0], index=number) for number in range(150)]
    assert [len(unit.episodes) for unit in plan_units(many)] == [64, 64, 22]


@pytest.mark.parametrize(
    ("selection", "expected"), [(None, [0, 1, 2, 3, 4, 5]), ("0:2", [0, 1]), ("3", [3]), ("0,4:", [0, 4, 5]), (":1", [0])]
)
def test_episodes_are_selected(v3: Path, selection: str | None, expected: list[int]) -> None:
    episodes = read_episodes(read_dataset(v3), Camera(TOP, "video"))
    assert [episode.index for episode in select_episodes(episodes, selection)] == expected


@pytest.mark.parametrize("selection", ["a", "6:", "-1", "1:2:3"])
def test_a_wrong_selection_is_a_usage_error(v3: Path, selection: str) -> None:
    episodes = read_episodes(read_dataset(v3), Camera(TOP, "video"))
    with pytest.raises(UsageError, match="--episodes"):
        select_episodes(episodes, selection)


def test_a_dataset_is_found_where_lerobot_and_the_hub_keep_it(tmp_path: Path) -> None:
    home, hub = tmp_path / "home", tmp_path / "hub"
    env = {"HF_LEROBOT_HOME": str(home), "HF_HUB_CACHE": str(hub), "HOME": str(tmp_path)}
    with pytest.raises(UsageError, match=r"(?s)robot/drawer is not on this machine.*--download"):
        find_root(None, "robot/drawer", None, env)
    cached = hub / "datasets--robot--drawer"
    for commit in ("1a2b", "3c4d"):
        (cached / "snapshots" / commit / "meta").mkdir(parents=True)
        (cached / "snapshots" / commit / "meta/info.json").write_text("{}")
    (cached / "refs").mkdir()
    (cached / "refs/main").write_text("3c4d")
    assert find_root(None, "robot/drawer", None, env) == cached / "snapshots/3c4d"
    assert find_root(None, "robot/drawer", "1a2b", env) == cached / "snapshots/1a2b"
    (home / "robot/drawer/meta").mkdir(parents=True)
    (home / "robot/drawer/meta/info.json").write_text("{}")
    assert find_root(None, "robot/drawer", None, env) == home / "robot/drawer"


def test_a_damaged_table_is_a_usage_error(tmp_path: Path) -> None:
    root = write_v3(tmp_path / "v3", recordings(1, step=6), images=True)
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist([{**row, "length": None} for row in rows]), path)
    with pytest.raises(UsageError, match="rows without a value in length"):
        read_episodes(read_dataset(root), Camera(TOP, "image"))
    path.write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="cannot be read"):
        read_episodes(read_dataset(root), Camera(TOP, "image"))


@pytest.mark.parametrize("text", ["{", "[]", '{"task_index": 0}', '{"task_index": null, "task": "Open the drawer."}'])
def test_a_damaged_table_of_tasks_is_a_usage_error(tmp_path: Path, text: str) -> None:
    root = write_v21(tmp_path / "v21", recordings(1, step=6))
    (root / "meta/tasks.jsonl").write_text(text)
    with pytest.raises(UsageError, match=r"tasks\.jsonl"):
        read_tasks(read_dataset(root))


def test_an_unknown_layout_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/info.json").write_text(json.dumps({"codebase_version": "v4.0", "fps": 30}))
    with pytest.raises(UsageError, match=r"v4\.0"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    "pattern",
    [
        "../../{video_key}/{file_index:03d}.mp4",
        "/etc/{file_index}.mp4",
        "videos/{chunk_index:>9999999999}.mp4",
        "videos/{chunk_index:01000d}.mp4",
        "videos/{other}.mp4",
        "videos/{video_key:03d}.mp4",
        "videos/{video_key.__class__}.mp4",
    ],
)
def test_a_path_that_is_not_one_of_the_dataset_is_a_usage_error(tmp_path: Path, pattern: str) -> None:
    root = write_v3(tmp_path / "v3", recordings(1, step=6))
    info = json.loads((root / "meta/info.json").read_text())
    (root / "meta/info.json").write_text(json.dumps({**info, "video_path": pattern}))
    with pytest.raises(UsageError, match=r"meta/info\.json: video_path is not a path"):
        read_episodes(read_dataset(root), Camera(TOP, "video"))


@pytest.mark.parametrize("pattern", [None, 5, ["videos"]])
def test_a_dataset_without_a_path_is_a_usage_error(tmp_path: Path, pattern: object) -> None:
    root = write_v3(tmp_path / "v3", recordings(1, step=6))
    info = json.loads((root / "meta/info.json").read_text())
    (root / "meta/info.json").write_text(json.dumps({**info, "video_path": pattern}))
    with pytest.raises(UsageError, match=r"meta/info\.json has no video_path"):
        read_episodes(read_dataset(root), Camera(TOP, "video"))
