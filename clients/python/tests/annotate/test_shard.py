"""Which shard a machine has."""

import re

import pytest

from topreward.annotate.shard import choose_shard
from topreward.lerobot.failures import UsageError

from .conftest import Command


def array(task: int, least: int, count: int, step: int = 1) -> dict[str, str]:
    """What SLURM tells a task of an array."""
    greatest = least + (count - 1) * step
    numbers = {"ID": task, "MIN": least, "MAX": greatest, "COUNT": count, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(number) for name, number in numbers.items()}


@pytest.mark.parametrize(
    ("env", "shard"),
    [
        (array(0, 0, 3), (0, 3)),
        (array(2, 0, 3), (2, 3)),
        (array(1, 1, 3), (0, 3)),
        (array(3, 1, 3), (2, 3)),
        (array(14, 10, 4, step=2), (2, 4)),
        (array(7, 7, 1), (0, 1)),
    ],
)
def test_an_array_of_slurm_says_the_shard(
    env: dict[str, str], shard: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose_shard(None, None, env) == shard
    said = (
        f"Shard {shard[0]}/{shard[1]}, from SLURM_ARRAY_TASK_ID={env['SLURM_ARRAY_TASK_ID']}. --shard 0/1 scores everything.\n"
    )
    assert capsys.readouterr().err == said


def test_kubernetes_says_the_number_and_a_flag_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert choose_shard(None, 4, {"JOB_COMPLETION_INDEX": "3"}) == (3, 4)
    assert capsys.readouterr().err == "Shard 3/4, from JOB_COMPLETION_INDEX=3. --shard 0/1 scores everything.\n"


def test_the_flag_wins_and_without_any_there_is_one_shard(capsys: pytest.CaptureFixture[str]) -> None:
    everything = {**array(2, 0, 3), "JOB_COMPLETION_INDEX": "9"}
    assert choose_shard((1, 2), 4, everything) == (1, 2)
    assert choose_shard(None, None, {}) == (0, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("env", "of", "words"),
    [
        ({"JOB_COMPLETION_INDEX": "0"}, None, "add --of with the completions of the Job, or --shard 0/1"),
        ({"JOB_COMPLETION_INDEX": "4"}, 4, "JOB_COMPLETION_INDEX=4 is not below --of 4"),
        ({"JOB_COMPLETION_INDEX": "-1"}, 4, "JOB_COMPLETION_INDEX='-1' is not a number from 0 on"),
        ({"JOB_COMPLETION_INDEX": ""}, 4, "JOB_COMPLETION_INDEX='' is not a number from 0 on"),
        ({**array(0, 0, 3), "SLURM_ARRAY_TASK_ID": "a"}, None, "SLURM_ARRAY_TASK_ID='a' is not a number from 0 on"),
        ({}, 4, "JOB_COMPLETION_INDEX of a Kubernetes Indexed Job, which is not set"),
        (array(0, 0, 3), 3, "JOB_COMPLETION_INDEX of a Kubernetes Indexed Job, which is not set"),
        # --array=1,3,7: SLURM says the step 1
        ({**array(1, 1, 3), "SLURM_ARRAY_TASK_MAX": "7"}, None, "an array of 3 numbers from 1 to 7 that are not all 1 apart"),
        ({**array(7, 1, 3), "SLURM_ARRAY_TASK_MAX": "7"}, None, "an array of 3 numbers from 1 to 7 that are not all 1 apart"),
        (array(4, 0, 3), None, "Use one like --array=0-3, or --shard i/n."),
        ({"SLURM_ARRAY_TASK_ID": "1"}, None, "an array of 0 numbers"),
    ],
)
def test_a_shard_that_nobody_can_know_is_wrong_usage(env: dict[str, str], of: int | None, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        choose_shard(None, of, env)


def test_the_command_says_what_is_missing(topreward: Command, short: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    ended = topreward("annotate", "--root", str(short), "--camera", "observation.images.top", "--dry-run")
    assert (ended.code, ended.stdout) == (2, "")
    assert "add --of with the completions of the Job" in ended.stderr
    wrong = topreward("annotate", "--root", str(short), "--of", "0")
    assert "'0' is not a number from 1 on" in wrong.stderr
    assert topreward("annotate", "--root", str(short), "--camera", "observation.images.top", "--of", "2", "--dry-run").code == 0
