"""What the client does, without input and output: a flow is a generator that says what to do next.

The sync and the async client run the same flows. ``_transport.py`` performs their effects: it sends requests, reads lines and
waits. So retries and the protocol of growing episodes are written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from ._multipart import Form

T = TypeVar("T")
Sent = Callable[[int, int], None]  # called with the bytes sent so far and the total


@dataclass(frozen=True)
class Request:
    """A request to the service.

    :param lines: ask for lines: the body of a successful response is then read with ``NextLine``
    :param timeout_s: longest time without a byte in either direction
    """

    method: str
    path: str
    body: Form | bytes | None = None
    lines: bool = False
    timeout_s: float = 130.0
    sent: Sent | None = None


@dataclass(frozen=True)
class Reply:
    """A response. ``body`` is empty for a successful response in lines."""

    status: int
    reason: str
    retry_after: str
    body: bytes


@dataclass(frozen=True)
class Lost:
    """The connection failed, broke, or was silent for too long."""

    reason: str


@dataclass(frozen=True)
class Ask:
    """Send a request. The answer is a ``Reply`` or ``Lost``."""

    request: Request


@dataclass(frozen=True)
class NextLine:
    """Read a line of the open response. The answer is the line, None at the end, or ``Lost``."""


@dataclass(frozen=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Emit(Generic[T]):
    """Give a value to the user."""

    value: T


Effect: TypeAlias = Ask | NextLine | Pause | Emit[T]
Answer: TypeAlias = Reply | Lost | bytes | None
# A flow emits values of the first type and returns the second type.
Flow: TypeAlias = Generator[Effect[Any], Answer, T]
Stream: TypeAlias = Generator[Effect[T], Answer, None]


def ask(request: Request) -> Flow[Reply | Lost]:
    answer = yield Ask(request)
    if not isinstance(answer, Reply | Lost):
        raise TypeError(f"{answer!r} does not answer a request")
    return answer


def next_line() -> Flow[bytes | Lost | None]:
    answer = yield NextLine()
    if isinstance(answer, Reply):
        raise TypeError("a response is not a line")
    return answer
