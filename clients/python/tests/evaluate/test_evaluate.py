"""``topreward evaluate`` on the recorded examples, against a real service."""

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from topreward import Client
from topreward.evaluate.command import add_arguments
from topreward.evaluate.job import job_of
from topreward.evaluate.journal import read_lines
from topreward.evaluate.questions import asked_of

from ..annotate.proxy import proxy_to
from ..annotate.recordings import EPISODES, INSTRUCTION
from .conftest import Here, flatten

ROOT = Path(__file__).parents[4]
SMALL = ["--folder", EPISODES, "--prefixes", "count=4", "--answers", "Yes|No", "--resamples", "20"]
OTHER = "Close the drawer."


def test_every_question_has_the_numbers_of_its_own_request(here: Here, service: str, tmp_path: Path) -> None:
    flags = [*SMALL, "--other-instruction", OTHER, "--out", tmp_path]
    with proxy_to(service) as proxy:
        ended = here("evaluate", *flags, "--url", proxy.address)
        assert (ended.code, ended.stdout) == (0, f"{tmp_path}/report.html\n"), ended.stderr
        items = flatten(proxy.batches)
        assert len(items) == 2 * 5
        # Killed, or run again: nothing is asked twice.
        again = here("evaluate", *flags, "--url", proxy.address)
        assert (again.code, len(flatten(proxy.batches))) == (0, 10), again.stderr

    for text in (ended.stderr, again.stderr):
        assert "gvl is left out: The embedded engine only scores prefixes: it writes no text." in text
    report = json.loads((tmp_path / "report.json").read_text())
    left_out = {each["name"]: each["left_out"] for each in report["made"]["questions"]}
    assert left_out.pop("gvl") == "The embedded engine only scores prefixes: it writes no text."
    assert left_out == dict.fromkeys(["topreward", "published", "answers Yes|No", "instruction_likelihood"])
    assert (report["made"]["successes"], report["made"]["failures"], report["made"]["scored"]) == (1, 1, 2)
    assert json.loads((tmp_path / "filter.json").read_text())["keep"] == [path.name for path in sorted(EPISODES.iterdir())]
    assert "<svg" in (tmp_path / "report.html").read_text()

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    questions = {question.name: question for question in job_of(parser.parse_args(list(map(str, flags)))).questions}
    lines = [line for line in read_lines(tmp_path) if line.result]
    assert len(lines) == 8
    with Client(service) as client:
        for line in lines:
            frames = sorted((EPISODES / line.episode).glob("*.jpg"))
            asked: dict[str, Any] = asked_of(questions[line.question], INSTRUCTION, OTHER)
            del asked["instruction"]
            expected: Any = client.score(frames, INSTRUCTION, fps=4, **asked)
            kept: Any = line.result
            for name in ("score", "voc"):
                assert kept[name] == pytest.approx(expected[name], abs=1e-4), line.question
            for ours, theirs in zip(kept["prefixes"], expected["prefixes"], strict=True):
                assert ours["reward"] == pytest.approx(theirs["reward"], abs=1e-4)
            for control, values in (expected.get("controls") or {}).items():
                assert kept["controls"][control]["rewards"] == pytest.approx(values["rewards"], abs=1e-4)


@pytest.mark.parametrize("unusable", ["Say <|im_end|>.", "x" * 4001])
def test_an_unusable_instruction_fails_only_its_own_episodes(here: Here, service: str, tmp_path: Path, unusable: str) -> None:
    names = [path.name for path in sorted(EPISODES.iterdir())]
    for name in names:
        shutil.copytree(EPISODES / name, tmp_path / "set" / name)
    rows = [
        {"path": name, "instruction": instruction, "success": True, "fps": 4}
        for name, instruction in zip(names, [INSTRUCTION, unusable], strict=True)
    ]
    (tmp_path / "set/episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ["--folder", tmp_path / "set", "--questions", "topreward", "--prefixes", "count=2", "--resamples", "0"]
    ended = here("evaluate", *flags, "--url", service, "--out", tmp_path / "out")
    assert ended.code == 3, ended.stderr
    assert f"episode {names[0]}: asked without an other instruction: " in ended.stderr
    first, second = sorted(read_lines(tmp_path / "out"), key=lambda line: line.episode)
    assert (first.problem, first.result and first.result["method"]) == (None, "topreward")
    kept: Any = first.result
    assert kept["controls"]["static"] is not None
    assert kept["controls"]["other_instruction"] is None
    assert second.problem is not None
    again = here("evaluate", *flags, "--url", service, "--out", tmp_path / "out")
    assert "asked without" not in again.stderr


def test_an_engine_that_writes_texts_answers_every_question(here: Here, writing: str, tmp_path: Path) -> None:
    with proxy_to(writing) as proxy:
        flags = [*SMALL, "--url", proxy.address, "--out", tmp_path]
        ended = here("evaluate", *flags)
        assert ended.code == 0, ended.stderr
        again = here("evaluate", *flags)
        assert (again.code, len(flatten(proxy.batches))) == (0, 10), again.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert {each["name"]: (each["results"], each["left_out"]) for each in report["made"]["questions"]} == dict.fromkeys(
        ["topreward", "published", "answers Yes|No", "instruction_likelihood", "gvl"], (2, None)
    )
    gvl: list[Any] = [line.result for line in read_lines(tmp_path) if line.question == "gvl"]
    assert [(result["complete"], len(result["frames"])) for result in gvl] == [(True, 15)] * 2
    assert gvl[0]["voc"] == pytest.approx(gvl[1]["voc"])


def test_a_new_question_asks_only_itself_and_a_new_label_nothing(here: Here, service: str, tmp_path: Path) -> None:
    folder = shutil.copytree(EPISODES, tmp_path / "set")
    flags = ["--folder", folder, "--prefixes", "count=2", "--resamples", "20", "--out", tmp_path / "out"]
    with proxy_to(service) as proxy:
        url = ["--url", proxy.address]
        assert here("evaluate", *flags, *url, "--questions", "published").code == 0
        assert here("evaluate", *flags, *url, "--questions", "published,instruction_likelihood").code == 0
        asked = [(item["episode"].get("pipeline"), item["episode"].get("method")) for item in flatten(proxy.batches)]
        assert asked == [("published", None)] * 2 + [(None, "instruction_likelihood")] * 2
        before = len(flatten(proxy.batches))

        for note in folder.glob("*/episode.json"):
            known = json.loads(note.read_text())
            note.write_text(json.dumps({**known, "outcome": "failure"}))
        # episode.json is read for the label, and is none of the frames.
        assert here("evaluate", *flags, *url, "--questions", "published").code == 0
        assert len(flatten(proxy.batches)) == before
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert (report["made"]["successes"], report["made"]["failures"]) == (0, 2)


def test_without_labels_the_report_says_so(here: Here, service: str, tmp_path: Path) -> None:
    folder = shutil.copytree(EPISODES, tmp_path / "set")
    for note in folder.glob("*/episode.json"):
        note.write_text(json.dumps({"instruction": INSTRUCTION, "fps": 4}))
    flags = ["--folder", folder, "--questions", "topreward", "--prefixes", "count=2", "--resamples", "20", "--url", service]
    ended = here("evaluate", *flags, "--out", tmp_path / "out")
    assert ended.code == 0, ended.stderr
    assert "2 of 2 episodes have no label: what needs labels is left out of the report." in ended.stderr
    assert json.loads((tmp_path / "out/report.json").read_text())["made"]["unlabelled"] == 2
    ended = here("evaluate", *flags, "--out", tmp_path / "out", "--gate", "mean")
    assert (ended.code, "no episode is labelled as one" in ended.stderr) == (2, True)


def test_a_gate_is_a_number_a_mean_or_an_audited_report(here: Here, service: str, tmp_path: Path) -> None:
    flags = [*SMALL, "--questions", "topreward", "--url", service, "--out"]
    scores = {}
    for gate, out in (("-3", "a"), ("mean", "a"), (f"{tmp_path}/a/report.json", "b")):
        ended = here("evaluate", *flags, tmp_path / out, "--gate", gate)
        assert ended.code == 0, ended.stderr
        scores[gate] = json.loads((tmp_path / out / "filter.json").read_text())
    number, mean, audited = scores.values()
    assert (number["gate"], number["keep"]) == (-3, ["drawer-open-v3-success"])
    rows = json.loads((tmp_path / "a/report.json").read_text())["episodes"]
    good = next(row["score"] for row in rows if row["success"])
    assert mean["gate"] == pytest.approx(good, abs=1e-5)
    assert audited["gate"] == pytest.approx(number["dataset"]["mean"], abs=1e-5)
    assert audited["gate"] < mean["gate"]

    for changes, words in ((["--prompt", "chat"], "prompt: open before, chat now"), (["--prefixes", "count=3"], "count=3 now")):
        ended = here("evaluate", *flags, tmp_path / "c", "--gate", f"{tmp_path}/a/report.json", *changes, "--fresh")
        assert ended.code == 2
        assert words in ended.stderr


def report_with(mean: str, asked: str) -> str:
    """A report whose mean score is this one."""
    made = f'{{"model": "m", "main": "topreward", "questions": [{{"name": "topreward", "asked": {asked}}}]}}'
    return f'{{"gate": {{"mean": {{"value": {mean}}}}}, "made": {made}}}'


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--folder", EPISODES, "--root", "/x"], "--root is for LeRobot datasets, and --folder is not one"),
        (["--folder", EPISODES, "--download"], "--download is for LeRobot datasets, and --folder is not one"),
        (["--folder", EPISODES, "--labels", "/x.json"], "--labels is for LeRobot datasets"),
        (["--folder", EPISODES, "--camera", "top"], "--camera is for LeRobot datasets"),
        (["--folder", EPISODES, "--episodes", "0:1"], "--episodes is for LeRobot datasets"),
        (["--folder", EPISODES, "--repo-id", "a/b"], "--repo-id is for LeRobot datasets"),
        (["--folder", "/nowhere"], "is not a folder"),
        (["--root", "/nowhere"], "is not a LeRobot dataset"),
        (["--root", "/nowhere", "--fps", "4"], "--fps is for --folder"),
        ([], "Name the dataset with --root DIR or --repo-id USER/NAME, or a folder with --folder DIR."),
        (["--folder", EPISODES, "--fps", "0"], "'0' is not a number from 0.0001 to 10000"),
        (["--folder", EPISODES, "--fps", "nan"], "'nan' is not a number from 0.0001 to 10000"),
        (["--folder", EPISODES, "--questions", "top"], "there is no question 'top'"),
        (["--folder", EPISODES, "--answers", "Yes"], "--answers 'Yes' is not TRUE|FALSE"),
        (["--folder", EPISODES, "--top-answers", "21"], "'21' is above 20"),
        (["--folder", EPISODES, "--prompt", "closed"], "invalid choice: 'closed'"),
        (["--folder", EPISODES, "--prefixes", "15"], "neither count=N"),
        (["--folder", EPISODES, "--instruction", " "], "--instruction is empty"),
        (["--folder", EPISODES, "--other-instruction", ""], "--other-instruction is empty"),
        (["--folder", EPISODES, "--gate", "high"], "neither a number, nor mean, nor the report.json"),
        (["--folder", EPISODES, "--gate", "nan"], "is not a finite number"),
        (["--folder", EPISODES, "--gate", EPISODES / "drawer-open-v3-success/episode.json"], "is not a report.json"),
        (["--folder", EPISODES, "--published-name", "mine"], "the paper has no figures for it"),
        (["--folder", EPISODES, "--resamples", "-1"], "'-1' is not a whole number"),
        (["--folder", EPISODES, "--seed", "1.5"], "'1.5' is not a whole number"),
        (["--folder", EPISODES, "--out", EPISODES / "drawer-open-v3-success/episode.json"], "is a file. Name a folder."),
        (["--folder", EPISODES, "--url", "127.0.0.1:9"], "url"),
    ],
)
def test_wrong_usage_is_exit_2(here: Here, tmp_path: Path, changes: list[str | Path], words: str) -> None:
    ended = here("evaluate", "--url", "http://127.0.0.1:9", "--out", tmp_path / "out", *changes)
    assert (ended.code, ended.stdout) == (2, "")
    assert words in ended.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (100_000 * "[", "is not a report.json"),
        ('{"gate": {"mean": {"value": -1.5}}, "made": []}', "is not a report.json"),
        (report_with("-1.5", "[]"), "is not a report.json"),
        (report_with("NaN", "{}"), "has no mean score"),
        (report_with("1e999", "{}"), "has no mean score"),
        (report_with("null", "{}"), "has no mean score"),
    ],
)
def test_a_bar_needs_a_mean(here: Here, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "report.json").write_text(content)
    ended = here("evaluate", "--folder", EPISODES, "--out", tmp_path / "out", "--gate", tmp_path / "report.json", "--dry-run")
    assert (ended.code, ended.stdout) == (2, "")
    assert words in ended.stderr


@pytest.mark.parametrize("changes", [["--instruction", "\udcff x"], ["--other-instruction", "\udcff x"], []])
def test_a_text_is_unicode(here: Here, tmp_path: Path, changes: list[str]) -> None:
    folder = tmp_path / ("set" if changes else "set\udcff")
    shutil.copytree(EPISODES, folder)
    ended = here("evaluate", "--folder", folder, "--out", tmp_path / "out", *changes, "--dry-run")
    assert (ended.code, ended.stdout) == (2, "")
    assert "is not Unicode" in ended.stderr


def test_a_service_that_is_away_is_exit_1(here: Here, tmp_path: Path) -> None:
    ended = here("evaluate", *SMALL, "--url", "http://127.0.0.1:9", "--out", tmp_path / "out", "--patience", "0")
    assert (ended.code, ended.stdout) == (1, "")
    assert not list(tmp_path.iterdir())


def test_a_dry_run_sends_nothing_and_says_what_it_costs(here: Here, tmp_path: Path) -> None:
    ended = here("evaluate", *SMALL, "--url", "http://127.0.0.1:9", "--out", tmp_path / "out", "--dry-run")
    assert ended.code == 0, ended.stderr
    cost = json.loads(ended.stdout)
    # 12 s, read 3 + 8 + 1 + 1 + 1 times, at 107 s of video a second.
    assert cost.pop("hours") == round(12 * 14 / 107 / 3600, 4)
    assert cost == {
        "episodes": 2,
        "unreadable": 0,
        "successes": 1,
        "failures": 1,
        "unlabelled": 0,
        "questions": ["topreward", "published", "answers Yes|No", "instruction_likelihood", "gvl"],
        "requests": 10,
        "frames": 48,
        "robot_seconds": 12.0,
        "unknown_length": 0,
    }
    assert not list(tmp_path.iterdir())


def test_a_question_that_no_engine_can_answer_ends_the_run(here: Here, service: str, tmp_path: Path) -> None:
    ended = here("evaluate", *SMALL, "--questions", "gvl", "--url", service, "--out", tmp_path)
    assert ended.code == 2
    assert "The service can answer none of the questions:\n  gvl: The embedded engine only scores" in ended.stderr
    assert not (tmp_path / "report.json").exists()


def test_every_flag_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/reference/evaluate.md").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    flags = {flag for action in parser._actions for flag in action.option_strings}
    table = page[page.index("## Flags") : page.index("## Exit codes")]
    assert set(re.findall(r"^\| `(--[a-z-]+)", table, re.MULTILINE)) == flags
