"""What Schemathesis cannot know of this service: what a picture is, and what a line is."""

import base64
import json
from pathlib import Path

import schemathesis

EPISODE = Path(__file__).parents[3] / "examples/episodes/drawer-open-v3-success"
PICTURES = [base64.b64encode(path.read_bytes()).decode() for path in sorted(EPISODE.glob("*.jpg"))]


@schemathesis.hook
def map_case(context, case):
    """Puts real pictures where valid requests have invented ones, and into most of them an episode without
    contradictions: otherwise none would get as far as the model."""
    body = case.body
    # A form with other files in it would be taken for an invalid one.
    if case.media_type != "application/json" or not isinstance(body, dict):
        return case
    if not case.meta or not case.meta.generation.mode.is_positive:
        return case
    if not isinstance(body.get("frames"), list) or not isinstance(body.get("episode"), dict):
        return case
    length = len(body["episode"]["instruction"])
    case.body = {**body, "frames": PICTURES[: 1 + length % 6]}
    if length % 4:
        case.body["episode"] = consistent(body["episode"])
        for other in ("npy", "video"):
            case.body.pop(other, None)
    return case


def consistent(episode):
    """Of the members that exclude each other, one; none that only a larger model takes."""
    free = ("id", "instruction", "prompt", "success", "include_token_ids")
    kept = {name: episode[name] for name in free if name in episode}
    prefixes = dict(list(episode.get("prefixes", {}).items())[:1])
    prefixes.pop("lengths", None)
    return {**kept, "fps": episode.get("fps", 4), "prefixes": prefixes}


@schemathesis.check
def faulty_item_is_refused(context, response, case):
    """A batch with a fault is refused, or has a line that says so."""
    if case.operation.definition.raw.get("operationId") != "scoreBatch" or response.status_code != 200:
        return
    if case.meta and case.meta.generation.mode.is_negative:
        events = [json.loads(line)["event"] for line in response.text.rstrip("\n").split("\n")]
        assert "problem" in events, f"only {events}"


@schemathesis.deserializer("application/x-ndjson")
def last_line(context, response):
    """The schema is that of one line."""
    return json.loads(response.text.rstrip("\n").rpartition("\n")[2])
