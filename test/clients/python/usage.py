"""Scores a recorded episode with the client that openapi-python-client makes: usage.py ADDRESS EPISODE_FOLDER"""

import base64
import json
import sys
from pathlib import Path

from topreward_server_client import AuthenticatedClient
from topreward_server_client.api.rewards import score_episode
from topreward_server_client.api.service import get_model
from topreward_server_client.models import (
    Episode,
    Model,
    PrefixSelection,
    Problem,
    RewardForm,
    RewardRequest,
    RewardResult,
)
from topreward_server_client.types import File

address, folder = sys.argv[1], Path(sys.argv[2])
known = json.loads((folder / "episode.json").read_text())
files = sorted(folder.glob("*.jpg"))

# The key is not looked at where the service asks for none.
client = AuthenticatedClient(base_url=address, token="none", timeout=120)


def show(name: str, answer: RewardResult | Problem | None) -> None:
    if isinstance(answer, Problem):
        print(f"{name}: {answer.status} {answer.code}: {answer.detail}")
    elif isinstance(answer, RewardResult):
        flag = answer.success.flag if answer.success else None
        print(f"{name}: {len(answer.prefixes)} prefixes, score {answer.score:.4f}, success {str(flag).lower()}")
    else:
        sys.exit(f"{name}: a status that the contract does not have")


with client:
    model = get_model.sync(client=client)
    assert isinstance(model, Model)
    print(f"model: {model.model}, {model.reference_frame.width} px, {model.frame_sizes[0].value}")

    episode = Episode(instruction=known["instruction"], fps=known["fps"], prefixes=PrefixSelection(count=15))
    pictures = [File(payload=file.read_bytes(), file_name=file.name) for file in files]
    show("form", score_episode.sync(client=client, body=RewardForm(episode=episode, frames=pictures)))

    texts = [base64.b64encode(file.read_bytes()).decode() for file in files]
    show("json", score_episode.sync(client=client, body=RewardRequest(episode=episode, frames=texts)))

    clockless = Episode(instruction=known["instruction"])
    show("no clock", score_episode.sync(client=client, body=RewardForm(episode=clockless, frames=pictures)))
