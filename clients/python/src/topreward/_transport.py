"""Performs the effects of flows over HTTP. This is the only module that knows the HTTP library.

The library is httpx2: sync and async with one interface, typed, no compiled code, and released every month. httpx, which it
continues, had its last release in December 2024. Its version for Python 3.10 is 2.14.
"""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

import httpx2

from ._flow import Answer, Ask, Effect, Emit, Flow, Lost, Pause, Reply, Request, Stream
from ._multipart import Form

T = TypeVar("T")
CONNECT_S = 10.0
AGENT = f"topreward-client/{version('topreward-client')} python/{platform.python_version()}"


@dataclass(frozen=True)
class Address:
    """Where the service is.

    :param url: starts with ``http://`` or ``https://``, and can have a path
    :param api_key: one of the service's ``API_KEYS``
    :raises ValueError: if one of them cannot be used
    """

    url: str
    api_key: str | None = None

    def __post_init__(self) -> None:
        try:
            parsed = httpx2.URL(self.url)
        except (TypeError, httpx2.InvalidURL) as error:
            raise ValueError(f"url is not a URL: {error}") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(f'url must start with "http://" or "https://". It is "{self.url}".')
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise ValueError("api_key has a space, a line break or a character outside ASCII.")

    def headers(self) -> dict[str, str]:
        key = {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"user-agent": AGENT, **key}


class Transport:
    """Runs flows on the calling thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._process, self._client = os.getpid(), self._open()

    def run(self, flow: Flow[T]) -> T:
        """:returns: what the flow returns"""
        with ExitStack() as opened:
            exchange, answer = _Exchange(self._own(), opened), None
            while True:
                try:
                    effect = flow.send(answer)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                answer = exchange.perform(effect)

    def stream(self, flow: Stream[T]) -> Iterator[T]:
        """:returns: the values that the flow emits; closing the iterator closes the response"""
        with ExitStack() as opened:
            exchange, answer = _Exchange(self._own(), opened), None
            while True:
                try:
                    effect = flow.send(answer)
                except StopIteration:
                    return
                if isinstance(effect, Emit):
                    yield effect.value
                    answer = None
                else:
                    answer = exchange.perform(effect)

    def close(self) -> None:
        self._client.close()

    def _open(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._address.url, headers=self._address.headers())

    def _own(self) -> httpx2.Client:
        """The connections of this process: a forked process must not use those of its parent."""
        if self._process != os.getpid():
            self._process, self._client = os.getpid(), self._open()
        return self._client


class _Exchange:
    """The open response of a flow."""

    def __init__(self, client: httpx2.Client, opened: ExitStack) -> None:
        self._client, self._opened = client, opened
        self._lines: Iterator[bytes] = iter(())

    def perform(self, effect: Effect[T]) -> Answer:
        try:
            if isinstance(effect, Ask):
                return self._ask(effect.request)
            if isinstance(effect, Pause):
                self._opened.close()
                time.sleep(effect.seconds)
                return None
            return next(self._lines, None)
        except httpx2.RequestError as error:
            return Lost(_words(error))

    def _ask(self, request: Request) -> Reply:
        self._opened.close()
        message = self._client.build_request(
            request.method,
            request.path,
            content=_pieces(request) if request.body else None,
            headers=_headers(request),
            timeout=_timeout(request),
        )
        response = self._client.send(message, stream=True)
        self._opened.callback(response.close)
        if request.lines and response.status_code == 200:
            self._lines = _split(response.iter_bytes())
            return _reply(response, b"")
        return _reply(response, response.read())


class AsyncTransport:
    """Runs flows on the event loop."""

    def __init__(self, address: Address) -> None:
        self._client = httpx2.AsyncClient(
            base_url=address.url,
            headers=address.headers(),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def run(self, flow: Flow[T]) -> T:
        """:returns: what the flow returns"""
        async with AsyncExitStack() as opened:
            exchange, answer = _AsyncExchange(self._client, opened), None
            while True:
                try:
                    effect = flow.send(answer)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                answer = await exchange.perform(effect)

    async def stream(self, flow: Stream[T]) -> AsyncIterator[T]:
        """:returns: the values that the flow emits; closing the iterator closes the response"""
        async with AsyncExitStack() as opened:
            exchange, answer = _AsyncExchange(self._client, opened), None
            while True:
                try:
                    effect = flow.send(answer)
                except StopIteration:
                    return
                if isinstance(effect, Emit):
                    yield effect.value
                    answer = None
                else:
                    answer = await exchange.perform(effect)

    async def close(self) -> None:
        await self._client.aclose()


class _AsyncExchange:
    """The open response of a flow."""

    def __init__(self, client: httpx2.AsyncClient, opened: AsyncExitStack) -> None:
        self._client, self._opened = client, opened
        self._lines: AsyncIterator[bytes] | None = None

    async def perform(self, effect: Effect[T]) -> Answer:
        try:
            if isinstance(effect, Ask):
                return await self._ask(effect.request)
            if isinstance(effect, Pause):
                await self._opened.aclose()
                await asyncio.sleep(effect.seconds)
                return None
            return await anext(self._lines, None) if self._lines else None
        except httpx2.RequestError as error:
            return Lost(_words(error))

    async def _ask(self, request: Request) -> Reply:
        await self._opened.aclose()
        message = self._client.build_request(
            request.method,
            request.path,
            content=_async_pieces(request) if request.body else None,
            headers=_headers(request),
            timeout=_timeout(request),
        )
        response = await self._client.send(message, stream=True)
        self._opened.push_async_callback(response.aclose)
        if request.lines and response.status_code == 200:
            self._lines = _async_split(response.aiter_bytes())
            return _reply(response, b"")
        return _reply(response, await response.aread())


def _headers(request: Request) -> dict[str, str]:
    accept = {"accept": "application/x-ndjson" if request.lines else "application/json"}
    if request.body is None:
        return accept
    if isinstance(request.body, Form):
        return {**accept, "content-type": request.body.content_type, "content-length": str(request.body.size)}
    return {**accept, "content-type": "application/json", "content-length": str(len(request.body))}


def _words(error: httpx2.RequestError) -> str:
    """Why there is no response. A connection that cannot be opened has many reasons: a name, a port, a certificate."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, httpx2.ConnectError) and str(error) else name


def _timeout(request: Request) -> httpx2.Timeout:
    return httpx2.Timeout(request.timeout_s, connect=min(CONNECT_S, request.timeout_s))


def _pieces(request: Request) -> Iterator[bytes]:
    """The body. ``request.sent`` is called before each piece, because the library sends it when it asks for the next."""
    if not isinstance(request.body, Form):
        yield request.body or b""
        return
    done = 0
    for piece in request.body.pieces():
        done += len(piece)
        if request.sent:
            request.sent(done, request.body.size)
        yield bytes(piece)


async def _async_pieces(request: Request) -> AsyncIterator[bytes]:
    for piece in _pieces(request):
        yield piece


def _reply(response: httpx2.Response, body: bytes) -> Reply:
    return Reply(response.status_code, response.reason_phrase, response.headers.get("retry-after", ""), body)


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The complete lines. What follows the last line break is not a line, because the response was cut off there."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


async def _async_split(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line
