"""One evaluation, as the flags describe it."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .._contract import Model, PromptVariant
from ..lerobot.failures import UsageError
from ..lerobot.maker import Settings, maker_of
from .bar import Bar, bar_of
from .datasets import set_of_dataset
from .evaluation import Question
from .folders import set_of_folder
from .published import published_name_of
from .questions import PAIRS, parse_pairs, parse_questions, questions_of
from .subjects import LabelledSet, check_texts, other_instructions


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked about which episodes, and where the results go.

    ``others`` has the instruction of the control for each instruction; null for none.
    """

    subjects: LabelledSet
    questions: tuple[Question, ...]
    others: Mapping[str, str | None]
    prompt: PromptVariant
    prefixes: Mapping[str, int]
    folder: Path
    bar: Bar
    resamples: int
    seed: int
    published_name: str | None
    url: str
    api_key: str | None
    in_flight: int
    patience_s: float
    fresh: bool
    retry_failed: bool

    def settings(self, model: Model) -> Settings:
        """Return what decides the numbers of all questions."""
        prefixes = ", ".join(f"{name}={number}" for name, number in self.prefixes.items())
        return {**self.subjects.settings, "prefixes": prefixes, "prompt": self.prompt, **maker_of(model, self.prompt)}


def job_of(args: argparse.Namespace) -> Job:
    """Read the episodes that the flags name.

    :raises UsageError: if a flag, the dataset or the folder is wrong
    """
    if args.out.exists() and not args.out.is_dir():
        raise UsageError(f"--out {args.out} is a file. Name a folder.")
    if args.other_instruction is not None and not args.other_instruction.strip():
        raise UsageError("--other-instruction is empty. Leave it out to use another instruction of the set.")
    questions = questions_of(
        parse_questions(args.questions), args.prefixes, args.prompt, parse_pairs(args.answers or PAIRS), args.top_answers
    )
    subjects = _subjects(args)
    check_texts(subjects, args.other_instruction)
    return Job(
        subjects=subjects,
        questions=questions,
        others=other_instructions(subjects.subjects, args.other_instruction),
        prompt=args.prompt,
        prefixes=args.prefixes,
        folder=args.out,
        bar=bar_of(args.gate),
        resamples=args.resamples,
        seed=args.seed,
        published_name=_published_name(args.published_name, subjects.name),
        url=args.url,
        api_key=args.api_key,
        in_flight=args.in_flight,
        patience_s=args.patience,
        fresh=args.fresh,
        retry_failed=args.retry_failed,
    )


def _subjects(args: argparse.Namespace) -> LabelledSet:
    names = ("root", "repo_id", "revision", "download", "camera", "episodes", "labels")
    only_of_datasets = {name: getattr(args, name) for name in names}
    if args.folder is None:
        if args.fps is not None:
            raise UsageError("--fps is for --folder: a LeRobot dataset has its own.")
        if args.root is None and args.repo_id is None:
            raise UsageError("Name the dataset with --root DIR or --repo-id USER/NAME, or a folder with --folder DIR.")
        return set_of_dataset(args)
    wrong = [name for name, value in only_of_datasets.items() if value not in (None, False)]
    if wrong:
        raise UsageError(f"--{wrong[0].replace('_', '-')} is for LeRobot datasets, and --folder is not one. Use one of them.")
    return set_of_folder(args)


def _published_name(chosen: str | None, dataset: str) -> str | None:
    name = published_name_of(chosen or dataset)
    if chosen is not None and name is None:
        raise UsageError(f"--published-name {chosen!r}: the paper has no figures for it.")
    return name
