"""Score an episode with topreward-server over a connection that can fail.

A frame is identified by its digest: the SHA-256 of the uploaded bytes. After any failure, the next request has digests
only. The service responds 409 with the digests of the frames that it still needs, and only those are sent. So a frame
that has arrived is not sent again after a broken connection or a lost response.
"""

import io
import json
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

Form = list[tuple[str, tuple[str | None, bytes | str]]]  # (part name, (file name, content))
Parts = Callable[[list[str]], Form]  # makes the form parts for the frames with these digests
Sent = Callable[[int, int], None]  # called with the bytes sent so far and the total

AGAIN = {408, 429, 502, 503, 504}  # worth a retry; 429 without the code too-many-wrong-keys is from a proxy
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)

log = logging.getLogger("topreward")


class Unanswered(RuntimeError):
    """There was no result within ``Service.patience_s``."""


class Refused(RuntimeError):
    """The service rejects the request, and a retry would not help. ``problem`` is the problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']} {problem.get('errors', '')}".rstrip())
        self.problem = problem


@dataclass(frozen=True)
class Service:
    """The address of the service, and how long to wait for it."""

    url: str = "http://127.0.0.1:8080"
    key: str | None = None
    # Longest time without a byte in either direction: above the service's DEADLINE_S, because a busy service reads late.
    timeout_s: float = 130.0
    patience_s: float = 300.0  # longest time for all attempts together


class Body(io.BytesIO):
    """A request body that reports how much was sent. A file is sent in pieces, each with its own timeout."""

    def __init__(self, body: bytes, sent: Sent) -> None:
        super().__init__(body)
        self.total, self.sent = len(body), sent

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.sent(self.tell(), self.total)
        return piece


def score(
    session: requests.Session,
    service: Service,
    episode: dict[str, Any],
    digests: Sequence[str],
    parts: Parts,
    first: Iterable[str] = (),
    sent: Sent = lambda done, total: None,
) -> dict[str, Any]:
    """Score an episode whose frames the service may know already.

    :param episode: ``instruction``, ``fps`` and other members of the contract's Episode
    :param digests: SHA-256 of every frame so far; empty for a frame that is not sampled
    :param parts: makes the form parts for frames
    :param first: digests of new frames, sent with the first request; other frames are sent when the service needs them
    :param sent: called for each piece that is sent
    :returns: the response, a RewardResult
    :raises Unanswered: if there is no result within ``service.patience_s``
    :raises Refused: if a retry would not help
    """
    end = time.monotonic() + service.patience_s
    sending, arrived, failures = list(first), set[str](), 0
    while True:
        try:
            response = _post(session, service, {**episode, "frame_digests": list(digests)}, parts(sending), sent, end)
            if response.status_code == requests.codes.ok:
                return response.json()
            problem = _problem(response)
        except LOST as error:
            reason, pause = f"the connection failed ({type(error).__name__})", 0.0
        else:
            if problem["code"] == "frames-missing":
                arrived.update(sending)
                missing = set(problem["missing"])
                if not missing <= set(digests) - set(sending):
                    raise Refused(problem)
                # A service that keeps no frames needs earlier frames again: then one request has them all.
                needed = missing if missing.isdisjoint(arrived) else missing | arrived
                sending = [digest for digest in dict.fromkeys(digests) if digest in needed]
                failures = 0
                continue
            if response.status_code not in AGAIN or problem["code"] == "too-many-wrong-keys":
                raise Refused(problem)
            reason, pause = f"{response.status_code} {problem['code']}", _retry_after(response)
        failures += 1
        pause += random.uniform(0.5, 1.0) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (failures - 1))
        if time.monotonic() + pause > end:
            raise Unanswered(f"No result from {service.url} in {service.patience_s:g} s. Last failure: {reason}.")
        log.warning("%s; retry in %.1f s", reason, pause)
        time.sleep(pause)
        sending = []


def _post(
    session: requests.Session, service: Service, episode: dict[str, Any], frames: Form, sent: Sent, end: float
) -> requests.Response:
    # The episode part is first, so that the service can keep the frames of an interrupted upload.
    form: Form = [("episode", (None, json.dumps(episode))), *frames]
    request = session.prepare_request(requests.Request("POST", f"{service.url}/v1/rewards", files=form))
    if service.key:
        request.headers["authorization"] = f"Bearer {service.key}"
    request.body = Body(request.body, sent)
    return session.send(request, timeout=max(0.01, min(service.timeout_s, end - time.monotonic())))


def _problem(response: requests.Response) -> dict[str, Any]:
    status = response.status_code
    try:
        return {"code": f"http-{status}", "detail": response.reason} | response.json() | {"status": status}
    except (requests.JSONDecodeError, TypeError):  # not a JSON object: the response is from a proxy
        return {"code": f"http-{status}", "detail": response.reason, "status": status}


def _retry_after(response: requests.Response) -> float:
    """Seconds to wait, from the header Retry-After (a number or a date); 0 without it."""
    value = response.headers.get("retry-after", "0")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
