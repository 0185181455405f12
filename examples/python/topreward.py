"""Ask topreward-server about an episode that grows, over a connection that may fail.

Frames are named by the SHA-256 of what is uploaded. Whatever goes wrong, the next try sends names only; the service
answers 409 with the names of the frames that it still needs, and those alone are sent. So nothing that has arrived is
sent again, whether a link broke, an answer was lost or the service has started anew.
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
Parts = Callable[[list[str]], Form]  # makes parts of the frames with these digests
Sent = Callable[[int, int], None]  # told how many bytes of how many the connection has taken

AGAIN = {408, 429, 502, 503, 504}  # what passes by itself; 502 and 504 are a proxy's words for a service that restarts
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)

log = logging.getLogger("topreward")


class Unanswered(RuntimeError):
    """The service could not answer in time. There is no number."""


class Refused(RuntimeError):
    """The service refuses the request for good. Its problem document is ``problem``."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')} {problem.get('errors', '')}".rstrip())
        self.problem = problem


@dataclass(frozen=True)
class Service:
    """Where the service is, and how long to wait for it, in seconds."""

    url: str = "http://127.0.0.1:8080"
    key: str | None = None
    timeout_s: float = 30.0  # without a byte either way
    patience_s: float = 120.0  # for all tries together


class Body(io.BytesIO):
    """A request's body that tells how much of it was taken. As a file it goes in pieces, each with its own timeout."""

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
    """Score an episode of which the service may know frames already.

    :param episode: ``instruction``, ``fps`` and what else the contract's Episode has
    :param digests: SHA-256 of every frame so far; empty for one that the model does not see
    :param parts: makes form parts of frames
    :param first: digests of frames to send at once, being new; the others are sent when they are asked for
    :param sent: told about each piece that the connection takes
    :returns: the service's answer, a RewardResult
    :raises Unanswered: when ``service.patience_s`` is over
    :raises Refused: when another try would end the same
    """
    end = time.monotonic() + service.patience_s
    sending, arrived, failures = list(first), set[str](), 0
    while True:
        try:
            answer = _post(session, service, {**episode, "frame_digests": list(digests)}, parts(sending), sent, end)
            if answer.status_code == requests.codes.ok:
                return answer.json()
            problem = _problem(answer)
        except LOST as error:
            reason, pause = f"the connection failed ({type(error).__name__})", 0.0
        else:
            if problem.get("code") == "frames-missing":
                arrived.update(sending)
                missing = set(problem["missing"])
                if not missing <= set(digests) - set(sending):
                    raise Refused(problem)
                # A service that keeps no frames asks for what has arrived before: then all go in one request.
                wanted = missing if missing.isdisjoint(arrived) else missing | arrived
                sending = [digest for digest in dict.fromkeys(digests) if digest in wanted]
                failures = 0
                continue
            if answer.status_code not in AGAIN:
                raise Refused(problem)
            reason, pause = f"{answer.status_code} {problem.get('code')}", _retry_after(answer)
        failures += 1
        pause += random.uniform(0.5, 1.0) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (failures - 1))
        if time.monotonic() + pause > end:
            raise Unanswered(f"No answer from {service.url} in {service.patience_s:g} s; at last {reason}.")
        log.warning("%s; again in %.1f s", reason, pause)
        time.sleep(pause)
        sending = []


def _post(
    session: requests.Session, service: Service, episode: dict[str, Any], frames: Form, sent: Sent, end: float
) -> requests.Response:
    # The episode comes first: of an upload that is cut off, the service then keeps what has arrived.
    form: Form = [("episode", (None, json.dumps(episode))), *frames]
    request = session.prepare_request(requests.Request("POST", f"{service.url}/v1/rewards", files=form))
    if service.key:
        request.headers["authorization"] = f"Bearer {service.key}"
    request.body = Body(request.body, sent)
    return session.send(request, timeout=max(0.01, min(service.timeout_s, end - time.monotonic())))


def _problem(answer: requests.Response) -> dict[str, Any]:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return {"code": f"http-{answer.status_code}", "detail": answer.reason}


def _retry_after(answer: requests.Response) -> float:
    """Seconds that the answer asks to wait: a number, or a date, or 0."""
    value = answer.headers.get("retry-after", "0")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
