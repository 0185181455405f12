"""Errors of the client. All of them are ``TopRewardError``, and those of a response have the problem in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ._contract import Problem

# Statuses that a wrong key, host name or path causes. They do not depend on the episode.
_EVERY_REQUEST = {401, 403, 404, 405, 421, 429}


class TopRewardError(RuntimeError):
    """Something between this client and the service failed."""


class Refused(TopRewardError):
    """The service rejects the request, and a retry would not help.

    :ivar problem: the problem document
    :ivar code: its code, for example ``"missing-instruction"``
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(_words(problem))
        self.problem = problem
        self.code = problem["code"]
        self.status = problem["status"]

    @property
    def every_request(self) -> bool:
        """Whether every request would be rejected: a wrong key, address or calibration, not a wrong episode."""
        return self.status in _EVERY_REQUEST or self.code == "calibration-mismatch"


class Unauthorized(Refused):
    """The API key is missing or wrong: 401, 403, and 429 after too many wrong keys."""


class InvalidRequest(Refused):
    """The request is wrong: every other 4xx. The problem says where, and what to send instead."""


class FramesMissing(InvalidRequest):
    """The service needs frames of a growing episode again, but the client does not have them: 409."""

    @property
    def missing(self) -> list[str]:
        """The digests of these frames."""
        return self.problem.get("missing", [])


class ServiceFault(Refused):
    """The service failed in a way that a retry does not mend: 500 and 501."""


class Unanswered(TopRewardError):
    """There was no result within ``patience_s``. A later request can succeed.

    :ivar problem: the last problem that the service sent; None if the connection failed
    :ivar retry_after_s: how long the service asked to wait, in seconds; 0 if it did not
    """

    def __init__(self, message: str, problem: Problem | None = None, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.problem = problem
        self.retry_after_s = retry_after_s


class UnusableAnswer(TopRewardError):
    """A response is not one of topreward-server, for example a login page. The URL is probably wrong."""


def refusal(problem: Problem) -> Refused:
    """The error for a problem that a retry does not mend."""
    code, status = problem["code"], problem["status"]
    if status in (401, 403) or code == "too-many-wrong-keys":
        return Unauthorized(problem)
    if code == "frames-missing":
        return FramesMissing(problem)
    return ServiceFault(problem) if status >= 500 else InvalidRequest(problem)


def problem_of(status: int, reason: str, document: object) -> Problem:
    """The problem in an error response. A response of a proxy, which is not a problem, becomes one.

    :param document: the JSON of the body; None if it is not JSON
    """
    plain = {"type": "about:blank", "title": reason, "code": f"http-{status}", "detail": reason, "instance": ""}
    members = document if isinstance(document, Mapping) else {}
    return cast(Problem, {**plain, **members, "status": status})


def _words(problem: Problem) -> str:
    # The detail can have the first of several errors already.
    others = [error for error in problem.get("errors", []) if error["detail"] not in problem["detail"]]
    where = [f"{error['pointer'] or '/'}: {error['detail']}" for error in others]
    return " ".join([f"{problem['code']}: {problem['detail']}", *where])
