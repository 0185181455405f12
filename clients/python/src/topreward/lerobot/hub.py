"""The hub of Hugging Face: ``--download`` and ``--push-to-hub``. Nothing else in the package uses it.

``huggingface_hub`` is an extra. It knows the caches, the tokens and the kinds of storage; it gives a token to the hub only.
"""

import os
import re
from collections.abc import Sequence
from glob import escape
from importlib import import_module
from pathlib import Path
from types import ModuleType

from .dataset import Camera, Dataset, choose_camera, read_dataset
from .episodes import read_episodes
from .failures import EXIT_UNREACHABLE, RunError, UsageError
from .selection import select_episodes


class HubError(RunError):
    """The hub does not respond, or refuses the request."""

    exit_code = EXIT_UNREACHABLE


def _library(flag: str) -> ModuleType:
    """:raises UsageError: if the extra is not installed"""
    # The library reads this when it is imported, and then says less about this machine.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        return import_module("huggingface_hub")
    except ImportError:
        raise UsageError(f"{flag} needs another package: pip install 'topreward-client[hub]'") from None


def download(repo_id: str, revision: str | None, camera: str | None, selection: str | None) -> Path:
    """Download the tables of a dataset, and then the data files and videos that a run needs, as far as the cache lacks them.

    :param camera: the camera; null if there is only one
    :param selection: as for ``select_episodes``: files of other episodes are not downloaded
    :returns: the folder of the dataset, in the cache of the hub
    :raises HubError: if the hub does not respond, or has no such dataset
    :raises UsageError: if the extra is not installed, or if the dataset has no such camera
    """
    root = _snapshot(repo_id, revision, ["meta/*"])
    if not (root / "meta/info.json").is_file():
        raise UsageError(f"{repo_id} is not a LeRobot dataset: it has no meta/info.json.")
    dataset = read_dataset(root)
    # The name of the folder is the commit: the tables and the files are of the same one.
    return _snapshot(repo_id, root.name, ["meta/*", *_files(dataset, choose_camera(dataset, camera), selection)])


def _snapshot(repo_id: str, revision: str | None, patterns: Sequence[str]) -> Path:
    hub = _library("--download")
    try:
        return Path(hub.snapshot_download(repo_id, repo_type="dataset", revision=revision, allow_patterns=list(patterns)))
    except Exception as error:  # of the HTTP library, which is another one in each major version of huggingface_hub
        raise HubError(f"{repo_id} could not be downloaded: {error}") from error


def _files(dataset: Dataset, camera: Camera, selection: str | None) -> list[str]:
    """Patterns of the data files and of the videos of one camera."""
    if selection is not None:
        chosen = select_episodes(read_episodes(dataset, camera), selection)
        return sorted({escape(file) for each in chosen for file in (each.data_file, each.clip and each.clip.file) if file})
    video_path = dataset.info.get("video_path")
    if camera.kind != "video" or not isinstance(video_path, str):
        return ["data/*"]
    of_camera = re.sub(r"\{video_key[^{}]*\}", escape(camera.key).replace("\\", r"\\"), video_path)
    return ["data/*", re.sub(r"\{[^{}]*\}", "*", of_camera)]


def target_of(repo: str | None, repo_id: str | None) -> str | None:
    """Return the repository to upload to; null for none.

    :param repo: the value of ``--push-to-hub``; empty means ``repo_id``
    :raises UsageError: if no repository is named, if there is no token, or if the extra is not installed
    """
    if repo is None:
        return None
    target = repo or repo_id
    if target is None:
        raise UsageError("--push-to-hub needs the name of the repository: --push-to-hub USER/NAME")
    if not _library("--push-to-hub").get_token():
        raise UsageError("--push-to-hub needs a token of the hub: run hf auth login, or set HF_TOKEN")
    return target


def push(repo: str, files: Sequence[Path]) -> str:
    """Upload files to a dataset repository, in one commit.

    :returns: where ``lerobot-train`` finds the first one
    :raises HubError: if the hub does not respond or refuses the files
    """
    hub = _library("--push-to-hub")
    try:
        hub.HfApi().create_commit(
            repo_id=repo,
            repo_type="dataset",
            operations=[hub.CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=str(file)) for file in files],
            commit_message="Add progress of every frame, made by topreward annotate",
        )
    except Exception as error:  # as above
        raise HubError(f"The files could not be uploaded to {repo}: {error}") from error
    return f"hf://datasets/{repo}/{files[0].name}"
