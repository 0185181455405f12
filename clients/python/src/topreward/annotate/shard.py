"""Which shard of a run this machine has: from ``--shard``, or from a SLURM array or a Kubernetes Indexed Job."""

import argparse
import sys
from collections.abc import Mapping

from ..lerobot.failures import UsageError
from ..lerobot.flags import is_number

Shard = tuple[int, int]
ALL: Shard = (0, 1)


def parse_shard(text: str) -> Shard:
    """Read ``i/n``, with i from 0. For argparse."""
    number, _, count = text.partition("/")
    if not (is_number(number) and is_number(count) and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is not i/n with i from 0 to n - 1, for example 0/4")
    return int(number), int(count)


def choose_shard(shard: Shard | None, of: int | None, env: Mapping[str, str]) -> Shard:
    """Return the shard, and say on stderr where it comes from if no flag says it.

    :param shard: ``--shard``, which wins over everything else
    :param of: ``--of``: the number of shards, which Kubernetes does not tell
    :raises UsageError: if the environment names a shard that cannot be used
    """
    if shard is not None:
        return shard
    task, index = env.get("SLURM_ARRAY_TASK_ID"), env.get("JOB_COMPLETION_INDEX")
    if of is not None and index is None:
        raise UsageError("--of is for JOB_COMPLETION_INDEX of a Kubernetes Indexed Job, which is not set. Use --shard i/n.")
    if index is not None:
        return _said(_of_kubernetes(index, of), f"JOB_COMPLETION_INDEX={index}")
    if task is not None:
        return _said(_of_slurm(env), f"SLURM_ARRAY_TASK_ID={task}")
    return ALL


def _of_kubernetes(index: str, of: int | None) -> Shard:
    if of is None:
        raise UsageError(
            f"JOB_COMPLETION_INDEX={index}, and Kubernetes does not say of how many: add --of with the completions of the Job, "
            "or --shard 0/1 to score everything."
        )
    number = _number("JOB_COMPLETION_INDEX", index)
    if number >= of:
        raise UsageError(f"JOB_COMPLETION_INDEX={index} is not below --of {of}, which are the completions of the Job.")
    return number, of


def _of_slurm(env: Mapping[str, str]) -> Shard:
    """The numbers of an array need not begin at 0, but all have the same distance."""
    names = [f"SLURM_ARRAY_TASK_{name}" for name in ("ID", "MIN", "MAX", "STEP", "COUNT")]
    task, least, greatest, step, count = (_number(name, env.get(name, "0")) for name in names)
    numbers = range(least, greatest + 1, max(step, 1))
    # SLURM says the step 1 for a list of numbers.
    if len(numbers) != count or task not in numbers:
        raise UsageError(
            f"SLURM_ARRAY_TASK_ID={task} is in an array of {count} numbers from {least} to {greatest} that are not all {step} "
            "apart. Use one like --array=0-3, or --shard i/n."
        )
    return numbers.index(task), count


def _number(name: str, text: str) -> int:
    """Read the value of a variable. A negative number would be a shard without any unit."""
    if not is_number(text):
        raise UsageError(f"{name}={text!r} is not a number from 0 on. Use --shard i/n, or unset it.")
    return int(text)


def _said(shard: Shard, source: str) -> Shard:
    number, count = shard
    print(f"Shard {number}/{count}, from {source}. --shard 0/1 scores everything.", file=sys.stderr)
    return shard
