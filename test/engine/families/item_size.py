"""Measure how much of vLLM's item cache one frame of 244x244 takes.

    MODEL_DIR=DIR PORT=8123 test/engine/families/serve-family.sh --mm-processor-cache-gb 0.0625 &
    python test/engine/families/item_size.py http://127.0.0.1:8123 0.0625

200 frames are sent once each, then named from the newest on until the cache lacks one.
"""

import base64
import io
import json
import sys
import urllib.error
import urllib.request
import uuid
from typing import Any

from PIL import Image

FRAMES = 200


def data_url(shade: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (244, 244), (shade % 256, shade * 7 % 256, shade * 13 % 256)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def responds(url: str, model: str, name: str, data: str | None) -> bool:
    """Whether the engine returns a response to a prompt with this image."""
    image = {"type": "image_url", "uuid": name, "image_url": data and {"url": data}}
    content: list[Any] = [image, {"type": "text", "text": "Is it?"}]
    body = {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 1}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        urllib.request.urlopen(request).read()
    except urllib.error.HTTPError:
        return False
    return True


def main() -> None:
    url, size = sys.argv[1], float(sys.argv[2])
    model = json.loads(urllib.request.urlopen(f"{url}/v1/models").read())["data"][0]["id"]
    names = [uuid.uuid4().hex for _ in range(FRAMES)]
    for shade, name in enumerate(names):
        if not responds(url, model, name, data_url(shade)):
            sys.exit("the engine does not respond")
    kept = next((i for i, name in enumerate(reversed(names)) if not responds(url, model, name, None)), FRAMES)
    print(f"{kept} of {FRAMES} frames kept: {size * 1024 / max(kept, 1):.2f} MiB each")


if __name__ == "__main__":
    main()
