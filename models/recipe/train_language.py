"""Train the language part to score prefixes of videos that are made from the recorded episodes.

    python train_language.py --data DIR --vision vision.pt --out CHECKPOINT        about 50 minutes on two cores

The vision part is frozen and its features are computed once. A sequence has a video once, then several prompts behind a block mask,
each for one prefix and one task. The result is the same as with one sequence for each prompt.

Target: P(True) = 0.97 exp(-4 (1 - progress)), P(False) = 1 - P(True). So the log probability of True is linear in the simulator's
progress at the last frame of the prefix. A task whose object is not in the scene has progress 0.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from episodes import SHAPES, Recording, keyframes, load
from model import GRID, QUESTION, STATEMENT, TOKENS, Vision, make_model, make_tokenizer, patches, save
from tasks import BY_NAME, FORMS, TASKS, asked_in, worded
from tokenizers import Tokenizer
from train_vision import disturb

SHARES = (0.42, 0.14, 0.16, 0.08, 0.08, 0.12)  # of SHAPES
QUESTIONS = 8  # prompts per video
MOST_PAIRS = 24
SLOPE, CEILING = 4.0, 0.97
STEP = GRID // 2  # M-RoPE positions of one block


@dataclass
class Video:
    recording: int
    frames: np.ndarray  # frame numbers in the recording, an even number of them
    pairs: np.ndarray  # rows of the features


class Features:
    """Features of the frozen vision part, for blocks of one frame twice and for the frame pairs of a set of videos."""

    def __init__(self, vision: Vision, recordings: list[Recording], rng: np.random.Generator, videos: int) -> None:
        self.recordings = recordings
        self.videos: list[Video] = []
        blocks: list[tuple[int, int, int]] = [(r, i, i) for r, rec in enumerate(recordings) for i in range(len(rec.rows))]
        for _ in range(videos):
            r = int(rng.integers(len(recordings)))
            rec = recordings[r]
            episode = int(rng.integers(len(rec.kinds)))
            pairs = int(round(math.exp(rng.uniform(math.log(1.5), math.log(MOST_PAIRS)))))
            shape = str(rng.choice(SHAPES, p=SHARES))
            shown = episode * rec.length + keyframes(rng, shape, rec.length, 2 * pairs)
            self.videos.append(Video(r, shown, np.arange(len(blocks), len(blocks) + pairs)))
            blocks += [(r, int(a), int(b)) for a, b in zip(shown[::2], shown[1::2], strict=True)]
        self.merged = torch.empty(len(blocks), TOKENS, 128, dtype=torch.float16)
        self.deep = torch.empty_like(self.merged)
        light = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
        with torch.inference_mode():
            for at in range(0, len(blocks), 64):
                frames = np.stack([np.stack([recordings[r].frame(a), recordings[r].frame(b)]) for r, a, b in blocks[at : at + 64]])
                merged, deep = vision(patches(disturb(torch.from_numpy(frames), light)))
                self.merged[at : at + 64], self.deep[at : at + 64] = merged.half(), deep.half()

    def doubled(self, recording: int, frame: int) -> int:
        return self.recordings[recording].base + frame


class Sequence:
    """Tokens of one video and its prompts, with M-RoPE positions and the attention mask."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.pieces: dict[str, list[int]] = {}
        self.pad = tokenizer.token_to_id("<|video_pad|>")
        self.ids: list[int] = []
        self.rows: list[int] = []  # of the features, for visual tokens; -1 for text
        self.cells: list[int] = []  # index of the token within its block
        self.positions: list[tuple[int, int, int]] = []
        self.segments: list[int] = []  # 0: the video
        self.visible: list[int] = []  # number of video tokens that a prompt attends to
        self.reads: list[int] = []

    def clear(self) -> None:
        for values in (self.ids, self.rows, self.cells, self.positions, self.segments, self.visible, self.reads):
            values.clear()

    def text(self, text: str, at: int, segment: int, visible: int) -> int:
        """Append text at a position; returns the next position."""
        if text not in self.pieces:
            self.pieces[text] = self.tokenizer.encode(text).ids
        for token in self.pieces[text]:
            self.add(token, -1, 0, (at, at, at), segment, visible)
            at += 1
        return at

    def block(self, row: int, time_s: float, at: int, segment: int, visible: int) -> int:
        at = self.text(f"<{time_s:.1f} seconds><|vision_start|>", at, segment, visible)
        for cell in range(TOKENS):
            self.add(self.pad, row, cell, (at, at + cell // STEP, at + cell % STEP), segment, visible)
        return self.text("<|vision_end|>", at + STEP, segment, visible)

    def add(self, token: int, row: int, cell: int, position: tuple[int, int, int], segment: int, visible: int) -> None:
        self.ids.append(token)
        self.rows.append(row)
        self.cells.append(cell)
        self.positions.append(position)
        self.segments.append(segment)
        self.visible.append(visible)


@dataclass
class Ask:
    """A prompt for the first ``frames`` frames of a video."""

    frames: int
    instruction: str
    chat: bool = False


def build(sequence: Sequence, pairs: list[int], doubled: list[int], times: list[float], asks: list[Ask]) -> None:
    """Write a video and its prompts into ``sequence``.

    :param pairs: feature rows of the complete pairs
    :param doubled: for each frame, the feature row of the block that has this frame twice
    :param times: of each frame, in seconds
    """
    sequence.clear()
    at = sequence.text("<|im_start|>user\n", 0, 0, 0)
    ends = [(len(sequence.ids), at)]
    for i, row in enumerate(pairs):
        at = sequence.block(row, (times[2 * i] + times[2 * i + 1]) / 2, at, 0, 0)
        ends.append((len(sequence.ids), at))
    for number, ask in enumerate(asks, 1):
        visible, at = ends[ask.frames // 2]
        if ask.frames % 2:
            at = sequence.block(doubled[ask.frames - 1], times[ask.frames - 1], at, number, visible)
        question = f"{STATEMENT}{ask.instruction}{QUESTION}"
        at = sequence.text(question + ("<|im_end|>\n<|im_start|>assistant\n" if ask.chat else ""), at, number, visible)
        sequence.reads.append(len(sequence.ids) - 1)


def tensors(sequences: list[dict[str, list]]) -> dict[str, torch.Tensor]:
    """Pad a batch to one length. Padding attends only to itself."""
    longest = -(-max(len(s["ids"]) for s in sequences) // 32) * 32
    fill = lambda key, value: torch.tensor([s[key] + [value] * (longest - len(s["ids"])) for s in sequences])  # noqa: E731
    segments, visible = fill("segments", -1), fill("visible", 0)
    order = torch.arange(longest)
    causal = order[None, :, None] >= order[None, None, :]
    same = segments[:, :, None] == segments[:, None, :]
    past = (segments[:, None, :] == 0) & (order[None, None, :] < visible[:, :, None])
    return {
        "ids": fill("ids", 0), "rows": fill("rows", -1), "cells": fill("cells", 0), "mask": ((causal & same) | past)[:, None],
        "positions": fill("positions", (0, 0, 0)).permute(2, 0, 1),
        "reads": torch.tensor([s["reads"] for s in sequences]),
    }


def forward(model: torch.nn.Module, batch: dict[str, torch.Tensor], merged: torch.Tensor, deep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states at the end of each prompt, (B, prompts, hidden): after the second layer, and after the last."""
    text = model.model.language_model
    seen = batch["rows"] >= 0
    rows, cells = batch["rows"][seen], batch["cells"][seen]
    x = text.embed_tokens(batch["ids"])
    x = x.masked_scatter(seen[..., None], merged[rows, cells].to(x.dtype))
    extra = torch.zeros_like(x).masked_scatter(seen[..., None], deep[rows, cells].to(x.dtype))
    rotary = text.rotary_emb(x, batch["positions"])
    reads = batch["reads"][..., None].expand(-1, -1, x.shape[-1])
    middle = None
    for i, layer in enumerate(text.layers):
        x = layer(x, position_embeddings=rotary, attention_mask=batch["mask"])
        if i == 0:
            x = x + extra
        if i == 1:
            middle = x.gather(1, reads)
    return middle, text.norm(x).gather(1, reads)


def target(progress: torch.Tensor) -> torch.Tensor:
    """The target for the log probability of True."""
    return math.log(CEILING) - SLOPE * (1 - progress)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vision", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--videos", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=45, help="of training; the learning rate follows")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=20260219)
    args = parser.parse_args()

    tokenizer = make_tokenizer()
    model = make_model(tokenizer, args.seed)
    model.model.visual.load_state_dict(torch.load(args.vision))
    rng = np.random.default_rng(args.seed)
    began = time.monotonic()
    features = Features(Vision(model.model.visual), load(args.data, "train"), rng, args.videos)
    print(f"{len(features.merged)} blocks seen in {time.monotonic() - began:.0f} s", flush=True)

    text = model.model.language_model
    # Auxiliary targets for the hidden state in the middle: the task of the prompt, and the progress of all tasks.
    which, told = torch.nn.Linear(128, len(TASKS)), torch.nn.Linear(128, len(TASKS))
    parameters = [*text.parameters(), *which.parameters(), *told.parameters()]
    decay = [p for p in parameters if p.dim() > 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.05}, {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}],
                                  lr=args.rate, betas=(0.9, 0.98))
    answers = [[tokenizer.token_to_id(t) for t in pair] for pair in (("ĠTrue", "ĠFalse"), ("True", "False"))]
    sequence = Sequence(tokenizer)
    order = sorted(range(len(features.videos)), key=lambda i: len(features.videos[i].pairs))
    began = time.monotonic()
    step, means = 0, np.zeros(5)
    while (done := (time.monotonic() - began) / (60 * args.minutes)) < 1:
        # Short videos first, until the model distinguishes the instructions. Similar lengths in a batch need less padding.
        reach = min(1.0, 0.35 + 2 * done)
        at = int(rng.integers(0, max(1, int(len(order) * reach) - args.batch)))
        sequences, wanted, asked, ways, chats = [], [], [], [], []
        for i in order[at : at + args.batch]:
            video = features.videos[i]
            built = lesson(sequence, features, video, rng)
            sequences.append(built[0])
            wanted.append(built[1])
            asked.append(built[2])
            ways.append(built[3])
            chats.append(built[4])
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        with torch.autocast("cpu", torch.bfloat16):
            middle, last = forward(model, tensors(sequences), features.merged, features.deep)
        progress = torch.tensor(np.array(wanted), dtype=torch.float32)
        pair = torch.tensor(answers)[torch.tensor(chats).long()]
        log_probs = torch.log_softmax(last.float() @ text.embed_tokens.weight.T, -1).gather(-1, pair)
        aim = target(progress)
        p = aim.exp()
        kl = (p * (aim - log_probs[..., 0]) + (1 - p) * ((1 - p).log() - log_probs[..., 1])).mean()
        square = (log_probs[..., 0] - aim).square().mean()
        task = F.cross_entropy(which(middle.float()).flatten(0, 1), torch.tensor(asked).flatten())
        way = (told(middle.float()) - torch.tensor(np.array(ways))).square().sum(-1).mean()
        loss = kl + 0.1 * square + 0.1 * task + 0.5 * way
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        variance = aim.var().item()
        means = 0.98 * means + 0.02 * np.array([kl.item(), square.item(), task.item(), way.item(), variance])
        if step % 100 == 0:
            shown = means / (1 - 0.98 ** (step + 1))
            print(f"{step:5d} {time.monotonic() - began:6.0f} s  kl {shown[0]:.4f}  log p: squared error {shown[1]:.3f} of {shown[4]:.2f}, "
                  f"R² {1 - shown[1] / shown[4]:.3f}  task {shown[2]:.3f}  ways {shown[3]:.4f}", flush=True)
        if step % 1000 == 999:
            save(model, tokenizer, args.out)
        step += 1
    save(model, tokenizer, args.out)


def lesson(sequence: Sequence, features: Features, video: Video, rng: np.random.Generator) -> tuple[dict, list, list, list, list]:
    """The tokens of one video and its prompts. For each prompt: progress, task, progress of all tasks, and whether it is ``chat``."""
    recording = features.recordings[video.recording]
    own = [TASKS.index(task) for task in asked_in(recording.scene)]
    spacing = 0.5 if rng.random() < 0.7 else rng.uniform(0.5, 3.0)
    times = [round(i * spacing, 3) for i in range(len(video.frames))]
    asks, wanted, asked, ways, chats = [], [], [], [], []
    for _ in range(QUESTIONS):
        chance = rng.random()
        if chance < 0.5:
            task = recording.task
        else:
            task = int(rng.choice(own)) if chance < 0.7 else int(rng.integers(len(TASKS)))
        count = int(rng.integers(1, len(video.frames) + 1))
        chat = bool(rng.random() < 0.12)
        asks.append(Ask(count, worded(str(rng.choice(TASKS[task].phrases)), str(rng.choice(FORMS))), chat))
        way = recording.progress[video.frames[count - 1]]
        wanted.append(float(way[task]))
        asked.append(task)
        ways.append(way)
        chats.append(chat)
    doubled = [features.doubled(video.recording, int(frame)) for frame in video.frames]
    build(sequence, list(map(int, video.pairs)), doubled, times, asks)
    built = {k: list(getattr(sequence, k)) for k in ("ids", "rows", "cells", "positions", "segments", "visible", "reads")}
    return built, wanted, asked, ways, chats


if __name__ == "__main__":
    main()
