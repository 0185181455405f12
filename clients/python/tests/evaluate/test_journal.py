"""results.jsonl: what survives, and what never gets together."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from topreward import EpisodeResult, Problem
from topreward.evaluate.journal import Line, frames_of, open_journal, read_lines, without_frames
from topreward.evaluate.subjects import fault
from topreward.lerobot.failures import UsageError

SETTINGS = {"model": "m", "prompt": "open"}


def result(**changes: Any) -> EpisodeResult:
    provenance = {
        "service": {"name": "topreward-server", "version": "1"},
        "prompt": {"variant": "open", "text": "long", "video_tokens_per_block": 16},
        "video": {"codec": "h264", "decoder": "ffmpeg", "timestamps_s": [0.0, 0.5]},
    }
    return cast(EpisodeResult, {"method": "topreward", "progress_curve": [0.0, 1.0], "provenance": provenance, **changes})


def line(key: str, outcome: EpisodeResult | Problem) -> Line:
    problem = cast(Problem, outcome) if "code" in outcome else None
    return Line(key, "0", "topreward", None if problem else cast(EpisodeResult, outcome), problem)


def test_lines_come_back_and_a_cut_one_is_dropped(tmp_path: Path) -> None:
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        # Line separators of Unicode are not line breaks.
        journal.add(line("a", result(id="\u2028\x85")))
        journal.add(line("b", fault("file-missing", "gone")))
    path = tmp_path / "results.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key":"c","epi')
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        assert journal.known == {"a", "b"}
        assert journal.problems == {"b": fault("file-missing", "gone")}
        journal.add(line("c", result()))
    assert path.read_bytes().startswith(whole)
    assert list(read_lines(tmp_path)) == [
        line("a", result(id="\u2028\x85")),
        line("b", fault("file-missing", "gone")),
        line("c", result()),
    ]


def test_only_failures_are_asked_again(tmp_path: Path) -> None:
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        journal.add(line("a", result()))
        journal.add(line("b", fault("file-missing", "gone")))
    with open_journal(tmp_path, SETTINGS, False, True) as journal:
        assert (journal.known, journal.problems) == ({"a"}, {})
        journal.add(line("b", result()))
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        assert (journal.known, journal.problems) == ({"a", "b"}, {})


def test_two_settings_never_get_together(tmp_path: Path) -> None:
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        journal.add(line("a", result()))
    before = (tmp_path / "results.jsonl").read_bytes()
    with (
        pytest.raises(UsageError, match="model: m before, n now"),
        open_journal(tmp_path, {**SETTINGS, "model": "n"}, False, False),
    ):
        pass
    assert (tmp_path / "results.jsonl").read_bytes() == before
    with open_journal(tmp_path, {**SETTINGS, "model": "n"}, True, False) as journal:
        assert journal.known == set()
    assert json.loads((tmp_path / "results.jsonl").read_text()) == {"settings": {"model": "n", "prompt": "open"}}


@pytest.mark.parametrize(
    "content", ["text\n", "text", '{"a": 1}', '{"a": 1}\n', "[1]\n", '{"settings": {"model": "m", "prompt": "open"}}\n{\n']
)
def test_another_file_is_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError, match="--fresh"), open_journal(tmp_path, SETTINGS, False, False):
        pass
    assert path.read_text() == content


@pytest.mark.parametrize("damaged", [b"\xff", b"[" * 100_000])
def test_a_damaged_line_is_said(tmp_path: Path, damaged: bytes) -> None:
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        journal.add(line("a", result()))
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes() + b'{"key":"' + damaged + b'"}\n')
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"has a line that cannot be read"), open_journal(tmp_path, SETTINGS, False, False):
        pass
    with pytest.raises(UsageError, match=r"has a line that cannot be read"):
        list(read_lines(tmp_path))
    path.write_bytes(b'{"settings": "' + damaged + b'"}\n')
    with pytest.raises(UsageError, match="is not the results"), open_journal(tmp_path, SETTINGS, False, False):
        pass
    path.write_bytes(before)
    with open_journal(tmp_path, SETTINGS, True, False) as journal:
        assert journal.known == set()


@pytest.mark.parametrize("cut", ["", "{", '{"settings": ', '{"settings": {"model'])
def test_settings_that_are_cut_are_written_again(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(cut)
    with open_journal(tmp_path, SETTINGS, False, False) as journal:
        assert journal.known == set()
    assert path.read_text() == f"{json.dumps({'settings': SETTINGS})}\n"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from topreward.evaluate.journal import open_journal
with open_journal(Path({str(tmp_path)!r}), {SETTINGS!r}, False, False):
    print("open", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with (
            pytest.raises(UsageError, match=r"Another run works on .* use another --out"),
            open_journal(tmp_path, SETTINGS, True, False),
        ):
            pass
        process.kill()


def test_what_grows_with_the_frames_is_not_kept() -> None:
    whole = result(score=-1.0)
    kept: Any = without_frames(whole)
    assert kept["progress_curve"] is None
    assert (kept["provenance"]["prompt"]["text"], kept["provenance"]["video"]["timestamps_s"]) == ("", [])
    assert (kept["score"], kept["provenance"]["prompt"]["variant"]) == (-1.0, "open")
    assert (frames_of(whole), frames_of(kept)) == (2, 0)
    assert frames_of(result(method="gvl")) == 2
    texts = {name: {"sum": -3.0, "mean": -1.5, "tokens": [-1.0, -2.0]} for name in ("without_full_stop", "with_full_stop")}
    likelihood: Any = without_frames(result(method="instruction_likelihood", prefixes=[{"length": 1, "reward": -3.0, **texts}]))
    short = {name: {"sum": -3.0, "mean": -1.5, "tokens": []} for name in texts}
    assert likelihood["prefixes"] == [{"length": 1, "reward": -3.0, **short}]
    assert whole == result(score=-1.0)
