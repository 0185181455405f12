"""Runs that are killed, refused, divided and continued."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from .conftest import Command, flags, started
from .layouts import SIDE, TOP, write_v3
from .proxy import Proxy, proxy_to
from .recordings import recordings


@pytest.fixture(scope="module")
def undisturbed(service: str, short: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The final files of a run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with started("annotate", *flags(short, service, folder / "topreward_progress.parquet")) as process:
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    return files_of(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}


def test_a_killed_run_continues_and_makes_the_same_bytes(
    service: str, short: Path, tmp_path: Path, undisturbed: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service) as proxy:
        process = started("annotate", *flags(short, proxy.address, output), "--in-flight", "1")
        enough = threading.Event()
        proxy.on_line = lambda: enough.set() if proxy.results == 3 else None
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not output.exists()
    folder = tmp_path / "topreward_progress.parts"
    finished = {path.name: path.read_bytes() for path in folder.glob("parts/*.parquet")}
    assert list(finished) == ["000000-000001.parquet"]
    state = json.loads(topreward("status", folder).stdout)
    assert (state["units_finished"], state["failed"]) == (1, 0)
    assert state["scored"] in (2, 3)
    with proxy_to(service) as proxy:
        ended = topreward("annotate", *flags(short, proxy.address, output))
    assert ended.code == 0, ended.stderr
    assert proxy.episodes == 6 - state["scored"]
    assert files_of(tmp_path) == undisturbed
    assert all((folder / "parts" / name).read_bytes() == content for name, content in finished.items())
    assert not list(folder.glob("parts/*.jsonl"))

    with proxy_to(service) as proxy:
        ended = topreward("annotate", *flags(short, proxy.address, output))
    assert (ended.code, proxy.batches) == (0, [])


def test_an_interrupted_run_says_how_to_continue(
    service: str, short: Path, tmp_path: Path, undisturbed: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service) as proxy:
        process = started("annotate", *flags(short, proxy.address, output), "--in-flight", "1")
        first = threading.Event()
        proxy.on_line = first.set
        assert first.wait(60)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert stderr.endswith("Stopped. Run the same command again to continue.\n")
    assert "Traceback" not in stderr
    assert topreward("annotate", *flags(short, service, output)).code == 0
    assert files_of(tmp_path) == undisturbed


def test_a_terminal_shows_a_bar_and_a_file_gets_lines(service: str, short: Path, tmp_path: Path, topreward: Command) -> None:
    outputs = [tmp_path / name / "topreward_progress.parquet" for name in ("terminal", "lines")]
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 120, 0, 0))
    command = [sys.executable, "-m", "topreward", "annotate", *map(str, flags(short, service, outputs[0]))]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(main, 4096):
                shown += piece
    os.close(main)
    assert process.returncode == 0
    assert b"6/6 [" in shown
    assert b"0 failed, " in shown

    ended = topreward("annotate", *flags(short, service, outputs[1]))
    facts = json.loads(ended.stderr.splitlines()[0])
    rate = facts.pop("robot_seconds_per_second")
    assert facts == {"episodes": 6, "of": 6, "failed": 0, "seconds_left": 0.0}
    assert 0 < rate < 1000


def test_a_busy_service_slows_the_run_down(
    service: str, short: Path, tmp_path: Path, undisturbed: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service, refuses=lambda number: number < 5) as proxy:
        ended = topreward("annotate", *flags(short, proxy.address, output))
    assert ended.code == 0, ended.stderr
    assert len(proxy.batches) == 5 + 3
    assert files_of(tmp_path) == undisturbed


def test_a_service_that_stays_busy_or_away_is_exit_1(service: str, short: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service, refuses=lambda number: True) as proxy:
        ended = topreward("annotate", *flags(short, proxy.address, output), "--patience", "2")
    assert ended.code == 1
    assert "No result for 2 s. Last failure:" in ended.stderr
    away = topreward("annotate", *flags(short, "http://127.0.0.1:9", output), "--patience", "1")
    assert away.code == 1
    assert not output.exists()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four episodes. The table says that the last one is longer than its video, and one has two tasks."""
    root = write_v3(tmp_path_factory.mktemp("broken") / "dataset", recordings(4, step=3), lengths={3: 10})
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1]["tasks"] = ["Open the drawer.", "Close the drawer."]
    pq.write_table(pq.read_table(path).from_pylist(rows), path)
    return root


def test_one_failed_episode_fails_only_itself(service: str, broken: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    ended = topreward("annotate", *flags(broken, service, output))
    assert ended.code == 3
    assert "2 episodes have no numbers" in ended.stderr
    assert "episode 3: frame-count: The video has 8 frames for this episode, the table of episodes says 10." in ended.stderr
    assert ended.stdout == ""
    assert not output.exists()
    rows = pq.read_table(tmp_path / "topreward_episodes.parquet").to_pylist()
    assert [row["problem"] for row in rows] == [None, "several-tasks", None, "frame-count"]

    with proxy_to(service) as proxy:
        ended = topreward("annotate", *flags(broken, proxy.address, output), "--retry-failed", "--allow-missing")
    assert ended.code == 0, ended.stderr
    assert proxy.episodes == 1
    assert "LeRobot gives such a frame the weight 1.0" in ended.stderr
    assert """--sample_weighting.extra_params='{"fallback_weight": 0}'""" in ended.stderr
    table = pq.read_table(output)
    episodes, progress = table["episode_index"].to_numpy(), table["progress_sparse"].to_numpy()
    assert table["index"].to_pylist() == list(range(34))
    assert sorted(set(episodes[np.isnan(progress)].tolist())) == [1, 3]

    state = topreward("status", tmp_path / "topreward_progress.parts")
    assert state.code == 3
    assert json.loads(state.stdout)["problems"] == {"1": "several-tasks", "3": "frame-count"}


def test_several_tasks_can_be_the_first_one(service: str, broken: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    ended = topreward("annotate", *flags(broken, service, output), "--episodes", "1", "--several-tasks", "first")
    assert ended.code == 0, ended.stderr
    assert pq.read_table(tmp_path / "topreward_episodes.parquet")["instruction"].to_pylist() == ["Open the drawer."]


def test_shards_are_merged(
    service: str, short: Path, tmp_path: Path, undisturbed: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    folder = tmp_path / "topreward_progress.parts"
    proxies: list[Proxy] = []
    for shard in ("0/2", "1/2"):
        with proxy_to(service) as proxy:
            ended = topreward("annotate", *flags(short, proxy.address, output), "--shard", shard)
        assert (ended.code, ended.stdout) == (0, ""), ended.stderr
        proxies.append(proxy)
        if shard == "0/2":
            early = topreward("merge", folder)
            assert early.code == 3
            assert "1 of 3 units are not finished" in early.stderr
    assert [proxy.episodes for proxy in proxies] == [4, 2]
    merged = topreward("merge", folder)
    assert (merged.code, merged.stdout) == (0, f"{output}\n"), merged.stderr
    assert files_of(tmp_path) == undisturbed
    assert topreward("status", folder).code == 0


def test_two_settings_never_get_into_one_file(service: str, short: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    usual = [*flags(short, service, output), "--episodes", "0:2"]
    assert topreward("annotate", *usual).code == 0
    before = output.read_bytes()
    other = topreward("annotate", *usual, "--prefixes", "count=3")
    assert other.code == 2
    assert "prefixes: count=15 before, count=3 now" in other.stderr
    assert topreward("annotate", *flags(short, service, output), "--camera", SIDE, "--episodes", "0:2").code == 2
    plan = tmp_path / "topreward_progress.parts/run.json"
    plan.write_text(plan.read_text().replace("topreward-pico 1", "another model"))
    model = topreward("annotate", *usual)
    assert "model: another model before, topreward-pico 1 now" in model.stderr
    assert output.read_bytes() == before
    fresh = topreward("annotate", *usual, "--prefixes", "count=3", "--fresh")
    assert fresh.code == 0, fresh.stderr
    assert output.read_bytes() != before


def test_numbers_of_two_service_versions_never_get_into_one_file(
    service: str, short: Path, tmp_path: Path, topreward: Command
) -> None:
    usual = [*flags(short, service, tmp_path / "topreward_progress.parquet"), "--episodes", "0"]
    assert topreward("annotate", *usual).code == 0
    plan = tmp_path / "topreward_progress.parts/run.json"
    plan.write_text(re.sub(r"topreward-server [^\"]+", "topreward-server 0.0.1", plan.read_text()))
    ended = topreward("annotate", *usual)
    assert ended.code == 2
    assert "service: topreward-server 0.0.1 before, topreward-server " in ended.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--camera", "observation.images.left"], "no camera"),
        (["--episodes", "9:"], "no episode has such a number"),
        (["--scale", "bounds"], "--scale bounds needs a --calibration"),
        (["--prefixes", "count=1"], "neither count=N"),
        (["--shard", "2/2"], "not i/n"),
        (["--shard", "0/2", "--fresh"], "use it without --shard"),
        (["--in-flight", "0"], "neither a number from 1 on nor auto"),
        (["--root", "/nowhere"], "is not a LeRobot dataset"),
        (["--repo-id", "lerobot/pusht"], "use one of them"),
        (["--revision", "v3.0"], "--revision is for --repo-id"),
        (["--instruction", " "], "--instruction is empty"),
        (["--out", "/usr"], "is a folder"),
        (["--patience", "-1"], "'-1' is not a number of seconds"),
        (["--patience", "nan"], "'nan' is not a number of seconds"),
        (["--patience", "1h"], "'1h' is not a number of seconds"),
        (["--url", "127.0.0.1:8080"], "url"),
        (["--calibration", "/nowhere.json"], "cannot be read"),
    ],
)
def test_wrong_usage_is_exit_2(short: Path, tmp_path: Path, topreward: Command, changes: list[str], words: str) -> None:
    ended = topreward("annotate", *flags(short, "http://127.0.0.1:9", tmp_path / "x.parquet"), *changes)
    assert ended.code == 2
    assert words in ended.stderr
    assert not list(tmp_path.iterdir())


def test_merge_says_that_it_cannot_write(service: str, short: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    assert topreward("annotate", *flags(short, service, output), "--episodes", "0").code == 0
    plan = tmp_path / "topreward_progress.parts/run.json"
    plan.write_text(plan.read_text().replace(f'"{output}"', f'"{output}/in-a-file.parquet"'))
    ended = topreward("merge", plan.parent)
    assert (ended.code, ended.stdout) == (2, "")
    assert str(output) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_merge_and_status_want_the_folder_of_a_run(tmp_path: Path, topreward: Command) -> None:
    for command in ("merge", "status"):
        ended = topreward(command, tmp_path)
        assert ended.code == 2
        assert "is not the folder of a run" in ended.stderr


def test_a_second_run_is_kept_away_from_the_same_unit(service: str, short: Path, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service) as proxy:
        first = threading.Event()
        proxy.on_line = first.set
        with started("annotate", *flags(short, proxy.address, output), "--in-flight", "1") as process:
            assert first.wait(60)
            second = topreward("annotate", *flags(short, service, output), "--in-flight", "1")
            stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (0, f"{output}\n"), stderr
    assert second.code == 2
    assert "Another run works on" in second.stderr


def test_a_dataset_can_grow(service: str, tmp_path: Path, topreward: Command) -> None:
    output = tmp_path / "topreward_progress.parquet"
    requested: list[int] = []
    for count in (4, 6):
        root = write_v3(tmp_path / str(count), recordings(count, step=3), episodes_per_file=2)
        with proxy_to(service) as proxy:
            ended = topreward("annotate", *flags(root, proxy.address, output))
        assert ended.code == 0, ended.stderr
        requested.append(proxy.episodes)
    assert requested == [4, 2]
    assert pq.read_metadata(output).num_rows == 48


def test_a_large_file_is_not_read_into_memory(service: str, tmp_path: Path) -> None:
    root = write_v3(tmp_path / "dataset", recordings(1, step=6))
    video = root / f"videos/{TOP}/chunk-000/file-000.mp4"
    padding = 200 * 1024 * 1024
    with video.open("ab") as file:
        file.write(padding.to_bytes(4, "big") + b"free")  # a box that players skip
        file.truncate(file.tell() + padding - 8)
    output = tmp_path / "topreward_progress.parquet"
    process = started("annotate", *flags(root, service, output))
    assert process.stderr is not None
    stderr = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, stderr
    assert usage.ru_maxrss * 1024 < padding
