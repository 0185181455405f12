"""Scores a folder of JPEG files: score.py ADDRESS EPISODE_FOLDER"""

import json
import os
import sys
from pathlib import Path

from topreward_server_client import AuthenticatedClient
from topreward_server_client.api.rewards import score_episode
from topreward_server_client.models import Episode, Problem, RewardForm, RewardResult
from topreward_server_client.types import File

address, folder = sys.argv[1], Path(sys.argv[2])
recorded = json.loads((folder / "episode.json").read_text())
frames = [File(payload=file.read_bytes(), file_name=file.name) for file in sorted(folder.glob("*.jpg"))]

# A service without API keys ignores the token. The default timeout, 5 s, is too short.
key = os.environ.get("TOPREWARD_API_KEY") or "none"
with AuthenticatedClient(base_url=address, token=key, timeout=130) as client:
    episode = Episode(instruction=recorded["instruction"], fps=recorded["fps"])
    response = score_episode.sync(client=client, body=RewardForm(episode=episode, frames=frames))

if isinstance(response, Problem):
    sys.exit(f"{response.status} {response.code}: {response.detail}")
assert isinstance(response, RewardResult), "the status is not in the contract"
print(f"score {response.score:.4f}")
