"""A hub with the few routes that a download and a commit need, and the storage beside it, on another port.

It remembers every request, so that a test sees what was sent and who got the token.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(frozen=True)
class Asked:
    """A request, as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hub:
    """A dataset repository. Videos and parquet files are in the storage, as large files are."""

    repo: str
    root: Path
    url: str = ""
    storage_url: str = ""
    asked: list[Asked] = field(default_factory=list)
    stored: list[Asked] = field(default_factory=list)
    uploaded: dict[str, bytes] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    refuses: bool = False

    @property
    def downloaded(self) -> set[str]:
        """The files that were sent, from both places."""
        sent = [asked.path for asked in [*self.asked, *self.stored] if asked.method == "GET" and "/resolve/" in asked.path]
        return {path.split(f"/resolve/{COMMIT}/")[1] for path in sent}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def _asked(self) -> Asked:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(headers.get("content-length", "0")))
        return Asked(self.command, unquote(urlsplit(self.path).path), headers, body)

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value: Any, status: int = 200) -> None:
        self._answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _HubHandler(_Handler):
    def do_GET(self) -> None:
        hub, asked = self.hub, self._asked()
        hub.asked.append(asked)
        names = [str(path.relative_to(hub.root)) for path in sorted(hub.root.rglob("*")) if path.is_file()]
        prefix = f"/datasets/{hub.repo}/resolve/{COMMIT}/"
        if asked.path in (f"/api/datasets/{hub.repo}/revision/{name}" for name in ("main", COMMIT)):
            self._json({"id": hub.repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]})
        elif asked.path.startswith(f"/api/datasets/{hub.repo}/tree/{COMMIT}"):
            self._json([{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in names])
        elif asked.path.removeprefix(prefix) in names:
            self._file(asked.path.removeprefix(prefix))
        else:
            hub.unknown.append(f"{asked.method} {asked.path}")
            self._json({"error": "Repository not found"}, 404)

    do_HEAD = do_GET  # noqa: N815

    def _file(self, name: str) -> None:
        content = (self.hub.root / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        facts = {"X-Repo-Commit": COMMIT, "ETag": f'"{digest}"'}
        if name.endswith((".mp4", ".parquet")):
            large = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{digest}"'}
            self._answer(302, headers={**facts, **large, "Location": f"{self.hub.storage_url}{self.path}"})
        else:
            self._answer(200, content, facts)

    def do_POST(self) -> None:
        hub, asked = self.hub, self._asked()
        hub.asked.append(asked)
        if hub.refuses:
            self._json({"error": "No write access"}, 403)
        elif asked.path == f"/api/datasets/{hub.repo}/preupload/main":
            files = json.loads(asked.body)["files"]
            modes = [{"path": file["path"], "uploadMode": _mode(file["path"]), "shouldIgnore": False} for file in files]
            self._json({"files": modes})
        elif asked.path == f"/datasets/{hub.repo}.git/info/lfs/objects/batch":
            objects = json.loads(asked.body)["objects"]
            actions = [{**each, "actions": {"upload": {"href": f"{hub.storage_url}/put/{each['oid']}"}}} for each in objects]
            self._json({"transfer": "basic", "objects": actions})
        elif asked.path == f"/api/datasets/{hub.repo}/commit/main":
            self._commit(asked)
        else:
            hub.unknown.append(f"{asked.method} {asked.path}")
            self._json({"error": "not found"}, 404)

    def _commit(self, asked: Asked) -> None:
        bodies = {stored.path.removeprefix("/put/"): stored.body for stored in self.hub.stored if stored.method == "PUT"}
        for line in map(json.loads, asked.body.splitlines()):
            if line["key"] == "file":
                self.hub.uploaded[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                self.hub.uploaded[line["value"]["path"]] = bodies[line["value"]["oid"]]
        self._json({"commitUrl": f"{self.hub.url}/datasets/{self.hub.repo}/commit/{COMMIT}", "commitOid": COMMIT})


def _mode(name: str) -> str:
    """One of the two files is large, so that both kinds of upload are seen."""
    return "lfs" if name == "topreward_progress.parquet" else "regular"


class _StorageHandler(_Handler):
    def do_GET(self) -> None:
        asked = self._asked()
        self.hub.stored.append(asked)
        self._answer(200, (self.hub.root / asked.path.split(f"/resolve/{COMMIT}/")[1]).read_bytes())

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        self.hub.stored.append(self._asked())
        self._answer(200)


@contextmanager
def hub_with(repo: str, root: Path) -> Iterator[Hub]:
    """Start a hub and its storage on free ports.

    :param root: the files of the repository
    """
    hub = Hub(repo, root)
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"hub": hub}))
        for handler in (_HubHandler, _StorageHandler)
    ]
    hub.url, hub.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()
