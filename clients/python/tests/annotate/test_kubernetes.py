"""examples/kubernetes: what the two Jobs run, and that their numbers fit together."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from topreward.annotate import command, merge_command
from topreward.annotate.job import OUTPUT, folder_of
from topreward.annotate.shard import choose_shard

EXAMPLES = Path(__file__).parents[4] / "examples/kubernetes"


def job(name: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    assert (made["apiVersion"], made["kind"]) == ("batch/v1", "Job")
    spec: dict[str, Any] = made["spec"]
    return spec


def container(spec: dict[str, Any]) -> dict[str, Any]:
    (one,) = spec["template"]["spec"]["containers"]
    return dict(one)


def test_each_completion_has_a_shard_and_a_lost_pod_is_replaced() -> None:
    spec = job("annotate-job.yaml")
    assert spec["completionMode"] == "Indexed"
    assert spec["backoffLimitPerIndex"] > 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never", "podFailurePolicy and backoffLimitPerIndex need it"
    asked = container(spec)
    assert asked["command"] == ["topreward", "annotate"]
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    args = parser.parse_args(asked["args"])
    count = spec["completions"]
    shards = [choose_shard(args.shard, args.of, {"JOB_COMPLETION_INDEX": str(index)}) for index in range(count)]
    assert shards == [(index, count) for index in range(count)]
    # Wrong usage and failed episodes stay what they are: EXIT_USAGE and EXIT_INCOMPLETE.
    (codes,) = [rule["onExitCodes"] for rule in spec["podFailurePolicy"]["rules"] if rule["action"] == "FailIndex"]
    assert (codes["containerName"], codes["operator"], codes["values"]) == (asked["name"], "In", [2, 3])


def test_the_second_job_merges_the_run_of_the_first() -> None:
    asked = container(job("merge-job.yaml"))
    assert asked["command"] == ["topreward", "merge"]
    parser = argparse.ArgumentParser()
    merge_command.add_arguments(parser)
    annotate = argparse.ArgumentParser()
    command.add_arguments(annotate)
    first = annotate.parse_args(container(job("annotate-job.yaml"))["args"])
    assert parser.parse_args(asked["args"]).folder == folder_of(first.root / OUTPUT)
