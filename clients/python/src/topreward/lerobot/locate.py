"""Finds a dataset on this machine. Nothing is downloaded."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from .failures import UsageError


def find_root(root: Path | None, repo_id: str | None, revision: str | None, env: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that contains ``meta/info.json``.

    :param root: the folder of the dataset; if it is given, nothing else is searched
    :param repo_id: ``USER/NAME``: searched in LeRobot's folder, then in the caches of the hub
    :param revision: a branch, a tag or a commit of the hub caches
    :raises UsageError: if the dataset is not there, or if the parameters do not fit together
    """
    if root is not None and repo_id is not None:
        raise UsageError("--root and --repo-id both name a dataset: use one of them.")
    if revision is not None and repo_id is None:
        raise UsageError("--revision is for --repo-id: a folder has one version only.")
    if root is not None:
        if not (root / "meta/info.json").is_file():
            raise UsageError(f"{root} is not a LeRobot dataset: it has no meta/info.json.")
        return root
    if repo_id is None:
        raise UsageError("Name the dataset with --root DIR or --repo-id USER/NAME.")
    candidates = list(_candidates(repo_id, revision, env))
    for candidate in candidates:
        if (candidate / "meta/info.json").is_file():
            return candidate
    searched = "\n".join(f"  {candidate}" for candidate in candidates)
    raise UsageError(
        f"{repo_id} is not on this machine. Searched:\n{searched}\nDownload it first: hf download {repo_id} --repo-type dataset"
    )


def _candidates(repo_id: str, revision: str | None, env: Mapping[str, str]) -> Iterator[Path]:
    cache = Path(env.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    hf_home = Path(env.get("HF_HOME", cache / "huggingface")).expanduser()
    lerobot = Path(env.get("HF_LEROBOT_HOME", hf_home / "lerobot")).expanduser()
    hub = Path(env.get("HF_HUB_CACHE", env.get("HUGGINGFACE_HUB_CACHE", hf_home / "hub"))).expanduser()
    if revision is None:
        yield lerobot / repo_id
    name = "datasets--" + repo_id.replace("/", "--")
    for folder in (lerobot / "hub" / name, hub / name):
        yield from _snapshots(folder, revision)


def _snapshots(folder: Path, revision: str | None) -> Iterator[Path]:
    """The snapshots of one cached repository: of the revision, or of ``main``, then of LeRobot's tags."""
    if revision is not None:
        yield folder / "snapshots" / _commit(folder, revision)
        return
    for name in ("main", "v3.0", "v2.1"):
        if (folder / "refs" / name).is_file():
            yield folder / "snapshots" / _commit(folder, name)
    snapshots = sorted(folder.glob("snapshots/*"))
    if len(snapshots) == 1:
        yield snapshots[0]
    elif not snapshots:
        yield folder


def _commit(folder: Path, revision: str) -> str:
    reference = folder / "refs" / revision
    return reference.read_text(encoding="utf-8").strip() if reference.is_file() else revision
