"""A folder of episodes as a labelled set."""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from .._contract import Problem
from ..lerobot.failures import UsageError
from ..lerobot.files import read_object
from ..lerobot.requests import Film, Footage, Pictures
from .subjects import LabelledSet, Subject, digest, fault
from .tabular import Row, read_rows

VIDEOS = {".mp4", ".m4v", ".mov", ".webm", ".mkv"}
IMAGES = {".jpg", ".jpeg", ".png", ".webp"}
COLUMNS = ("path", "instruction", "success", "fps", "task")
LAYOUTS = """{folder} has no episodes that can be found. It needs one of these:
  episodes.jsonl or episodes.csv, with path, instruction and success of each episode
  the folders success and failure, with an episode in each entry
  folders with an episode.json"""


@dataclass(frozen=True, slots=True)
class _Found:
    """An episode of the folder. ``row`` has what a person wrote about it, ``note`` is its ``episode.json``."""

    name: str
    row: Row
    note: Row
    success: bool | None


def set_of_folder(args: argparse.Namespace) -> LabelledSet:
    """Read the folder that the flags name.

    :raises UsageError: if it has no episodes, or if a row of its table is wrong
    """
    folder: Path = args.folder
    if not folder.is_dir():
        raise UsageError(f"--folder {folder} is not a folder.")
    found = list(_found(folder))
    if not found:
        raise UsageError(LAYOUTS.format(folder=folder))
    subjects = tuple(_subject(folder, each, args) for each in found)
    settings = {"dataset": folder.resolve().name, "instruction": args.instruction or "that of each episode"}
    return LabelledSet(folder.resolve().name, settings, subjects)


def _found(folder: Path) -> Iterator[_Found]:
    tables = [path for path in (folder / "episodes.jsonl", folder / "episodes.csv") if path.exists()]
    if len(tables) == 2:
        raise UsageError(f"{folder} has episodes.jsonl and episodes.csv. Remove one of them.")
    if tables:
        yield from _of_table(folder, tables[0])
    elif any((folder / label).is_dir() for label in ("success", "failure")):
        for label in ("success", "failure"):
            yield from (_entry(folder, f"{label}/{path.name}", label == "success") for path in _entries(folder / label))
    else:
        names = [path.name for path in _entries(folder) if (path / "episode.json").is_file()]
        yield from (_entry(folder, name, None) for name in names)


def _of_table(folder: Path, table: Path) -> Iterator[_Found]:
    lines: dict[str, str] = {}
    for row in read_rows(table, COLUMNS):
        path = row.text("path")
        if path is None:
            raise row.wrong("path is missing. Write the video, the .npy or the folder of images, relative to this file.")
        if _leaves(path):
            raise row.wrong(f"path must be inside {folder} and without '..', found {path!r}.")
        name = str(PurePosixPath(path))
        if name in lines:
            raise row.wrong(f"the path {name!r} is that of {lines[name]} already.")
        lines[name] = row.where
        note = _note(folder / name)
        yield _Found(name, row, note, _first(row.flag("success"), _success(note)))


def _entry(folder: Path, name: str, success: bool | None) -> _Found:
    note = _note(folder / name)
    return _Found(name, Row(str(folder / name), {}), note, _first(success, _success(note)))


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, except hidden files, in an order in which 10 comes after 9."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: _natural(path.name))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", name) if piece]


def _leaves(path: str) -> bool:
    # A path of another system is wrong on every system: then the same table means the same everywhere.
    parts = PurePosixPath(path).parts
    return PurePosixPath(path).is_absolute() or bool(PureWindowsPath(path).drive) or ".." in parts or "\\" in path or not parts


def _note(path: Path) -> Row:
    """The ``episode.json`` in the folder of an episode; an empty row without one."""
    file = path / "episode.json"
    if not file.is_file():
        return Row(str(file), {})
    return Row(str(file), read_object(file))


def _success(note: Row) -> bool | None:
    """The label in ``episode.json``: ``success``, or ``outcome`` as the recorded examples have it."""
    return _first(note.flag("success"), {"success": True, "failure": False}.get(note.text("outcome") or ""))


def _first(first: bool | None, second: bool | None) -> bool | None:
    return second if first is None else first


def _subject(folder: Path, found: _Found, args: argparse.Namespace) -> Subject:
    instruction = args.instruction or found.row.text("instruction") or found.note.text("instruction")
    if instruction is None:
        raise found.row.wrong("the instruction is missing. Write it into the table or into episode.json, or use --instruction.")
    path = folder / found.name
    footage = _footage(path, found, args.fps)
    frames = footage.frames if isinstance(footage, Pictures) else None
    fps = footage.fps if isinstance(footage, Pictures) else None
    return Subject(
        name=found.name,
        task=found.row.text("task") or found.note.text("task") or instruction,
        instruction=instruction,
        success=found.success,
        footage=footage,
        identity=digest([found.name, fps, _sizes(path)]),
        frames=frames,
        seconds=frames / fps if frames is not None and fps is not None else None,
    )


def _footage(path: Path, found: _Found, given_fps: float | None) -> Footage | Problem:
    """Where the frames of an episode are, or why it cannot be sent.

    :raises UsageError: if its frame rate is missing, or if it has one too many
    """
    row = found.row
    if path.suffix.lower() in VIDEOS:
        if row.rate("fps") is not None:
            raise row.wrong("a video has its own times. Leave fps empty.")
        return Film(path, None, 0, 0) if path.is_file() else _missing(path)
    if path.is_file() and path.suffix != ".npy":
        raise row.wrong(f"{found.name} is not a video ({', '.join(sorted(VIDEOS))}), a .npy or a folder of images.")
    fps = row.rate("fps") or found.note.rate("fps") or given_fps
    if fps is None:
        raise row.wrong("fps is missing. Images and .npy need it: write it into the table or into episode.json, or use --fps.")
    if not path.exists():
        return _missing(path)
    return _npy(path, fps) if path.is_file() else _images(path, fps)


def _missing(path: Path) -> Problem:
    return fault("file-missing", f"{path} does not exist.")


def _npy(path: Path, fps: float) -> Footage | Problem:
    try:
        array = np.lib.format.open_memmap(path, mode="r")  # not np.load, which opens archives too
    except (OSError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        return fault("data-unreadable", f"{path} cannot be read: {error}")
    if array.ndim != 4:
        return fault("data-unreadable", f"{path} has the shape {array.shape}, frames have (frames, height, width, 3).")
    return Pictures(lambda: path, len(array), fps)


def _images(path: Path, fps: float) -> Footage | Problem:
    files = _image_files(path)
    if not files:
        return fault("data-unreadable", f"{path} has no images ({', '.join(sorted(IMAGES))}).")
    return Pictures(lambda: [file.read_bytes() for file in files], len(files), fps)


def _image_files(path: Path) -> list[Path]:
    # Only files: reading a pipe or a device may never end.
    return [file for file in _entries(path) if file.suffix.lower() in IMAGES and file.is_file()]


def _sizes(path: Path) -> list[tuple[str, int]]:
    files = _image_files(path) if path.is_dir() else [path]
    return [(file.name, file.stat().st_size) for file in files if file.is_file()]
