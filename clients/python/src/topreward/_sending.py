"""Scores of growing episodes as flows: what is sent, and what is sent again if the service has lost it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from ._batch import PATH as BATCH
from ._batch import Entry, form_of, longest, passes
from ._calls import REWARDS, Settings
from ._contract import BatchProblemEvent, RewardResult
from ._flow import Flow, Reply, Request, Sent
from ._growing import Growing
from ._multipart import Form, Part
from ._retry import Failure, answer_to, document_of, next_event, opened
from .errors import FramesMissing, refusal

Begun = Callable[[list[str]], None]  # called with the digests of each request before it is sent


class Sending:
    """Which frames of an episode the next request sends."""

    def __init__(self, growing: Growing, first: Sequence[str]) -> None:
        self.growing, self.digests = growing, list(first)
        self._arrived: set[str] = set()

    def parts(self) -> list[Part]:
        return self.growing.parts(self.digests)

    def entry(self, options: dict[str, Any]) -> Entry:
        return Entry(self.growing.episode(options), self.parts())

    def lost(self) -> None:
        """The request failed. Its frames can have arrived: ask for those that did not."""
        self.digests = []

    def missing(self, error: FramesMissing) -> None:
        """Send the frames that the service needs.

        :raises FramesMissing: if they were sent just now, or are not of this episode
        """
        self._arrived.update(self.digests)
        missing = set(error.missing)
        if not missing or not missing <= set(self.growing.digests) - set(self.digests):
            raise error
        # A service that keeps no frames needs earlier frames again: then one request has them all.
        needed = missing if missing.isdisjoint(self._arrived) else missing | self._arrived
        self.digests = [digest for digest in dict.fromkeys(self.growing.digests) if digest in needed]


def score_growing(
    settings: Settings, growing: Growing, options: dict[str, Any], sent: Sent | None = None, begun: Begun | None = None
) -> Flow[RewardResult]:
    """Score the episode so far."""
    attempts = settings.attempts()
    growing.forget()
    sending = Sending(growing, growing.unsent)
    while True:
        if begun:
            begun(sending.digests)
        form = Form("episode", growing.episode(options), sending.parts())
        try:
            answer = yield from answer_to(Request("POST", REWARDS, form, timeout_s=attempts.timeout_s(), sent=sent))
        except FramesMissing as error:
            sending.missing(error)
            attempts.succeeded()
            continue
        if isinstance(answer, Reply):
            growing.unsent = []
            return cast(RewardResult, document_of(answer.body))
        yield attempts.pause(answer)
        sending.lost()


def score_together(settings: Settings, episodes: Sequence[Growing], options: dict[str, Any]) -> Flow[list[RewardResult]]:
    """Score many episodes so far, in one batch.

    :returns: their results, in their order
    :raises Refused: if one of them is rejected
    """
    attempts = settings.attempts()
    for growing in episodes:
        growing.forget()
    waiting = {index: Sending(growing, growing.unsent) for index, growing in enumerate(episodes)}
    results = dict[int, RewardResult]()
    while waiting:
        asked = list(waiting)
        form = form_of([waiting[index].entry(options) for index in asked])
        failure = yield from opened(Request("POST", BATCH, form, lines=True), attempts)
        passing = list[BatchProblemEvent]()
        while failure is None:
            event = yield from next_event()
            if isinstance(event, Failure):
                failure = event
            elif event["event"] == "end":
                break
            elif event["event"] == "result":
                index = asked[event["index"]]
                results[index] = event["result"]
                waiting.pop(index).growing.unsent = []
            elif passes(event["problem"]):
                passing.append(cast(BatchProblemEvent, event))
                waiting[asked[event["index"]]].lost()
            else:
                error = refusal(event["problem"])
                if not isinstance(error, FramesMissing):
                    raise error
                waiting[asked[event["index"]]].missing(error)
        if failure:
            for sending in waiting.values():
                sending.lost()
        if failure or passing:
            yield attempts.pause(failure or longest(passing))
    return [results[index] for index in range(len(episodes))]
