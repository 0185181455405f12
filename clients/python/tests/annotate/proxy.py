"""A proxy in front of the service. It records which episodes were requested, and can refuse requests for a while."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

BUSY = json.dumps(
    {"type": "/problems/server-busy", "title": "Busy", "status": 503, "code": "server-busy", "detail": "Busy.", "instance": "x"}
).encode()


@dataclass
class Proxy:
    """What arrived. ``refuses`` is called with the number of the batch, from 0: true makes it a 503."""

    target: str
    refuses: Callable[[int], bool] = lambda number: False
    address: str = ""
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    active: int = 0
    most_active: int = 0
    results: int = 0
    on_line: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def episodes(self) -> int:
        """Number of episodes in all batches that were passed on."""
        return sum(map(len, self.batches))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        proxy, body = self.proxy, self.rfile.read(int(self.headers["content-length"]))
        with proxy.lock:
            number = len(proxy.batches)
            proxy.batches.append(_items(body))
            proxy.bytes.append(len(body))
            refused = proxy.refuses(number)
            if refused:
                proxy.batches[number] = []
        if refused:
            self.send_response(503)
            self.send_header("content-type", "application/problem+json")
            self.send_header("content-length", str(len(BUSY)))
            self.end_headers()
            self.wfile.write(BUSY)
            return
        with proxy.lock:
            proxy.active += 1
            proxy.most_active = max(proxy.active, proxy.most_active)
        try:
            self._pass_on(body)
        finally:
            with proxy.lock:
                proxy.active -= 1

    def _pass_on(self, body: bytes) -> None:
        target = urlsplit(self.proxy.target)
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=600)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.send_header("connection", "close")
        self.end_headers()
        try:
            for line in answer:
                self.wfile.write(line)
                self.wfile.flush()
                if b'"event":"result"' in line:
                    self.proxy.results += 1
                    self.proxy.on_line()
        except OSError:  # the client was killed
            self.close_connection = True
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def _items(form: bytes) -> list[dict[str, Any]]:
    start = form.index(b"\r\n\r\n") + 4
    items: list[dict[str, Any]] = json.loads(form[start : form.index(b"\r\n--", start)])["items"]
    return items


@contextmanager
def proxy_to(target: str, refuses: Callable[[int], bool] = lambda number: False) -> Iterator[Proxy]:
    """Start a proxy on a free port."""
    proxy = Proxy(target, refuses)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
