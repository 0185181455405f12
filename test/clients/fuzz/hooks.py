"""Extends Schemathesis for this service: valid frames, responses in lines, and rules that a schema cannot express."""

import atexit
import base64
import json
import os
import re
import zlib
from collections import Counter
from pathlib import Path

import jsonschema_rs
import schemathesis
from schemathesis.transport.serialization import Binary

EPISODE = Path(__file__).parents[3] / "examples/episodes/drawer-open-v3-success"
FILES = [Binary(path.read_bytes()) for path in sorted(EPISODE.glob("*.jpg"))]
TEXTS = [base64.b64encode(file.data).decode() for file in FILES]
LINES = "application/x-ndjson"
# The methods of the service.
METHODS = os.environ["METHODS"].split(",")

# Problems of requests whose members contradict each other, the model or the frames, which no schema can express. A valid
# request that is refused for another reason, above all with `invalid-request`, is a fault of the schema.
CONTRADICTIONS = {
    *("missing-clock", "ambiguous-clock", "ambiguous-frames", "missing-bounds", "frames-missing", "no-frames"),
    *("invalid-npy", "invalid-range", "invalid-prefixes", "invalid-timestamps", "method-unsupported", "pipeline-unsupported", "frame-size-unsupported"),
    *("invalid-answers", "calibration-mismatch", "not-a-video", "not-an-image", "special-token-text", "instruction-too-long", "missing-instruction"),
}
CONTRADICTING = re.compile(
    r"must be sent with|cannot be combined with|must not be below `min`|must be above `low`|but the schedule selects this frame"
    r"|requires `method: "
    r"|must be at most 0|is in the list twice|is a text for True and for False|is the default text for|requires `method: "
    r"|must be larger than the frame number before it|must be below the number of frames|the shown frames once"
)

# Outcomes of valid requests, by operation and kind of body. The test checks that enough of them were scored.
outcomes = Counter()


@schemathesis.hook
def map_case(context, case):
    """Puts real frames into valid requests, and into most of them an episode without contradictions. Otherwise no request
    would reach the model."""
    body = case.body
    if not is_positive(case) or not isinstance(body, dict):
        return case
    is_form = case.media_type == "multipart/form-data"
    match operation_of(case):
        case "scoreEpisode":
            case.body = with_pictures(body, FILES if is_form else TEXTS)
            if len(body["episode"]["instruction"]) % 3 == 0:
                case.headers = {**(case.headers or {}), "Accept": LINES}
        case "scoreBatch" if is_form:
            items = [with_pictures({"episode": item["episode"]}, FILES) for item in body["batch"]["items"]]
            counted = [{"episode": item["episode"], "frame_count": len(item["frames"])} for item in items]
            case.body = {"batch": {"items": counted}, "frames": [frame for item in items for frame in item["frames"]]}
        case "scoreBatch":
            case.body = {"items": [with_pictures(item, TEXTS) for item in body["items"]]}
        case "calibrate" if body.get("answers", {}).get("reward") != "log_odds":
            case.body = {**body, "episodes": [at_most_zero(episode) for episode in body["episodes"]]}
    # Without this, Schemathesis treats a body with a file from a hook as invalid.
    case._record_starting_state()
    return case


def with_pictures(request, pictures):
    """The request with real frames and, in four of five cases, with an episode that can be scored."""
    episode = request["episode"]
    length = len(episode["instruction"])
    frames = pictures[: 1 + length % 6]
    if length % 5 == 0:
        return {**request, "frames": frames}
    return {"episode": consistent(episode, len(frames)), "frames": frames}


def at_most_zero(episode):
    """The labelled episode with rewards that are no log odds."""
    changed = {**episode, "score": -abs(episode["score"])}
    if "log_prob_range" in episode:
        low, high = sorted(-abs(episode["log_prob_range"][name]) for name in ("min", "max"))
        changed["log_prob_range"] = {"min": low, "max": high}
    return changed


# Options that only one method has.
OWN_OPTIONS = {"topreward": ("prompt", "top_answers", "controls"), "instruction_likelihood": ("likelihood",), "gvl": ()}


def consistent(episode, frames):
    """Keeps one of the members that exclude each other, and none that only a larger model accepts."""
    # Few generated episodes have a method, so it is chosen by a number that every member changes.
    method = METHODS[zlib.crc32(json.dumps(episode, sort_keys=True).encode()) % len(METHODS)]
    free = ("id", "instruction", "include_token_ids", "undefined_voc", *OWN_OPTIONS[method])
    kept = {name: episode[name] for name in free if name in episode}
    kept.update(method=method, fps=episode.get("fps", 4))
    if method == "gvl":
        return {**kept, "gvl": shown_once(episode.get("gvl", {}), frames)}
    kept["prefixes"] = dict(list(episode.get("prefixes", {}).items())[:1])
    kept["prefixes"].pop("lengths", None)
    if "success" in episode:
        kept["success"] = episode["success"]
    if "values" in episode.get("training", {}):
        kept["training"] = {"values": episode["training"]["values"]}
    is_positive_threshold = kept.get("success", {}).get("threshold", 0) > 0
    if method == "instruction_likelihood":
        # Each token takes several queries of vLLM.
        kept["instruction"] = episode["instruction"][:8]
        if is_positive_threshold:
            kept["success"] = {**kept["success"], "threshold": -kept["success"]["threshold"]}
    elif is_positive_threshold:
        kept["answers"] = {"reward": "log_odds"}
    return kept


def shown_once(gvl, frames):
    """Options of GVL whose frames the episode has: those of the request, or all, in the order of the request or in that of its seed."""
    kept = {name: gvl[name] for name in ("format", "max_tokens") if name in gvl}
    shown = sorted({number % frames for number in gvl["frames"]}) if "frames" in gvl else list(range(frames))
    kept["frames"] = shown
    if "order" in gvl:
        kept["order"] = sorted(shown, key=lambda frame: gvl["order"][frame % len(gvl["order"])])
    elif "seed" in gvl:
        kept["seed"] = gvl["seed"]
    return kept


@schemathesis.check
def valid_is_refused_for_contradictions_only(context, response, case):
    if not is_positive(case):
        return
    for outcome in outcomes_of(response):
        problem = outcome if "code" in outcome else None
        name = problem["code"] if problem else outcome.get("method", "result")
        outcomes[f"{operation_of(case)} {case.media_type} {name}"] += 1
        if "method" in outcome:
            outcomes[f"{operation_of(case)} {outcome['method']}"] += 1
        if problem is None or response.status_code >= 500:
            continue
        if problem["code"] == "invalid-request":
            details = [error["detail"] for error in problem["errors"]]
            assert all(CONTRADICTING.search(detail) for detail in details), details
        else:
            assert problem["code"] in CONTRADICTIONS, problem["detail"]


@schemathesis.check
def every_line_fits(context, response, case):
    """Each line of a response fits the schema. An invalid batch is refused, or has a line with a problem."""
    if not is_lines(response):
        return
    name = {"scoreEpisode": "RewardEvent", "scoreBatch": "BatchEvent"}[operation_of(case)]
    components = case.operation.schema.raw_schema["components"]
    fits = jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", "components": components})
    lines = lines_of(response)
    for line in lines:
        fits.validate(line)
    if case.meta and case.meta.generation.mode.is_negative:
        assert any(line["event"] == "problem" for line in lines), "no line has a problem"


@schemathesis.deserializer(LINES)
def last_line(context, response):
    """Gives Schemathesis the last line only. `every_line_fits` checks all lines against the schema."""
    return lines_of(response)[-1]


def outcomes_of(response):
    """Results and problems: one for a single episode, one for each episode of a batch."""
    if not is_lines(response):
        return [response.json()] if response.headers["content-type"][0].split(";")[0].endswith("json") else []
    return [line.get("result") or line["problem"] for line in lines_of(response) if line["event"] in ("result", "problem")]


def is_lines(response):
    return LINES in response.headers.get("content-type", [""])[0]


def lines_of(response):
    return [json.loads(line) for line in response.text.rstrip("\n").split("\n")]


def operation_of(case):
    return case.operation.definition.raw.get("operationId")


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@atexit.register
def tell():
    Path("outcomes.json").write_text(json.dumps(dict(sorted(outcomes.items())), indent=2))
