"""``--download`` and ``--push-to-hub`` with the real huggingface_hub, against a hub on this machine."""

import json
import os
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ..annotate.layouts import SIDE, TOP, write_v3, write_v21
from ..annotate.recordings import recordings
from .environment import with_extras
from .hub import COMMIT, Hub, hub_with

URL = os.environ["TOPREWARD_URL"]
REPO, TOKEN = "robot/drawer", "hf_secret"


def annotate(hub: Hub, folder: Path, *arguments: object, token: str = TOKEN) -> "subprocess.CompletedProcess[str]":
    env = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hf"),
        "HF_TOKEN": token,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
    }
    return with_extras(folder / "site", "-m", "topreward", "annotate", "--url", URL, *arguments, env=env)


def check_requests(hub: Hub) -> None:
    """The token goes to the hub only, and nobody learns what this machine has."""
    assert not hub.unknown
    assert {asked.headers["authorization"] for asked in hub.asked} == {f"Bearer {TOKEN}"}
    assert hub.stored
    for asked in hub.stored:
        assert "authorization" not in asked.headers
        assert TOKEN.encode() not in asked.body
    assert not any("torch" in asked.headers["user-agent"] for asked in [*hub.asked, *hub.stored])


@pytest.fixture(scope="module")
def v3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes in each file."""
    return write_v3(tmp_path_factory.mktemp("v3") / "dataset", recordings(4, step=4), episodes_per_file=2)


def test_a_dataset_is_downloaded_without_its_other_camera_and_then_labelled(v3: Path, tmp_path: Path) -> None:
    with hub_with(REPO, v3) as hub:
        ended = annotate(hub, tmp_path, "--repo-id", REPO, "--download", "--camera", TOP)
        assert ended.returncode == 0, ended.stderr
        check_requests(hub)
        videos = {f"videos/{TOP}/chunk-000/file-00{number}.mp4" for number in range(2)}
        tables = {str(path.relative_to(v3)) for name in ("meta", "data") for path in v3.glob(f"{name}/**/*") if path.is_file()}
        assert hub.downloaded == videos | tables
        root = tmp_path / f"hf/hub/datasets--robot--drawer/snapshots/{COMMIT}"
        assert pq.read_table(root / "topreward_progress.parquet").num_rows == 24

        hub.asked.clear()
        hub.stored.clear()
        again = annotate(hub, tmp_path, "--repo-id", REPO, "--download", "--camera", TOP)
        assert again.returncode == 0, again.stderr
        assert hub.downloaded == set()
        assert '"robot_seconds_per_second": 0.0' in again.stderr


def test_only_the_files_of_the_chosen_episodes_are_downloaded(v3: Path, tmp_path: Path) -> None:
    with hub_with(REPO, v3) as hub:
        ended = annotate(hub, tmp_path, "--repo-id", REPO, "--download", "--camera", SIDE, "--episodes", "2:", "--dry-run")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["episodes"] == 2
        large = {name for name in hub.downloaded if not name.startswith("meta/")}
        assert large == {"data/chunk-000/file-001.parquet", f"videos/{SIDE}/chunk-000/file-001.mp4"}


def test_a_v21_dataset_is_downloaded_for_one_camera(tmp_path: Path) -> None:
    root = write_v21(tmp_path / "v21", recordings(2, step=6))
    with hub_with(REPO, root) as hub:
        ended = annotate(hub, tmp_path, "--repo-id", REPO, "--revision", COMMIT, "--download", "--camera", TOP, "--dry-run")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["file_bytes"] > 0
        videos = {name for name in hub.downloaded if name.endswith(".mp4")}
        assert videos == {f"videos/chunk-000/{TOP}/episode_00000{number}.mp4" for number in range(2)}


def test_what_cannot_be_downloaded_is_said(v3: Path, tmp_path: Path) -> None:
    with hub_with(REPO, v3) as hub:
        camera = annotate(hub, tmp_path, "--repo-id", REPO, "--download")
        assert (camera.returncode, "--camera" in camera.stderr) == (2, True)
        assert all(name.startswith("meta/") for name in hub.downloaded)
        gone = annotate(hub, tmp_path, "--repo-id", "robot/gone", "--download")
        assert gone.returncode == 1
        assert "robot/gone could not be downloaded" in gone.stderr
        hub.asked.clear()
        without = annotate(hub, tmp_path, "--repo-id", "robot/gone")
        assert (without.returncode, "add --download" in without.stderr) == (2, True)
        assert not hub.asked
    away = annotate(hub, tmp_path / "..", "--repo-id", "robot/gone", "--download")
    assert away.returncode == 1
    assert "robot/gone could not be downloaded" in away.stderr


def test_the_files_are_uploaded_in_one_commit(v3: Path, tmp_path: Path) -> None:
    output = tmp_path / "topreward_progress.parquet"
    flags = ["--root", v3, "--camera", TOP, "--out", output, "--episodes", "0"]
    with hub_with(REPO, v3) as hub:
        nameless = annotate(hub, tmp_path, *flags, "--push-to-hub")
        assert (nameless.returncode, "--push-to-hub USER/NAME" in nameless.stderr) == (2, True)
        anonymous = annotate(hub, tmp_path, *flags, "--push-to-hub", REPO, token="")
        assert (anonymous.returncode, "HF_TOKEN" in anonymous.stderr) == (2, True)
        assert not hub.asked
        assert not output.exists()

        ended = annotate(hub, tmp_path, *flags, "--push-to-hub", REPO)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout == f"{output}\n"
        assert f"progress_path=hf://datasets/{REPO}/topreward_progress.parquet" in ended.stderr
        check_requests(hub)
        names = ("topreward_progress.parquet", "topreward_episodes.parquet")
        assert hub.uploaded == {name: (tmp_path / name).read_bytes() for name in names}
        commits = [asked for asked in hub.asked if asked.path.endswith("/commit/main")]
        assert len(commits) == 1

        hub.refuses = True
        refused = annotate(hub, tmp_path, *flags, "--push-to-hub", REPO)
        assert refused.returncode == 1
        assert f"could not be uploaded to {REPO}" in refused.stderr
        assert output.is_file()
