"""Compare an engine with images_oracle.py: token ids, log probabilities of all prefixes, cached tokens and time.

    python test/engine/families/check_family.py URL MODEL_DIR WORK_DIR [--frames 64] [--frame 244x244] [--time "<{time} seconds>"]

The engine must be started with the chat template of the checkpoint and with --enable-prompt-tokens-details. The longest
prefix is sent with its images and a uuid for each; the others name the uuids only.
"""

import argparse
import base64
import io
import json
import math
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from images_oracle import load_frame
from PIL import Image, ImageDraw
from transformers import AutoTokenizer

INSTRUCTIONS = {"open": "put the red cube into the bowl", "chat": "open the drawer"}


def write_frames(folder: Path, count: int) -> list[str]:
    """Frames of 480x480 in which two boxes move over a background that changes."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for index in range(count):
        share = index / count
        image = Image.new("RGB", (480, 480), (40 + int(150 * share), 90, 160 - int(100 * share)))
        draw = ImageDraw.Draw(image)
        x, y = 40 + 5 * index, 200 + int(120 * math.sin(index / 7))
        draw.rectangle((x, y, x + 70, y + 70), fill=(220, 30 + 3 * index % 200, 30))
        draw.ellipse((300, 380 - 4 * index, 400, 480 - 4 * index), fill=(30, 220, 60))
        image.save(folder / f"{index}.png")
        names.append(f"frames/{index}.png")
    return names


def data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


class Engine:
    """Requests for one vLLM."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = json.loads(urllib.request.urlopen(f"{url}/v1/models").read())["data"][0]["id"]

    def ask(self, content: list[dict[str, Any]], style: str, ids: list[int]) -> tuple[dict[str, Any], float]:
        """The answer to one prompt, and the seconds that it took."""
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "add_generation_prompt": style == "chat",
            "continue_final_message": style == "open",
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": True,
            "logprob_token_ids": ids,
            "return_tokens_as_token_ids": True,
            "return_token_ids": True,
        }
        request = urllib.request.Request(
            f"{self.url}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        started = time.perf_counter()
        try:
            answer = json.loads(urllib.request.urlopen(request, timeout=300).read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read().decode()[:1000]}") from None
        return answer, time.perf_counter() - started


def content(images: list[tuple[str, str | None]], times: list[str] | None, text: str) -> list[dict[str, Any]]:
    """The parts of one prompt. Images are pairs of a uuid and a data URL or None."""
    parts: list[dict[str, Any]] = []
    for index, (name, url) in enumerate(images):
        if times:
            parts.append({"type": "text", "text": times[index]})
        parts.append({"type": "image_url", "image_url": {"url": url} if url else None, "uuid": name})
    return [*parts, {"type": "text", "text": text}]


def log_prob(answer: dict[str, Any], token: int) -> float:
    pairs = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {pair["token"]: pair["logprob"] for pair in pairs}[f"token_id:{token}"]


def check(
    engine: Engine, case: dict[str, Any], expected: dict[str, Any], work: Path, size: tuple[int, int], time_text: str | None
) -> dict[str, Any]:
    """Differences and times of one case."""
    frames = [data_url(load_frame(work / path, size)) for path in case["frames"]]
    sampled, style, text = expected["sampled"], expected["prompt"], expected["text"]
    ids = list(expected["token_ids"].values())
    times = [time_text.format(time=f"{i / case['fps']:.1f}") for i in sampled] if time_text is not None else None

    def images(length: int, is_data: bool, tag: str) -> list[tuple[str, str | None]]:
        return [(f"{tag}-{i}", frames[i] if is_data else None) for i in sampled if i < length or i == 0]

    # The first request of an engine is slow, so one pass of other images comes before the times.
    longest = max(expected["lengths"])
    engine.ask(content(images(longest, True, str(uuid.uuid4())), times, text), style, ids)
    _, pass_seconds = engine.ask(content(images(longest, True, str(uuid.uuid4())), times, text), style, ids)
    tag = str(uuid.uuid4())
    answers, seconds = {}, {}
    for length in sorted(expected["lengths"], reverse=True):
        answers[length], seconds[length] = engine.ask(content(images(length, length == longest, tag), times, text), style, ids)
    gaps = {
        name: max(
            abs(log_prob(answers[length], token) - value)
            for length, value in zip(expected["lengths"], expected[f"log_prob_{name}"], strict=True)
        )
        for name, token in expected["token_ids"].items()
    }
    last = answers[longest]
    engine_ids = last.get("prompt_token_ids") or last["choices"][0].get("prompt_token_ids")
    usage = {length: answers[length]["usage"] for length in sorted(answers)}
    named = sum(seconds[length] for length in seconds if length != longest)
    return {
        "style": style,
        "time": time_text,
        "same_token_ids": engine_ids == expected["input_ids"],
        "engine_tokens": len(engine_ids),
        "oracle_tokens": len(expected["input_ids"]),
        "largest_gap": gaps,
        "log_prob_true": [round(value, 4) for value in expected["log_prob_true"]],
        "engine_log_prob_true": [round(log_prob(answers[n], ids[0]), 6) for n in expected["lengths"]],
        "computed_tokens": {
            n: u["prompt_tokens"] - (u.get("prompt_tokens_details") or {}).get("cached_tokens", 0) for n, u in usage.items()
        },
        "pass_seconds": round(pass_seconds, 2),
        "longest_seconds": round(seconds[longest], 2),
        "named_seconds": round(named, 2),
        "ratio": round((seconds[longest] + named) / seconds[longest], 2),
        "pad_runs": shape(engine_ids),
    }


def shape(ids: list[int]) -> list[Any]:
    """The ids with a run of the same id as [id, count], up to the third run and the last 12 entries."""
    runs: list[Any] = []
    for token in ids:
        if runs and runs[-1][0] == token:
            runs[-1][1] += 1
        else:
            runs.append([token, 1])
    entries = [run if run[1] > 1 else run[0] for run in runs]
    return entries if len(entries) < 60 else [*entries[:40], "…", *entries[-14:]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("work_dir", type=Path)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--frame", default="244x244")
    parser.add_argument("--time")
    parser.add_argument("--prompt", choices=["open", "chat"], action="append")
    arguments = parser.parse_args()
    size = tuple(int(side) for side in arguments.frame.split("x"))
    names = write_frames(arguments.work_dir / "frames", arguments.frames)
    styles = arguments.prompt or ["open", "chat"]
    # At 2 fps each frame is sampled.
    cases = [
        {"name": style, "frames": names, "fps": 2, "instruction": INSTRUCTIONS[style], "prompt": style} for style in styles
    ]
    cases_file = arguments.work_dir / "cases.json"
    cases_file.write_text(json.dumps(cases))
    command = [
        sys.executable,
        str(Path(__file__).with_name("images_oracle.py")),
        str(arguments.model_dir),
        str(cases_file),
        "--frame",
        arguments.frame,
    ]
    if arguments.time is not None:
        command += ["--time", arguments.time]
    expected = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    (arguments.work_dir / "answers.json").write_text(json.dumps(expected))
    engine = Engine(arguments.url)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model_dir)
    for case, answers in zip(cases, expected, strict=True):
        result = check(engine, case, answers, arguments.work_dir, size, arguments.time)
        runs = result.pop("pad_runs")
        print(json.dumps(result, indent=1))
        print(
            [
                e if e == "…" else f"{tokenizer.decode([e[0]])} x{e[1]}" if isinstance(e, list) else tokenizer.decode([e])
                for e in runs
            ]
        )


if __name__ == "__main__":
    main()
