"""Evaluations that are killed, refused and continued."""

import json
import signal
import threading
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topreward.evaluate.journal import read_lines

from ..annotate.conftest import Command, started
from ..annotate.layouts import TOP, write_v3
from ..annotate.proxy import proxy_to
from ..annotate.recordings import recordings
from .conftest import QUICK


def arguments(root: Path, url: str, out: Path) -> list[str | Path]:
    return ["evaluate", "--root", root, "--camera", TOP, "--url", url, "--out", out, *QUICK]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_evaluation_continues_and_makes_the_same_report(
    service: str, short: Path, tmp_path: Path, topreward: Command, kill: signal.Signals
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert topreward(*arguments(short, service, whole)).code == 0
    with proxy_to(service) as first:
        process = started(*map(str, arguments(short, first.address, out)), "--in-flight", "1")
        enough = threading.Event()
        first.on_line = lambda: enough.set() if first.results == 5 else None
        assert enough.wait(60)
        process.send_signal(kill)
        stdout, stderr = process.communicate(timeout=60)
    assert stdout == ""
    if kill is signal.SIGINT:
        assert process.returncode == 130
        assert stderr.endswith("Stopped. Run the same command again to continue.\n")
    assert not (out / "report.json").exists()
    with (out / "results.jsonl").open("ab") as file:
        file.write(b'{"key":"cut')
    known = len(list((out / "results.jsonl").read_text().splitlines())) - 2
    assert known in (4, 5)

    with proxy_to(service) as second:
        ended = topreward(*arguments(short, second.address, out))
    assert ended.code == 0, ended.stderr
    assert second.episodes == 12 - known
    keys = Counter(line.key for line in read_lines(out))
    assert len(keys) == 12
    assert set(keys.values()) == {1}
    for name in ("report.json", "filter.json", "report.html"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name

    with proxy_to(service) as third:
        assert topreward(*arguments(short, third.address, out)).code == 0
    assert third.batches == []


def test_a_busy_service_slows_it_down_and_one_that_stays_busy_ends_it(
    service: str, short: Path, tmp_path: Path, topreward: Command
) -> None:
    with proxy_to(service, refuses=lambda number: True) as proxy:
        ended = topreward(*arguments(short, proxy.address, tmp_path), "--patience", "1")
    assert ended.code == 1
    assert "No result for 1 s. Last failure:" in ended.stderr
    assert not (tmp_path / "report.json").exists()
    with proxy_to(service, refuses=lambda number: number < 4) as proxy:
        ended = topreward(*arguments(short, proxy.address, tmp_path))
    assert ended.code == 0, ended.stderr
    assert proxy.episodes == 12


def test_other_settings_are_refused_and_name_what_differs(
    service: str, short: Path, tmp_path: Path, topreward: Command
) -> None:
    assert topreward(*arguments(short, service, tmp_path), "--episodes", "0").code == 0
    before = (tmp_path / "results.jsonl").read_bytes()
    ended = topreward(*arguments(short, service, tmp_path), "--prompt", "chat", "--instruction", "Another.")
    assert ended.code == 2
    assert "prompt: open before, chat now" in ended.stderr
    assert "instruction: tasks of the dataset before, Another. now" in ended.stderr
    assert "--fresh to start over" in ended.stderr
    assert (tmp_path / "results.jsonl").read_bytes() == before
    # More episodes are no other settings.
    with proxy_to(service) as proxy:
        assert topreward(*arguments(short, proxy.address, tmp_path), "--episodes", "0:2").code == 0
    assert proxy.episodes == 2
    ended = topreward(*arguments(short, service, tmp_path), "--episodes", "0", "--prompt", "chat", "--fresh")
    assert ended.code == 0, ended.stderr


def test_one_broken_episode_fails_only_itself(service: str, tmp_path: Path, topreward: Command) -> None:
    """The table says that the last episode is longer than its video, and one has two tasks."""
    root = write_v3(tmp_path / "dataset", recordings(4, step=3), lengths={3: 10})
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path).to_pylist()
    table[1]["tasks"] = ["Open the drawer.", "Close the drawer."]
    pq.write_table(pa.Table.from_pylist(table), path)
    out = tmp_path / "out"
    ended = topreward(*arguments(root, service, out))
    assert ended.code == 3
    words = "frame-count: The video has 8 frames for this episode, the table of episodes says 10."
    assert f"episode 3: topreward: {words}" in ended.stderr
    rows = {row["name"]: row["problem"] for row in json.loads((out / "report.json").read_text())["episodes"]}
    assert rows == {"0": None, "1": "several-tasks", "2": None, "3": "frame-count"}
    assert json.loads((out / "filter.json").read_text())["keep"] == [0, 2]
    with proxy_to(service) as proxy:
        assert topreward(*arguments(root, proxy.address, out)).code == 3
    assert proxy.batches == []

    with proxy_to(service) as proxy:
        ended = topreward(*arguments(root, proxy.address, tmp_path / "first"), "--several-tasks", "first", "--episodes", "1")
    assert ended.code == 0, ended.stderr
    (batch,) = proxy.batches
    assert {item["episode"]["instruction"] for item in batch} == {"Open the drawer."}
