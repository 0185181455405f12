"""The files of examples/slurm on a real SLURM."""

import re
import shutil
import time
from pathlib import Path

from ..annotate.conftest import Command, flags, topreward
from ..annotate.layouts import TOP
from ..annotate.proxy import proxy_to
from .conftest import ROOT, Slurm

__all__ = ["topreward"]  # a fixture

EXAMPLES = ROOT / "examples/slurm"


def files_of(folder: Path) -> dict[str, bytes]:
    """The parts and the final files of a run, which is in the folder of its dataset."""
    made = [*folder.glob("*.parquet"), *folder.glob("*.parts/**/*.parquet")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in made}


def logs_of(folder: Path) -> list[str]:
    """The output of each task of an array."""
    return [path.read_text() for path in sorted(folder.glob("topreward-*_*.log"))]


def test_an_array_of_three_tasks_and_a_merge_make_the_files_of_one_run(
    service: str, dataset: Path, tmp_path: Path, slurm: Slurm, topreward: Command
) -> None:
    alone, shared = (Path(shutil.copytree(dataset, tmp_path / name)) for name in ("alone", "shared folder"))
    ended = topreward("annotate", "--root", alone, "--camera", TOP, "--url", service)
    assert ended.code == 0, ended.stderr
    with proxy_to(service) as proxy:
        last = slurm(tmp_path, EXAMPLES / "label-dataset.sh", shared, "--camera", TOP, "--url", proxy.address).strip()
        assert last.isdigit()
        for _ in range(600):
            if not slurm(tmp_path, "squeue", "--noheader", "--format=%i"):
                break
            time.sleep(0.3)
    logs = logs_of(tmp_path)
    assert [re.findall(r"^Shard (\d/\d), from SLURM_ARRAY_TASK_ID=(\d)\.", log) for log in logs] == [
        [(f"{number}/3", str(number))] for number in range(3)
    ], logs
    assert (tmp_path / f"topreward-merge-{last}.log").read_text().splitlines()[-1].endswith("topreward_progress.parquet")
    assert proxy.episodes == 12
    assert files_of(shared) == files_of(alone)


def test_an_array_that_does_not_begin_at_0_and_a_list_of_numbers(
    dataset: Path, tmp_path: Path, slurm: Slurm, topreward: Command
) -> None:
    asked = [*flags(dataset, "http://127.0.0.1:9", tmp_path / "x.parquet"), "--dry-run"]
    for numbers, words in (("10-14:2", ["Shard 0/3", "Shard 1/3", "Shard 2/3"]), ("1,3,7", ["SLURM_ARRAY_TASK_ID="] * 3)):
        folder = tmp_path / numbers
        folder.mkdir()
        slurm(folder, "sbatch", "--wait", f"--array={numbers}", EXAMPLES / "annotate.sbatch", *asked)
        logs = logs_of(folder)
        assert [log.startswith(word) for log, word in zip(logs, words, strict=True)] == [True] * 3, logs
        assert all(("are not all 1 apart" in log) == (numbers == "1,3,7") for log in logs)
