"""``results.jsonl``: the settings of an evaluation, then a line for each result or problem as soon as it is known.

Each line has a key: the SHA-256 of the episode and of what was asked about it. So a run continues where it stopped, a new
question asks only itself, and what no longer belongs to the evaluation is not read.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from .._contract import EpisodeResult, Problem
from ..lerobot.failures import UsageError
from ..lerobot.lines import append_line, each_line, locked
from ..lerobot.maker import Settings, differences

RESULTS = "results.jsonl"
HEAD = b'{"settings": '


@dataclass(frozen=True, slots=True)
class Line:
    """What the service said: a result or a problem."""

    key: str
    episode: str
    question: str
    result: EpisodeResult | None
    problem: Problem | None


@dataclass(slots=True)
class Journal:
    """The results so far. ``problems`` are by key; ``known`` has the keys of all lines."""

    file: BinaryIO
    known: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Write a line, and wait until it is on the disk."""
        append_line(self.file, _to_json(line))
        self.note(line)

    def note(self, line: Line) -> None:
        """Remember that a line is in the file."""
        self.known.add(line.key)
        self.problems.pop(line.key, None)
        if line.problem is not None:
            self.problems[line.key] = line.problem


@contextmanager
def open_journal(folder: Path, settings: Settings, fresh: bool, retry_failed: bool) -> Iterator[Journal]:
    """Open the results of an evaluation, for this process only.

    :param fresh: drop everything that an earlier run left
    :param retry_failed: ask again about what has a problem
    :raises UsageError: if they were made with other settings, or if another process has them open
    """
    with locked(folder / RESULTS, "another --out") as file:
        if fresh:
            file.truncate(0)
        if not HEAD.startswith(file.read(len(HEAD))):  # before a cut line is removed, which can be all of another file
            raise _not_results(file.name)
        file.seek(0)
        journal = Journal(file)
        lines = each_line(file)
        head = next(lines, None)
        if head is None:
            append_line(file, json.dumps({"settings": settings}, ensure_ascii=False))
        else:
            _check(file.name, head, settings)
        for line in lines:
            journal.note(_from_json(file.name, line))
        if retry_failed:
            journal.known -= journal.problems.keys()
            journal.problems.clear()
        yield journal


def read_lines(folder: Path) -> Iterator[Line]:
    """Return all results and problems, one after another. A later line about the same replaces an earlier one."""
    path = folder / RESULTS
    with path.open("rb") as file:
        next(file)
        for line in file:
            yield _from_json(str(path), line)


def _check(name: str, head: bytes, settings: Settings) -> None:
    try:
        before = dict(json.loads(head.decode())["settings"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _not_results(name) from None
    changed = differences(before, settings)
    if changed:
        raise UsageError(
            f"{name} has results with other settings:\n"
            + "".join(f"  {line}\n" for line in changed)
            + "Use the same settings, another --out, or --fresh to start over."
        )


def _not_results(name: str) -> UsageError:
    return UsageError(f"{name} is not the results of an evaluation. Use another --out, or --fresh to drop it.")


def _to_json(line: Line) -> str:
    outcome = {"problem": line.problem} if line.result is None else {"result": line.result}
    members = {"key": line.key, "episode": line.episode, "question": line.question, **outcome}
    return json.dumps(members, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _from_json(name: str, line: bytes) -> Line:
    try:
        known: dict[str, Any] = json.loads(line.decode())
        result, problem = known.get("result"), known.get("problem")
        return Line(known["key"], known["episode"], known["question"], cast(EpisodeResult, result), problem)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{name} has a line that cannot be read: {error}. Use another --out, or --fresh.") from error


def without_frames(result: EpisodeResult) -> EpisodeResult:
    """Return a result without what has one entry for each frame or token, and without the prompt: no report needs them.

    ``progress_curve`` becomes null, the times of a video and the tokens of the instruction empty lists, and the text of the
    prompt an empty one.
    """
    provenance: dict[str, Any] = dict(cast(dict[str, Any], result["provenance"]))
    provenance["prompt"] = {**provenance["prompt"], "text": ""}
    if "video" in provenance:
        provenance["video"] = {**provenance["video"], "timestamps_s": []}
    kept: dict[str, Any] = {**result, "provenance": provenance}
    if "progress_curve" in kept:
        kept["progress_curve"] = None
    if result["method"] == "instruction_likelihood":
        kept["prefixes"] = [_without_tokens(cast(dict[str, Any], prefix)) for prefix in result["prefixes"]]
    return cast(EpisodeResult, kept)


def _without_tokens(prefix: dict[str, Any]) -> dict[str, Any]:
    texts = {name: {**prefix[name], "tokens": []} for name in ("without_full_stop", "with_full_stop")}
    return {**prefix, **texts}


def frames_of(result: EpisodeResult) -> int | None:
    """Return how many frames the service found; null if a complete result does not say."""
    if result["method"] != "gvl" and result["progress_curve"] is not None:
        return len(result["progress_curve"])
    video = result["provenance"].get("video")
    return len(video["timestamps_s"]) if video else None
