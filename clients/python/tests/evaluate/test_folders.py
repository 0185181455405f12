"""Folders of episodes: what is found in them, and what is refused."""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topreward.evaluate.folders import set_of_folder
from topreward.evaluate.subjects import Subject
from topreward.lerobot.failures import UsageError
from topreward.lerobot.requests import Film, Pictures

from ..annotate.recordings import EPISODES, INSTRUCTION


def read(folder: Path, instruction: str | None = None, fps: float | None = None) -> dict[str, Subject]:
    found = set_of_folder(argparse.Namespace(folder=folder, instruction=instruction, fps=fps))
    return {subject.name: subject for subject in found.subjects}


def images(folder: Path, count: int = 3, note: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True)
    for number, file in enumerate(sorted((EPISODES / "drawer-open-v3-success").glob("*.jpg"))[:count]):
        shutil.copy(file, folder / f"frame{number}.jpg")
    if note is not None:
        (folder / "episode.json").write_text(json.dumps(note))
    return folder


def table(folder: Path, *rows: dict[str, Any]) -> None:
    (folder / "episodes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def code_of(subject: Subject) -> str | None:
    return subject.footage["code"] if isinstance(subject.footage, dict) else None


def test_the_recorded_examples_say_everything_themselves() -> None:
    found = read(EPISODES)
    assert {name: (each.success, each.frames, each.seconds) for name, each in found.items()} == {
        "drawer-open-v3-failure": (False, 24, 6.0),
        "drawer-open-v3-success": (True, 24, 6.0),
    }
    assert {(each.instruction, each.task) for each in found.values()} == {(INSTRUCTION, "drawer-open-v3")}


def test_a_table_has_a_row_for_each_episode(tmp_path: Path) -> None:
    images(tmp_path / "a", note={"instruction": "From the note.", "fps": 5, "success": True})
    images(tmp_path / "b")
    np.save(tmp_path / "c.npy", np.zeros((4, 8, 8, 3), np.uint8))
    (tmp_path / "d.mp4").write_bytes(b"video")
    table(
        tmp_path,
        {"path": "a"},
        {"path": "b", "instruction": "Do it.", "fps": 2.5, "success": False, "task": "lift"},
        {"path": "c.npy", "instruction": "Do it.", "fps": "10", "success": ""},
        {"path": "d.mp4", "instruction": "Do it.", "success": "True"},
    )
    a, b, c, d = read(tmp_path).values()
    assert (a.instruction, a.task, a.success, a.seconds) == ("From the note.", "From the note.", True, 0.6)
    assert (b.instruction, b.task, b.success, b.seconds) == ("Do it.", "lift", False, 1.2)
    assert (c.success, c.frames, c.seconds) == (None, 4, 0.4)
    assert (d.success, d.frames, d.seconds) == (True, None, None)
    assert isinstance(d.footage, Film)
    assert isinstance(b.footage, Pictures)
    assert b.footage.read() == [(tmp_path / f"b/frame{number}.jpg").read_bytes() for number in range(3)]
    assert {each.instruction for each in read(tmp_path, instruction="For all.").values()} == {"For all."}


def test_a_row_comes_before_a_note_and_a_note_before_the_flag_for_all(tmp_path: Path) -> None:
    note = {"instruction": "Note.", "task": "note", "fps": 5, "success": True}
    images(tmp_path / "a", note=note)
    images(tmp_path / "b", note=note)
    images(tmp_path / "c")
    row = {"path": "a", "instruction": "Row.", "task": "row", "fps": 3, "success": False}
    table(tmp_path, row, {"path": "b"}, {"path": "c", "instruction": "Row."})
    found = read(tmp_path, fps=1.0).values()
    assert [(each.instruction, each.task, each.success, each.seconds) for each in found] == [
        ("Row.", "row", False, 1.0),
        ("Note.", "note", True, 0.6),
        ("Row.", "Row.", None, 3.0),
    ]


def test_the_folder_of_an_episode_comes_before_its_note(tmp_path: Path) -> None:
    images(tmp_path / "failure/a", note={"instruction": "x", "fps": 4, "success": True})
    assert read(tmp_path)["failure/a"].success is False


@pytest.mark.parametrize("name", ["a.mp4", "a.m4v", "a.mov", "a.webm", "a.mkv", "A.MP4"])
def test_a_video_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "success").mkdir()
    (tmp_path / "success" / name).write_bytes(b"video")
    (a,) = read(tmp_path, INSTRUCTION).values()
    assert isinstance(a.footage, Film)


def test_a_folder_has_images_of_any_kind(tmp_path: Path) -> None:
    folder = tmp_path / "success/a"
    folder.mkdir(parents=True)
    for number, ending in enumerate(("jpg", "JPEG", "png", "webp", "txt")):
        (folder / f"{number}.{ending}").write_bytes(ending.encode())
    (a,) = read(tmp_path, INSTRUCTION, 4.0).values()
    assert isinstance(a.footage, Pictures)
    assert a.footage.read() == [b"jpg", b"JPEG", b"png", b"webp"]


def test_a_csv_is_the_same_table(tmp_path: Path) -> None:
    images(tmp_path / "a")
    # As Excel writes it: with a byte order mark.
    text = 'path,instruction,success,fps\r\na,"Open, then close.",true,4\r\n\r\n'
    (tmp_path / "episodes.csv").write_text(text, encoding="utf-8-sig")
    (a,) = read(tmp_path).values()
    assert (a.instruction, a.success, a.seconds) == ("Open, then close.", True, 0.75)


def test_folders_of_successes_and_failures_need_no_table(tmp_path: Path) -> None:
    for number in (10, 9):
        images(tmp_path / f"success/episode{number}")
    np.save(tmp_path / "failure.npy", np.zeros(1))  # is in neither folder
    (tmp_path / "failure").mkdir()
    np.save(tmp_path / "failure/a.npy", np.zeros((2, 8, 8, 3), np.uint8))
    (tmp_path / "failure/.DS_Store").touch()
    found = read(tmp_path, INSTRUCTION, 2.0)
    assert {name: each.success for name, each in found.items()} == {
        "success/episode9": True,
        "success/episode10": True,
        "failure/a.npy": False,
    }
    assert list(found) == ["success/episode9", "success/episode10", "failure/a.npy"]


def test_frame_10_comes_after_frame_9(tmp_path: Path) -> None:
    folder = images(tmp_path / "success/a", 12)
    (a,) = read(tmp_path, INSTRUCTION, 4.0).values()
    assert isinstance(a.footage, Pictures)
    assert a.footage.read() == [(folder / f"frame{number}.jpg").read_bytes() for number in range(12)]


def test_what_cannot_be_read_is_the_problem_of_one_episode(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npy").write_text("text")
    np.save(tmp_path / "grey.npy", np.zeros((4, 8, 8), np.uint8))
    np.save(tmp_path / "objects.npy", np.array([None]), allow_pickle=True)
    np.savez(tmp_path / "many.npz", np.zeros((4, 8, 8, 3), np.uint8))
    (tmp_path / "many.npz").rename(tmp_path / "archive.npy")
    npy(tmp_path / "huge.npy", f"(1{22 * '0'}, 1, 1, 3)")
    npy(tmp_path / "deep.npy", f"({8000 * '-'}5, 1, 1, 3)")
    unreadable = ["empty", "text.npy", "grey.npy", "objects.npy", "archive.npy", "huge.npy", "deep.npy"]
    names = [*unreadable, "gone.npy", "gone", "gone.mp4"]
    table(tmp_path, *({"path": name, "instruction": "x"} for name in names))
    codes = {name: code_of(each) for name, each in read(tmp_path, fps=4.0).items()}
    missing = names[len(unreadable) :]
    assert codes == dict.fromkeys(unreadable, "data-unreadable") | dict.fromkeys(missing, "file-missing")


def npy(path: Path, shape: str) -> None:
    """Write a header with a shape that no array has."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def test_only_files_are_images(tmp_path: Path) -> None:
    folder = images(tmp_path / "success/a")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "link.jpg").symlink_to(folder / "frame0.jpg")  # as in the caches of the hub
    (folder / "folder.jpg").mkdir()
    (a,) = read(tmp_path, INSTRUCTION, 4.0).values()
    assert a.frames == 4


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/etc", "C:\\a", "C:a", "a\\..\\b", ".", "./"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, path: str) -> None:
    table(tmp_path, {"path": path, "instruction": "x", "fps": 4})
    with pytest.raises(UsageError, match=r"episodes\.jsonl line 1: path must be inside"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "path is missing. Write the video"),
        ({"path": "b"}, "the instruction is missing"),
        ({"path": "b", "instruction": 1}, "instruction must be a text, found 1"),
        ({"path": "b", "instruction": "x"}, "fps is missing"),
        ({"path": "b", "instruction": "x", "fps": 0}, "fps must be a number from 0.0001 to 10000, found 0"),
        ({"path": "b", "instruction": "x", "fps": "inf"}, "fps must be a number from 0.0001 to 10000, found 'inf'"),
        ({"path": "b", "instruction": "x", "fps": True}, "fps must be a number from 0.0001 to 10000, found True"),
        ({"path": "b", "instruction": "x", "fps": 1e-320}, "fps must be a number from 0.0001 to 10000, found 1e-320"),
        ({"path": "b", "instruction": "x", "fps": 10**400}, "fps must be a number from 0.0001 to 10000, found 1000"),
        ({"path": "b", "instruction": "x", "success": 1}, "success must be true, false or empty, found 1"),
        ({"path": "b", "instruction": "x", "success": "yes"}, "success must be true, false or empty, found 'yes'"),
        ({"path": "b", "instruction": "x", "succes": True}, "there is no 'succes' here. Known: path, instruction"),
        ({"path": "d.mp4", "instruction": "x", "fps": 4}, "a video has its own times. Leave fps empty."),
        ({"path": "e.txt", "instruction": "x", "fps": 4}, "e.txt is not a video"),
        ({"path": "./a", "instruction": "x", "fps": 4}, "the path 'a' is that of"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    images(tmp_path / "a")
    images(tmp_path / "b")
    (tmp_path / "d.mp4").touch()
    (tmp_path / "e.txt").touch()
    (tmp_path / "episodes.jsonl").write_text(
        json.dumps({"path": "a", "instruction": "x", "fps": 4}) + "\n\n" + json.dumps(row) + "\n"
    )
    with pytest.raises(UsageError) as raised:
        read(tmp_path)
    assert f"episodes.jsonl line 3: {words}" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("episodes.jsonl", "{", "line 1: this is not JSON"),
        ("episodes.jsonl", 100_000 * "[", "line 1: this is not JSON: too many brackets are inside each other"),
        ("episodes.jsonl", "\n[1]", "line 2: this is not a JSON object"),
        ("episodes.jsonl", "", "has no episodes that can be found"),
        ("episodes.csv", "path,instruction\na,b,c\n", "line 2: there are more values than columns"),
        ("episodes.csv", 'path,instruction\n"a,b\n', "after line 1: unexpected end of data"),
        ("episodes.csv", "path,label\na,1\n", "there is no 'label' here"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as raised:
        read(tmp_path)
    assert words in str(raised.value)


def test_a_folder_has_one_table_and_episodes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no episodes that can be found"):
        read(tmp_path)
    with pytest.raises(UsageError, match="is not a folder"):
        read(tmp_path / "gone")
    (tmp_path / "episodes.jsonl").touch()
    (tmp_path / "episodes.csv").touch()
    with pytest.raises(UsageError, match="Remove one of them"):
        read(tmp_path)


def test_other_frames_are_another_identity(tmp_path: Path) -> None:
    folder = images(tmp_path / "success/a")
    before = read(tmp_path, INSTRUCTION, 4.0)["success/a"].identity
    shutil.copytree(folder, tmp_path / "success/b")
    assert read(tmp_path, INSTRUCTION, 4.0)["success/b"].identity != before
    assert read(tmp_path, "Another.", 4.0)["success/a"].identity == before
    assert read(tmp_path, INSTRUCTION, 5.0)["success/a"].identity != before
    (folder / "frame1.jpg").write_bytes(b"x")
    assert read(tmp_path, INSTRUCTION, 4.0)["success/a"].identity != before
