"""Services for the tests: the real one, and one that answers as a test says."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from topreward import _retry

REPOSITORY = Path(__file__).parents[4]
EPISODES = REPOSITORY / "examples/episodes"


@pytest.fixture(scope="session")
def url() -> str:
    """The address of a real service with the embedded model. test/python/client.test.ts starts it."""
    return os.environ["TOPREWARD_URL"]


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """The frames of a successful episode, at 4 fps."""
    return sorted((EPISODES / "drawer-open-v3-success").glob("*.jpg"))


@pytest.fixture(scope="session")
def pixels(files: list[Path]) -> npt.NDArray[np.uint8]:
    return np.stack([np.asarray(Image.open(file)) for file in files])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are short."""
    monkeypatch.setattr(_retry, "FIRST_PAUSE_S", 0.01)


@dataclass
class Answer:
    """A response. With ``cut``, the connection breaks after the body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    def encoded(self) -> bytes:
        if isinstance(self.body, list):
            return b"".join(json.dumps(line).encode() + b"\n" for line in self.body)
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """A request, as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    def part(self, name: str) -> Any:
        """The JSON of a part of the form."""
        start = self.body.index(f'name="{name}"\r\n\r\n'.encode())
        text = self.body[start:].split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
        return json.loads(text)


@dataclass
class Stub:
    """A service that gives these answers, one after the other, and remembers the requests."""

    url: str
    answers: list[Answer | Callable[[Asked], Answer]]
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture
def stub() -> Iterator[Stub]:
    service = Stub("", [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length))
            service.asked.append(asked)
            planned = service.answers[min(len(service.asked), len(service.answers)) - 1]
            answer = planned(asked) if callable(planned) else planned
            body = answer.encoded()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body) + answer.cut))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = answer.cut

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    server.shutdown()
    server.server_close()
    thread.join()
