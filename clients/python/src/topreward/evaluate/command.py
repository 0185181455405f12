"""``topreward evaluate``: says how good the rewards of a model are, from episodes with labels."""

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from ..lerobot.dataset import FPS_RANGE, fps_of
from ..lerobot.failures import EXIT_DONE, EXIT_INCOMPLETE, UsageError, exit_code_of
from ..lerobot.files import write_text
from ..lerobot.flags import add_dataset_flags, add_prefixes_flag, add_service_flags, is_number
from .assembling import evaluation_of
from .bar import value_of
from .cost import cost_of
from .evaluation import Evaluation
from .filter import filter_of
from .html import html_of
from .job import Job, job_of
from .questions import KINDS, PAIRS, TOP_ANSWERS
from .report import report_of
from .scoring import score


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``topreward evaluate``."""
    source = parser.add_argument_group("episodes: a LeRobot dataset")
    add_dataset_flags(source)
    source.add_argument("--labels", type=Path, help="episodes and labels: .json, .jsonl or .csv (default: next.success)")
    folder = parser.add_argument_group("episodes: a folder")
    folder.add_argument("--folder", type=Path, help="folder with episodes.jsonl, episodes.csv, or success and failure")
    folder.add_argument("--fps", type=parse_fps, help="frames per second of images and .npy that do not say it")
    asked = parser.add_argument_group("questions")
    asked.add_argument("--questions", default=",".join(KINDS), help="some of %(default)s (default: all)")
    asked.add_argument("--prompt", choices=["open", "chat"], default="open", help="prompt (default: %(default)s)")
    add_prefixes_flag(asked)
    pairs = ", ".join(PAIRS)
    asked.add_argument("--answers", action="append", metavar="TRUE|FALSE", help=f"answers to compare (default: {pairs})")
    asked.add_argument(
        "--top-answers", type=parse_top_answers, default=TOP_ANSWERS, help="how many of the most likely answers to list"
    )
    asked.add_argument("--other-instruction", help="instruction of the control (default: another one of the set)")
    add_service_flags(parser.add_argument_group("service"))
    made = parser.add_argument_group("report")
    made.add_argument("--out", type=Path, required=True, help="folder for the report and the results")
    made.add_argument("--gate", metavar="NUMBER|mean|FILE", help="bar of the score: a log probability, mean, or a report.json")
    made.add_argument("--resamples", type=parse_count, default=2000, help="resamples of each interval (default: %(default)s)")
    made.add_argument("--seed", type=parse_count, default=0, help="seed of the resamples (default: %(default)s)")
    made.add_argument("--published-name", help="name under which the paper has figures (default: that of the dataset)")
    made.add_argument("--fresh", action="store_true", help="drop what an earlier run left, and start over")
    made.add_argument("--retry-failed", action="store_true", help="ask again for what failed")
    made.add_argument("--dry-run", action="store_true", help="print what the run costs, and send nothing")


def run(args: argparse.Namespace) -> int:
    """Evaluate a model.

    :returns: the exit code: 0 all, 1 the service does not respond, 2 wrong usage, 3 some episodes failed
    """
    return exit_code_of(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    job = job_of(args)
    if args.dry_run:
        print(json.dumps(cost_of(job), indent=2, ensure_ascii=False))
        return EXIT_DONE
    _say_labels(job)
    with ExitStack() as stack:
        evaluation = evaluation_of(job, *asyncio.run(score(job, stack)))
        _write(job, evaluation)
    failed = sum(bool(episode.problems) for episode in evaluation.episodes)
    if failed:
        print(f"{failed} of {len(evaluation.episodes)} episodes have problems: see the report.", file=sys.stderr)
    return EXIT_INCOMPLETE if failed else EXIT_DONE


def _say_labels(job: Job) -> None:
    """:raises UsageError: if the bar needs a label and there is none"""
    labels = [subject.success for subject in job.subjects.subjects]
    if job.bar.of_successes and True not in labels:
        raise UsageError("--gate mean is the mean of the successes, and no episode is labelled as one.")
    missing = labels.count(None)
    if missing:
        left_out = ": what needs labels is left out of the report" if missing == len(labels) else ""
        print(f"{missing} of {len(labels)} episodes have no label{left_out}.", file=sys.stderr)


def _write(job: Job, evaluation: Evaluation) -> None:
    """Write the three files, and print the path of the page."""
    report = report_of(evaluation, value_of(job.bar, evaluation), job.resamples, job.seed)
    page = job.folder / "report.html"
    write_text(job.folder / "report.json", json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(job.folder / "filter.json", json.dumps(filter_of(report), indent=1, ensure_ascii=False) + "\n")
    write_text(page, html_of(report))
    print(page)


def parse_fps(text: str) -> float:
    """Read frames per second. For argparse."""
    fps = fps_of(text)
    if fps is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number {FPS_RANGE}")
    return fps


def parse_count(text: str) -> int:
    """Read a whole number from 0 on. For argparse."""
    if not is_number(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def parse_top_answers(text: str) -> int:
    """Read a number from 0 to 20. For argparse."""
    count = parse_count(text)
    if count > TOP_ANSWERS:
        raise argparse.ArgumentTypeError(f"{text!r} is above {TOP_ANSWERS}, the most that a service lists")
    return count
