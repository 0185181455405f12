"""Reads lines as they arrive. The generated operations cannot do this: they wait for the complete response and treat it as one document."""

import json
from collections.abc import Iterator
from typing import Any

from topreward_server_client import AuthenticatedClient
from topreward_server_client.models import (
    BatchEndEvent,
    BatchProblemEvent,
    BatchRequest,
    BatchResultEvent,
    LikelihoodPrefixEvent,
    PrefixEvent,
    Problem,
    ProblemEvent,
    ResultEvent,
    RewardRequest,
)

REWARD = {
    "prefix": PrefixEvent,
    "likelihood_prefix": LikelihoodPrefixEvent,
    "result": ResultEvent,
    "problem": ProblemEvent,
}
BATCH = {"result": BatchResultEvent, "problem": BatchProblemEvent, "end": BatchEndEvent}


def lines(client: AuthenticatedClient, body: RewardRequest | BatchRequest) -> Iterator[Any]:
    """Yields one event for each line. If the status is not 200, it yields only a `Problem`."""
    path, kinds = ("/v1/rewards/batch", BATCH) if isinstance(body, BatchRequest) else ("/v1/rewards", REWARD)
    accept = {"Accept": "application/x-ndjson"}
    with client.get_httpx_client().stream("POST", path, json=body.to_dict(), headers=accept) as response:
        if response.status_code != 200:
            yield Problem.from_dict(json.loads(response.read()))
            return
        for line in response.iter_lines():
            event = json.loads(line)
            yield kinds[event["event"]].from_dict(event)
