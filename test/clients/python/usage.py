"""Scores a recorded episode with the client that openapi-python-client generates: usage.py ADDRESS EPISODE_FOLDER"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

from lines import lines
from topreward_server_client import AuthenticatedClient
from topreward_server_client.api.calibration import calibrate
from topreward_server_client.api.rewards import score_episode
from topreward_server_client.api.service import get_model
from topreward_server_client.models import (
    BatchEndEvent,
    BatchRequest,
    BatchResultEvent,
    Calibration,
    CalibrationRequest,
    Episode,
    GvlResult,
    LabelledEpisode,
    LikelihoodPrefixEvent,
    LikelihoodResult,
    MethodName,
    Model,
    PrefixEvent,
    PrefixSelection,
    Problem,
    RewardForm,
    RewardRequest,
    RewardResult,
    ScoredRange,
)
from topreward_server_client.types import File

address, folder = sys.argv[1], Path(sys.argv[2])
known = json.loads((folder / "episode.json").read_text())
files = sorted(folder.glob("*.jpg"))

# A service without API keys ignores the token.
key = os.environ.get("TOPREWARD_API_KEY") or "none"
client = AuthenticatedClient(base_url=address, token=key, timeout=130)


def show(name: str, response: RewardResult | LikelihoodResult | GvlResult | Problem | None) -> None:
    if isinstance(response, Problem):
        print(f"{name}: {response.status} {response.code}: {response.detail}")
    elif isinstance(response, RewardResult):
        flag = response.success.flag if response.success else None
        print(f"{name}: {len(response.prefixes)} prefixes, score {response.score:.4f}, success {str(flag).lower()}")
    elif isinstance(response, LikelihoodResult):
        tokens = len(response.provenance.instruction_tokens)
        print(f"{name}: {len(response.prefixes)} prefixes, score {response.score:.4f}, {tokens} tokens")
    elif isinstance(response, GvlResult):
        known = [frame for frame in response.frames if frame.percentage is not None]
        print(f"{name}: {len(known)} of {len(response.frames)} frames have a percentage")
    else:
        sys.exit(f"{name}: the status is not in the contract")


with client:
    model = get_model.sync(client=client)
    assert isinstance(model, Model)
    print(f"model: {model.model}, {model.reference_frame.width} px, {model.frame_sizes[0].value}")

    episode = Episode(instruction=known["instruction"], fps=known["fps"], prefixes=PrefixSelection(count=15))
    images = [File(payload=file.read_bytes(), file_name=file.name) for file in files]
    show("form", score_episode.sync(client=client, body=RewardForm(episode=episode, frames=images)))

    texts = [base64.b64encode(file.read_bytes()).decode() for file in files]
    show("json", score_episode.sync(client=client, body=RewardRequest(episode=episode, frames=texts)))

    clockless = Episode(instruction=known["instruction"])
    show("no clock", score_episode.sync(client=client, body=RewardForm(episode=clockless, frames=images)))

    *prefixes, last = lines(client, RewardRequest(episode=episode, frames=texts))
    assert all(isinstance(event, PrefixEvent) for event in prefixes)
    show(f"lines: {len(prefixes)} and", last.result)

    # The class of a result depends on the method of the request.
    likelihood = Episode(
        instruction=known["instruction"], fps=known["fps"], method=MethodName.INSTRUCTION_LIKELIHOOD
    )
    *prefixes, last = lines(client, RewardRequest(episode=likelihood, frames=texts))
    assert all(isinstance(event, LikelihoodPrefixEvent) for event in prefixes)
    show(f"likelihood: {len(prefixes)} and", last.result)
    gvl = Episode(instruction=known["instruction"], fps=known["fps"], method=MethodName.GVL)
    show("gvl", score_episode.sync(client=client, body=RewardRequest(episode=gvl, frames=texts)))

    items = [RewardRequest(episode=each, frames=texts) for each in (episode, clockless, likelihood, gvl)]
    *events, end = lines(client, BatchRequest(items=items))
    for event in sorted(events, key=lambda event: event.index):
        show(f"batch {event.index}", event.result if isinstance(event, BatchResultEvent) else event.problem)
    assert isinstance(end, BatchEndEvent)
    print(f"batch: {end.scored} scored, {end.failed} failed")

    # A real calibration uses scores of your own episodes: see docs/how-to/calibrate.md.
    labelled = [
        LabelledEpisode(success=True, score=-0.1 * k, log_prob_range=ScoredRange(min_=-4.0, max_=-0.1 * k))
        for k in range(1, 6)
    ]
    labelled += [LabelledEpisode(success=False, score=-3.0 - 0.1 * k) for k in range(1, 6)]
    calibration = calibrate.sync(client=client, body=CalibrationRequest(model=model.model, episodes=labelled))
    assert isinstance(calibration, Calibration) and calibration.threshold is not None and calibration.auc
    print(f"calibration: threshold {calibration.threshold:.4f}, AUC {calibration.auc.value:.4f}")
    calibrated = Episode(instruction=known["instruction"], fps=known["fps"], calibration=calibration)
    show("calibrated", score_episode.sync(client=client, body=RewardRequest(episode=calibrated, frames=texts)))

    # A step of a growing episode names all frames and sends the newest one. If the service does not have the others, it lists them.
    named = {hashlib.sha256(file.read_bytes()).hexdigest(): text for file, text in zip(files, texts, strict=True)}
    growing = Episode(instruction=known["instruction"], fps=2, frame_digests=list(named))
    sending = texts[-1:]
    for _ in range(4):
        response = score_episode.sync(client=client, body=RewardRequest(episode=growing, frames=sending))
        if not (isinstance(response, Problem) and response.code == "frames-missing" and response.missing):
            break
        print(f"growing: {response.status} {response.code}, {len(response.missing)} to send")
        sending += [named[digest] for digest in response.missing]
    show("growing", response)
