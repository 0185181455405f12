"""``topreward.ray`` on a real Ray cluster on this machine: the bytes of ``topreward annotate``, whatever happens."""

import argparse
import asyncio
import json
import os
import pickle
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from topreward.annotate.command import add_scoring_flags
from topreward.annotate.folder import journal_path
from topreward.annotate.identity import run_of
from topreward.annotate.job import job_of
from topreward.annotate.journal import open_journal
from topreward.annotate.run import begin
from topreward.ray.worker import ScoreUnits

from ..annotate.conftest import Command, Ended, flags, topreward
from ..annotate.layouts import write_v3
from ..annotate.proxy import proxy_to
from ..annotate.recordings import recordings
from .conftest import EXAMPLE, ON_RAY, Ray

__all__ = ["topreward"]  # a fixture


def files_of(folder: Path) -> dict[str, bytes]:
    """The parts and the final files of a run."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.glob("**/*.parquet"))}


@pytest.fixture(scope="module")
def alone(service: str, dataset: Path, tmp_path_factory: pytest.TempPathFactory, ray: Ray) -> dict[str, bytes]:
    """The files of ``topreward annotate``, with the same Python."""
    folder = tmp_path_factory.mktemp("alone")
    ended = ray.run("-m", "topreward", "annotate", *flags(dataset, service, folder / "topreward_progress.parquet"))
    assert ended.code == 0, ended.stderr
    return files_of(folder)


def rows_of(ended: Ended) -> list[dict[str, object]]:
    """What the example printed, in the order of the episodes."""
    return sorted(map(json.loads, ended.stdout.splitlines()), key=lambda row: int(row["episode_index"]))


def test_it_makes_the_files_of_annotate(
    service: str, dataset: Path, tmp_path: Path, ray: Ray, alone: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service) as proxy:
        ended = ray.run("-m", "topreward.ray", *flags(dataset, proxy.address, output), "--workers", 2, "--in-flight", 1)
    assert (ended.code, ended.stdout) == (0, f"{output}\n"), ended.stderr
    assert '{"episodes": 14, "of": 14, "failed": 0' in ended.stderr
    assert proxy.episodes == 14
    assert proxy.most_active <= 2
    assert files_of(tmp_path) == alone
    assert topreward("status", tmp_path / "topreward_progress.parts").code == 0


def workers_of(driver: int) -> list[int]:
    """The processes of the actors that a driver's cluster has."""
    names = {int(folder.name): _read(folder / "cmdline") for folder in Path("/proc").glob("[0-9]*")}
    parents = {process: int(_read(Path(f"/proc/{process}/stat")).rpartition(")")[2].split()[1]) for process in names}
    return [process for process, name in names.items() if "ScoreUnits" in name and driver in _ancestors(process, parents)]


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the process has ended
        return ") X 0"


def _ancestors(process: int, parents: dict[int, int]) -> set[int]:
    above: set[int] = set()
    while process := parents.get(process, 0):
        above.add(process)
    return above


def test_a_worker_is_killed_and_nothing_is_lost_or_scored_twice(
    service: str, dataset: Path, tmp_path: Path, ray: Ray, alone: dict[str, bytes]
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    enough = threading.Event()
    with proxy_to(service) as proxy:
        proxy.on_line = lambda: enough.set() if proxy.results == 5 else None
        driver = ray.start(ON_RAY, *flags(dataset, proxy.address, output), "--workers", 2, "--in-flight", 1)
        assert enough.wait(120), ray.end(driver)
        workers = workers_of(driver.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        ended = ray.end(driver)
    assert (ended.code, ended.stdout.splitlines()[-1]) == (0, str(output)), ended.stderr
    assert "telemetry: False" in ended.stderr
    assert '{"episodes": 14, "of": 14, "failed": 0' in ended.stderr
    assert files_of(tmp_path) == alone
    # The killed worker had one unit: two episodes. What its journal had is not requested again.
    assert 14 <= proxy.episodes <= 16


def test_a_broken_episode_is_a_row(service: str, tmp_path: Path, ray: Ray, topreward: Command) -> None:
    broken = write_v3(tmp_path / "dataset", recordings(12, step=3), episodes_per_file=2, lengths={5: 12})
    output = tmp_path / "topreward_progress.parquet"
    asked = flags(broken, service, output)
    # Half of the units are scored without Ray, before.
    assert topreward("annotate", *asked, "--shard", "0/2").code == 3
    with proxy_to(service) as proxy:
        ended = ray.run(EXAMPLE, *flags(broken, proxy.address, output))
    assert ended.code == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert proxy.episodes == 6
    rows = rows_of(ended)
    assert [row["episode_index"] for row in rows] == list(range(12))
    assert [row["problem"] for row in rows if row["problem"] is not None] == ["frame-count"]
    assert rows[5]["score"] is None
    assert all(isinstance(row["score"], float) for row in rows if row["episode_index"] != 5)
    merged = topreward("merge", tmp_path / "topreward_progress.parts")
    assert merged.code == 3
    assert "episode 5: frame-count" in merged.stderr
    assert rows_of(ray.run(EXAMPLE, *asked)) == rows


def test_a_service_that_goes_away_ends_the_run_and_annotate_continues_it(
    service: str, dataset: Path, tmp_path: Path, ray: Ray, alone: dict[str, bytes], topreward: Command
) -> None:
    output = tmp_path / "topreward_progress.parquet"
    with proxy_to(service, lambda number: number >= 2) as proxy:
        asked = [*flags(dataset, proxy.address, output), "--workers", 1, "--in-flight", 1, "--patience", 1]
        ended = ray.run(ON_RAY, *asked)
    assert (ended.code, ended.stdout) == (1, ""), ended.stderr
    assert "10 episodes were not scored. Run again to continue. The first reason: No result for 1 s." in ended.stderr
    # The first unit that failed was tried at most three times, the others not at all.
    assert len(proxy.batches) <= 5
    with proxy_to(service) as proxy:
        ended = ray.run("-m", "topreward", "annotate", *flags(dataset, proxy.address, output))
    assert ended.code == 0, ended.stderr
    assert proxy.episodes == 10
    assert files_of(tmp_path) == alone
    with proxy_to(service) as proxy:
        ended = ray.run("-m", "topreward.ray", *flags(dataset, proxy.address, output))
    assert (ended.code, ended.stdout, proxy.batches) == (0, f"{output}\n", []), ended.stderr
    assert files_of(tmp_path) == alone


def test_a_machine_without_the_folder_scores_nothing(service: str, dataset: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_scoring_flags(parser)
    job = job_of(parser.parse_args(list(map(str, flags(dataset, service, tmp_path / "here/topreward_progress.parquet")))))
    begun = begin(job)
    elsewhere = tmp_path / "elsewhere/topreward_progress.parts"
    worker = ScoreUnits(replace(job, folder=elsewhere), *begun)

    async def rows() -> list[dict[str, object]]:
        units = pa.table({"unit": [pickle.dumps(unit) for unit in job.units[:2]]})
        return [row async for table in worker(units) for row in table.to_pylist()]

    made = asyncio.run(rows())
    assert [(row["episode_index"], row["problem"]) for row in made] == [(index, "not-scored") for index in range(4)]
    assert made[0]["problem_detail"] == f"{elsewhere} is not the folder of a run: it has no run.json."
    assert not elsewhere.parent.exists()


def test_a_damaged_journal_is_a_reason(service: str, dataset: Path, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_scoring_flags(parser)
    job = job_of(parser.parse_args(list(map(str, flags(dataset, service, tmp_path / "topreward_progress.parquet")))))
    settings, model = begin(job)
    (unit, *_) = job.units
    with open_journal(journal_path(job.folder, unit.name), run_of(settings, unit, job.dataset)):
        pass
    with journal_path(job.folder, unit.name).open("ab") as journal:
        journal.write(b"\xff\n")
    worker = ScoreUnits(job, settings, model)

    async def rows() -> list[dict[str, object]]:
        return [row async for table in worker(pa.table({"unit": [pickle.dumps(unit)]})) for row in table.to_pylist()]

    made = asyncio.run(rows())
    assert [row["problem"] for row in made] == ["not-scored"] * len(unit.episodes)
    assert "has a line that cannot be read" in str(made[0]["problem_detail"])


def test_the_function_takes_flags_for_scoring_only(dataset: Path, ray: Ray) -> None:
    ended = ray.run(EXAMPLE, "--root", dataset, "--push-to-hub")
    assert ended.code == 2
    assert "unrecognized arguments: --push-to-hub" in ended.stderr
