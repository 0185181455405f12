"""Requests of several questions about an episode: its frames are read once, and an unreadable file fails only itself."""

from pathlib import Path

import pytest

from topreward.lerobot import requests
from topreward.lerobot.requests import Film, Pictures, Task, own_videos, pictures


def test_a_video_that_vanished_fails_only_its_own_tasks(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"a")
    films = {name: Film(tmp_path / f"{name}.mp4", None, 1, 1) for name in "abc"}
    (tmp_path / "c.mp4").write_bytes(b"c")
    tasks = [Task(name, films[name], {"question": number}) for name in "abc" for number in range(2)]
    request = own_videos(tasks)
    assert [(task.subject, item.video) for task, item in zip(request.tasks, request.items, strict=True)] == [
        ("a", 0),
        ("a", 0),
        ("c", 1),
        ("c", 1),
    ]
    assert request.videos == [tmp_path / "a.mp4", tmp_path / "c.mp4"]
    assert [task.subject for task, _ in request.unreadable] == ["b", "b"]
    assert "b.mp4" in request.unreadable[0][1]


def test_images_are_read_once_and_fill_a_batch_up_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def footage(name: str) -> Pictures:
        def read() -> list[bytes]:
            reads.append(name)
            if name == "b":
                raise ValueError
            return [b"1234", b"5678"]

        return Pictures(read, 2, 4.0)

    tasks = [Task(name, each, {"question": number}) for name in "abc" for each in [footage(name)] for number in range(3)]
    request = pictures(tasks, 100)
    assert reads == ["a", "b", "c"]
    assert [task.subject for task in request.tasks] == ["a"] * 3 + ["c"] * 3
    assert [(task.subject, reason) for task, reason in request.unreadable] == [("b", "ValueError")] * 3
    assert dict(request.items[0].episode) == {"question": 0, "fps": 4.0}
    assert len(pictures(tasks, 7).tasks) == 3  # 8 frames would be too many
    assert len(pictures(tasks, 1).tasks) == 1  # one is sent in any case
    monkeypatch.setattr(requests, "GROUP_BYTES", 39)
    assert len(pictures(tasks, 100).tasks) == 4
