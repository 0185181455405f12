"""Which failures are worth a retry, and how long to wait before it: docs/reference/api.md, "Retries"."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, cast

from ._contract import Problem
from ._flow import Flow, Lost, Pause, Reply, Request, ask, next_line
from .errors import Unanswered, UnusableAnswer, problem_of, refusal

AGAIN = {408, 429, 502, 503, 504}  # worth a retry; 429 without the code too-many-wrong-keys is from a proxy
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0

log = logging.getLogger("topreward")


@dataclass(frozen=True)
class Failure:
    """A failure that a retry can mend.

    :ivar retry_after_s: how long the service asks to wait
    """

    reason: str
    retry_after_s: float = 0.0
    problem: Problem | None = None


class Attempts:
    """The attempts for one result.

    :param url: for messages
    :param timeout_s: longest time without a byte in one attempt
    :param patience_s: longest time for all attempts together; 0: one attempt
    """

    def __init__(self, url: str, timeout_s: float, patience_s: float) -> None:
        self._url, self._timeout_s, self._patience_s = url, timeout_s, patience_s
        self._end = time.monotonic() + patience_s
        self._failures = 0

    def timeout_s(self) -> float:
        """The timeout of the next attempt. It does not exceed the time that is left."""
        left = self._end - time.monotonic()
        return max(0.01, min(self._timeout_s, left)) if self._patience_s else self._timeout_s

    def succeeded(self) -> None:
        """The service responded as it should: the next pause is short again."""
        self._failures = 0

    def pause(self, failure: Failure) -> Pause:
        """The pause before the next attempt.

        :raises Unanswered: if there is no time for one
        """
        self._failures += 1
        growing = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failures - 1))
        seconds = failure.retry_after_s + random.uniform(0.5, 1.0) * growing
        if time.monotonic() + seconds > self._end:
            within = f"in {self._patience_s:g} s" if self._patience_s else "in one attempt"
            message = f"No result from {self._url} {within}. Last failure: {failure.reason}."
            raise Unanswered(message, failure.problem, failure.retry_after_s)
        log.warning("%s; retry in %.1f s", failure.reason, seconds)
        return Pause(seconds)


def answer_to(request: Request) -> Flow[Reply | Failure]:
    """Send a request once.

    :returns: a successful response, or a failure that a retry can mend
    :raises Refused: if a retry would not help
    """
    reply = yield from ask(request)
    if isinstance(reply, Lost):
        return Failure(f"the connection failed ({reply.reason})")
    if reply.status == 200:
        return reply
    problem = problem_of(reply.status, reply.reason, _json(reply.body))
    return failure_of(problem, retry_after_s(reply.retry_after))


def answered(request: Request, attempts: Attempts) -> Flow[Any]:
    """The JSON document of a successful response, after as many attempts as it takes."""
    while True:
        answer = yield from answer_to(_timed(request, attempts))
        if isinstance(answer, Reply):
            return document_of(answer.body)
        yield attempts.pause(answer)


def opened(request: Request, attempts: Attempts) -> Flow[Failure | None]:
    """Send a request for lines once. None if the response is open."""
    answer = yield from answer_to(_timed(request, attempts))
    return answer if isinstance(answer, Failure) else None


def next_event() -> Flow[dict[str, Any] | Failure]:
    """The next line of the open response. A response that ends here was cut off."""
    line = yield from next_line()
    if line is None:
        return Failure("the response was cut off")
    if isinstance(line, Lost):
        return Failure(f"the connection failed ({line.reason})")
    return document_of(line)


def failure_of(problem: Problem, after_s: float = 0.0) -> Failure:
    """The failure in a problem of a response or of a line.

    :param after_s: the header Retry-After
    :raises Refused: if a retry would not help
    """
    if problem["status"] not in AGAIN or problem["code"] == "too-many-wrong-keys":
        raise refusal(problem)
    return Failure(f"{problem['status']} {problem['code']}", after_s or problem.get("retry_after_s", 0.0), problem)


def retry_after_s(value: str) -> float:
    """Seconds to wait, from the header Retry-After (a number or a date); 0 without it."""
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def document_of(body: bytes) -> dict[str, Any]:
    """:raises UnusableAnswer: if the body is not a JSON object"""
    document = _json(body)
    if isinstance(document, Mapping):
        return cast(dict[str, Any], document)
    raise UnusableAnswer(f"The response is not a JSON object: {body[:80]!r}. Is the URL that of topreward-server?")


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _timed(request: Request, attempts: Attempts) -> Request:
    return Request(request.method, request.path, request.body, request.lines, attempts.timeout_s(), request.sent)
