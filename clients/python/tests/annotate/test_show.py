"""``topreward show``: the curves, and what it says without an extra. tests/lerobot reads the recordings."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from topreward.lerobot.failures import UsageError
from topreward.show import command
from topreward.show.curves import curves_of_episode, curves_of_file

from .conftest import Command, flags
from .layouts import write_v3
from .recordings import recordings


def test_an_episode_of_a_run_has_curves(topreward: Command, service: str, tmp_path: Path) -> None:
    root = write_v3(tmp_path / "dataset", recordings(2, step=4), lengths={1: 7})
    output = tmp_path / "x.parquet"
    assert topreward("annotate", *flags(root, service, output), "--prefixes", "every=2").code == 3
    curves = curves_of_episode(tmp_path / "x.parts", 0)
    (row, _) = pq.read_table(tmp_path / "x_episodes.parquet").to_pylist()
    assert list(curves["log_prob_true"].frames) == [1, 3, 5]
    assert list(curves["log_prob_true"].seconds) == [0.25, 0.75, 1.25]
    assert list(curves["success_threshold"].values) == [row["success_threshold"]] * 2
    assert len(curves["progress"].values) == len(curves["progress"].seconds) == 6
    with pytest.raises(UsageError, match="Episode 1 has no numbers: frame-count"):
        curves_of_episode(tmp_path / "x.parts", 1)
    with pytest.raises(UsageError, match="has no numbers of episode 2"):
        curves_of_episode(tmp_path / "x.parts", 2)


def result(**changed: Any) -> dict[str, Any]:
    """Five frames at other times than a frame rate would say. The longest prefix has four of them."""
    prefixes = [{"length": 2, "time_s": 1.0, "log_prob_true": -2.0}, {"length": 4, "time_s": 4.0, "log_prob_true": -1.0}]
    return {"prefixes": prefixes, "progress_curve": [0, 0, 0.5, 1, 1], "success": {"threshold": -1.5}, **changed}


def test_times_between_prefixes_are_linear(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(result()))
    curves = curves_of_file(file)
    assert (curves["log_prob_true"].frames, curves["log_prob_true"].seconds) == ([1, 3], [1.0, 4.0])
    assert (curves["progress"].seconds, curves["progress"].values) == ([0.0, 1.0, 2.5, 4.0], [0, 0, 0.5, 1])
    assert list(curves["success_threshold"].seconds) == [0.0, 4.0]
    file.write_text(json.dumps(result(progress_curve=None, success=None)))
    assert list(curves_of_file(file)) == ["log_prob_true"]


def prefix(**changed: Any) -> dict[str, Any]:
    return result(prefixes=[{"length": 2, "time_s": 1.0, "log_prob_true": -2.0, **changed}])


def test_a_length_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({**prefix(length=10**9), "progress_curve": [0, 1]}))
    assert [len(curve.frames) for curve in curves_of_file(file).values()] == [1, 2, 2]
    file.write_text(json.dumps({**prefix(length=1, time_s=0), "progress_curve": [0]}))
    assert [list(curve.seconds) for curve in curves_of_file(file).values()] == [[0.0]] * 3


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 100_000,
        "9" * 5000,
        "[]",
        json.dumps(result(prefixes=[])),
        json.dumps(result(prefixes={})),
        json.dumps(result(prefixes=5)),
        json.dumps(result(progress_curve=5)),
        json.dumps(result(progress_curve=["a"])),
        json.dumps(result(progress_curve=[float("nan")])),
        json.dumps(result(success=[])).replace("[]", "[1]"),
        json.dumps(result(success={"threshold": None})),
        *(json.dumps(prefix(length=value)) for value in (0, -1, 1.0, True, "2", None, 10**18, 10**400)),
        *(json.dumps(prefix(time_s=value)) for value in (None, "1", 1e300, float("inf"), 10**400)),
        *(json.dumps(prefix(log_prob_true=value)) for value in (None, "x", float("nan"), 1e300)),
    ],
)
def test_a_hostile_result_is_refused(tmp_path: Path, hostile: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(hostile)
    with pytest.raises(UsageError, match=r"result\.json(: this is not| is not a result)"):
        curves_of_file(file)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("result.json", [], "pip install 'topreward-client[rerun]'"),
        ("result.json", ["--episode", "1"], "--episode is for the folder of a run"),
        ("other.json", [], 'with the method "topreward"'),
        ("likelihood.json", [], 'with the method "topreward"'),
        ("nested.json", [], "too many brackets are inside each other"),
        ("no.json", [], "cannot be read"),
        (".", [], "choose one with --episode N"),
        (".", ["--episode", "1"], "is not the folder of a run"),
    ],
)
def test_what_is_wrong_is_said(
    name: str,
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    (tmp_path / "result.json").write_text(json.dumps(result()))
    (tmp_path / "other.json").write_text(json.dumps({"method": "gvl", "frames": []}))
    (tmp_path / "likelihood.json").write_text(json.dumps(result(method="instruction_likelihood", prefixes=[{"reward": -1.0}])))
    (tmp_path / "nested.json").write_text(100_000 * "[")
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "out.rrd"
    assert command.run(parser.parse_args([str(tmp_path / name), "--rerun", str(out), *arguments])) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()
