"""Retries as docs/reference/api.md says, against a service that answers as the test says."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from topreward import (
    AsyncClient,
    BatchItem,
    Client,
    InvalidRequest,
    Refused,
    ServiceFault,
    Unanswered,
    Unauthorized,
    UnusableAnswer,
)
from topreward._retry import Attempts, Failure, retry_after_s

from .conftest import Answer, Stub

MODEL: Any = {"model": "stub"}
EPISODE: Any = {"instruction": "Open the drawer.", "fps": 4}
FRAME = b"\xff\xd8 a frame"


def problem(code: str, status: int, **members: Any) -> dict[str, Any]:
    return {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": "It failed.", **members}


def refusal(code: str, status: int, **members: Any) -> Answer:
    return Answer(status, problem(code, status, **members))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
@pytest.mark.parametrize("body", [b"<html>a proxy</html>", None])
def test_a_failure_that_passes_is_repeated(status: int, body: bytes | None, stub: Stub, quick: None) -> None:
    stub.answers = [Answer(status, body or problem("some-code", status)), Answer(body=MODEL)]
    with Client(stub.url) as client:
        assert client.model() == MODEL
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "malformed-http", InvalidRequest),
        (401, "unauthorized", Unauthorized),
        (403, "cross-site-request", Unauthorized),
        (404, "not-found", InvalidRequest),
        (422, "invalid-request", InvalidRequest),
        (429, "too-many-wrong-keys", Unauthorized),
        (500, "internal-error", ServiceFault),
        (501, "video-unavailable", ServiceFault),
    ],
)
def test_a_failure_that_stays_is_not_repeated(status: int, code: str, kind: type[Refused], stub: Stub) -> None:
    errors = [{"pointer": "/fps", "detail": "It is below 0."}]
    stub.answers = [refusal(code, status, errors=errors)]
    with Client(stub.url) as client, pytest.raises(Refused) as raised:
        client.model()
    assert type(raised.value) is kind
    assert (raised.value.code, raised.value.status, raised.value.problem["errors"]) == (code, status, errors)
    assert str(raised.value) == f"{code}: It failed. /fps: It is below 0."
    assert raised.value.every_request == (status in (401, 403, 404, 429))
    assert len(stub.asked) == 1


def test_a_broken_connection_is_repeated(stub: Stub, quick: None) -> None:
    stub.answers = [Answer(body=b'{"mod', cut=True), Answer(body=MODEL)]
    with Client(stub.url) as client:
        assert client.model() == MODEL


def test_retry_after_is_waited_for_and_the_pause_is_shortest_at_half(stub: Stub, quick: None) -> None:
    stub.answers = [Answer(503, problem("server-busy", 503), {"retry-after": "1"}), Answer(body=MODEL)]
    with Client(stub.url) as client:
        started = time.monotonic()
        client.model()
    assert 1.0 <= time.monotonic() - started < 2.0


def test_retry_after_is_a_number_or_a_date() -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=60), usegmt=True)
    assert retry_after_s("7") == 7.0
    assert 55 < retry_after_s(date) <= 60
    assert [retry_after_s(value) for value in ("", "soon", "-3", "²", "Mon, 01 Jan 2024 00:00:00 GMT")] == [0.0] * 5


def test_pauses_double_up_to_15_s_and_are_random() -> None:
    attempts = Attempts("http://service", 1, 10_000)
    pauses = [attempts.pause(Failure("it failed")).seconds for _ in range(9)]
    for pause, longest in zip(pauses, [0.5, 1, 2, 4, 8, 15, 15, 15, 15], strict=True):
        assert longest / 2 <= pause <= longest
    assert len(set(pauses[5:])) == 4
    attempts.succeeded()
    assert attempts.pause(Failure("it failed")).seconds <= 0.5


def test_patience_ends_the_attempts(stub: Stub) -> None:
    stub.answers = [refusal("server-busy", 503, retry_after_s=2)]
    with Client(stub.url, patience_s=1) as client, pytest.raises(Unanswered) as raised:
        client.model()
    assert str(raised.value) == f"No result from {stub.url} in 1 s. Last failure: 503 server-busy."
    assert raised.value.problem is not None
    assert (raised.value.problem["code"], raised.value.retry_after_s) == ("server-busy", 2)
    assert len(stub.asked) == 1


def test_a_silent_service_is_left_after_the_patience() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(address, patience_s=0.2) as client:
            started = time.monotonic()
            with pytest.raises(Unanswered, match=r"in 0\.2 s\. Last failure: the connection failed \(ReadTimeout\)"):
                client.model()
        assert time.monotonic() - started < 2
        with Client(address, timeout_s=0.1, patience_s=0) as client, pytest.raises(Unanswered, match="in one attempt"):
            client.model()


def test_a_connection_that_cannot_be_opened_says_why(stub: Stub) -> None:
    for address, reason in ((stub.url.replace("http://", "https://"), "SSL"), ("http://127.0.0.1:9", "refused")):
        with Client(address, patience_s=0) as client, pytest.raises(Unanswered, match=rf"\(ConnectError: .*{reason}.*\)"):
            client.model()


def test_a_page_that_is_not_json_says_that_the_url_is_wrong(stub: Stub) -> None:
    stub.answers = [Answer(body=b"<html>Log in</html>")]
    with Client(stub.url) as client, pytest.raises(UnusableAnswer, match="Log in"):
        client.model()


def test_a_wrong_address_or_key_is_found_at_once() -> None:
    for url in ("127.0.0.1:8080", "localhost", "ftp://robot", "", "http://"):
        with pytest.raises(ValueError, match=r'url must start with "http://"'):
            Client(url)
    with pytest.raises(ValueError, match="api_key has a space, a line break"):
        Client(api_key="0123456789abcdef\n")


def test_requests_say_who_sends_them_and_bring_the_key(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.answers = [Answer(body=MODEL)]
    monkeypatch.setenv("TOPREWARD_API_KEY", "from-the-environment")
    for key in (None, "from-the-call"):
        with Client(f"{stub.url}/below/", api_key=key) as client:
            client.model()
    assert [asked.headers["authorization"] for asked in stub.asked] == [
        "Bearer from-the-environment",
        "Bearer from-the-call",
    ]
    assert {asked.path for asked in stub.asked} == {"/below/v1/model"}
    assert stub.asked[0].headers["user-agent"].startswith("topreward-client/")
    monkeypatch.setenv("TOPREWARD_API_KEY", "")
    with Client(stub.url) as client:
        client.model()
    assert "authorization" not in stub.asked[-1].headers


def prefix(length: int) -> dict[str, Any]:
    return {"event": "prefix", "length": length, "log_prob_true": -1.0}


RESULT = {"event": "result", "result": {"method": "topreward", "prefixes": []}}


def test_cut_lines_are_asked_again_and_no_prefix_comes_twice(stub: Stub, quick: None) -> None:
    stub.answers = [
        Answer(body=[prefix(3), prefix(1)]),  # ends without a last line
        Answer(body=[prefix(3)], cut=True),
        Answer(body=[prefix(3), {"event": "problem", "problem": problem("engine-busy", 503)}]),
        Answer(body=[prefix(3), prefix(2), prefix(1), RESULT]),
    ]
    with Client(stub.url) as client:
        events = list(client.score_lines([FRAME], **EPISODE))
    assert [event.get("length") for event in events] == [3, 1, 2, None]
    assert stub.asked[0].headers["accept"] == "application/x-ndjson"
    assert [asked.part("episode")["fps"] for asked in stub.asked] == [4] * 4


def test_half_a_line_is_no_line(stub: Stub) -> None:
    stub.answers = [Answer(body=b'{"event": "result", "result": {}}', cut=True)]
    with Client(stub.url, patience_s=0) as client, pytest.raises(Unanswered):
        list(client.score_lines([FRAME], **EPISODE))


def test_a_problem_in_lines_is_raised(stub: Stub) -> None:
    stub.answers = [Answer(body=[prefix(3), {"event": "problem", "problem": problem("context-exceeded", 422)}])]
    with Client(stub.url) as client, pytest.raises(InvalidRequest, match="context-exceeded"):
        list(client.score_lines([FRAME], **EPISODE))


def result(index: int) -> dict[str, Any]:
    return {"event": "result", "index": index, "result": {"method": "topreward", "score": -1.0}}


def gvl(index: int, voc: float | None, complete: bool = True) -> dict[str, Any]:
    return {"event": "result", "index": index, "result": {"method": "gvl", "voc": voc, "complete": complete}}


def failed(index: int, code: str, status: int) -> dict[str, Any]:
    return {"event": "problem", "index": index, "problem": problem(code, status)}


END = {"event": "end", "scored": 1, "failed": 0, "gvl": None}


def test_a_cut_batch_is_sent_again_without_what_is_scored(stub: Stub, quick: None, tmp_path: Path) -> None:
    videos = [tmp_path / name for name in ("a.mp4", "b.mp4")]
    for number, video in enumerate(videos):
        video.write_bytes(b"video %d" % number)
    cut: Any = {"instruction": "Open the drawer.", "from_s": 1, "to_s": 2}
    items = [
        BatchItem(EPISODE, [FRAME, FRAME]),
        BatchItem(EPISODE, [FRAME]),
        BatchItem(cut, video=1),
        BatchItem(EPISODE, [FRAME]),
    ]
    stub.answers = [
        Answer(body=[result(1), failed(3, "not-an-image", 422), failed(0, "engine-busy", 503)], cut=True),
        Answer(body=[result(0), failed(1, "deadline-exceeded", 504), END]),
        Answer(body=[result(0), END]),
    ]
    with Client(stub.url) as client:
        *events, end = client.score_batch(items, videos=videos)
    assert end == {"event": "end", "scored": 3, "failed": 1, "gvl": None}
    assert [(event["event"], event["index"]) for event in events if event["event"] != "end"] == [
        ("result", 1),
        ("problem", 3),
        ("result", 0),
        ("result", 2),
    ]
    sent = [asked.part("batch")["items"] for asked in stub.asked]
    assert [[item.get("frame_count", item.get("video")) for item in items] for items in sent] == [[2, 1, 0, 1], [2, 0], [0]]
    assert [asked.body.count(b"video 1") for asked in stub.asked] == [1, 1, 1]
    assert [asked.body.count(b"video 0") for asked in stub.asked] == [0, 0, 0]


def test_one_attempt_of_a_batch_gives_every_problem(stub: Stub) -> None:
    items = [BatchItem(EPISODE, [FRAME]), BatchItem(EPISODE, [FRAME])]
    stub.answers = [Answer(body=[failed(1, "engine-busy", 503), result(0), END])]

    async def one_attempt() -> list[Any]:
        async with AsyncClient(stub.url) as client:
            return [event async for event in client.score_batch(items, patience_s=0)]

    *events, end = asyncio.run(one_attempt())
    assert end == {"event": "end", "scored": 1, "failed": 1, "gvl": None}
    assert [(event["event"], event["index"]) for event in events] == [("result", 0), ("problem", 1)]
    assert len(stub.asked) == 1
    for answer, words in (
        (Answer(body=[result(0)]), "the response was cut off"),
        (refusal("server-busy", 503, retry_after_s=9), "503 server-busy"),
    ):
        stub.answers = [answer]
        with pytest.raises(Unanswered, match=words):
            asyncio.run(one_attempt())


def test_the_end_of_a_batch_is_about_all_of_its_episodes(stub: Stub, quick: None) -> None:
    """Each response knows the episodes of its own request only."""
    items = [BatchItem(EPISODE, [FRAME])] * 6
    means = {"complete": 1, "incomplete": 0, "mean_voc": 0.9, "mean_voc_failures_zero": 0.9}
    stub.answers = [
        Answer(
            body=[gvl(0, 0.5), gvl(1, -1.0, complete=False), gvl(2, None), result(3), failed(5, "not-an-image", 422)], cut=True
        ),
        Answer(body=[gvl(0, 0.9), {**END, "gvl": means}]),
    ]
    with Client(stub.url) as client:
        *events, end = client.score_batch(items)
    assert len(events) == 6
    assert end["event"] == "end"
    assert (end["scored"], end["failed"]) == (5, 1)
    assert end["gvl"] == {
        "complete": 3,
        "incomplete": 1,
        "mean_voc": pytest.approx((0.5 + 0 + 0.9) / 3),
        "mean_voc_failures_zero": pytest.approx((0.5 + 0 + 0.9) / 4),
    }
    stub.answers = [Answer(body=[gvl(0, 0.5, complete=False), END])]
    with Client(stub.url) as client:
        *_, end = client.score_batch(items[:1])
    assert end["event"] == "end"
    assert end["gvl"] == {"complete": 0, "incomplete": 1, "mean_voc": None, "mean_voc_failures_zero": 0.0}


def test_a_batch_item_has_frames_or_a_video() -> None:
    with pytest.raises(ValueError, match="either frames or video"):
        BatchItem(EPISODE)
    with pytest.raises(ValueError, match="either frames or video"):
        BatchItem(EPISODE, [FRAME], 0)
    with Client("http://127.0.0.1:9") as client, pytest.raises(ValueError, match="names video 1, but videos has 1 files"):
        client.score_batch([BatchItem(EPISODE, video=1)], videos=["a.mp4"])
