"""Train the vision part to predict positions and progress from each visual token. The heads are not kept.

    python train_vision.py --data DIR --out vision.pt        about 20 minutes on two cores

Without this step, the loss of the language part stops falling early: it uses the motion of the gripper, but not the objects of the
instruction. The heads predict the hand, the gripper, the object and the progress of all tasks, for both frames of a block. Each
merged token and each deepstack token predicts them on its own, so that every token has this information for the language part.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from episodes import OBJECTS, Recording, load
from model import Vision, make_model, make_tokenizer, patches
from tasks import TASKS

READS = 2 * (7 + len(TASKS)) + len(OBJECTS)


def disturb(frames: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Vary light and colours, and add noise: (B, 2, H, W, 3) uint8 → float 0..255."""
    b = len(frames)
    draw = lambda *shape: torch.randn(b, *shape, generator=rng)  # noqa: E731
    gain = 1 + 0.08 * draw(1, 1, 1, 1) + 0.03 * draw(1, 1, 1, 3)
    x = frames.float() * gain + 6 * draw(1, 1, 1, 1) + 2 * draw(1, 1, 1, 3)
    x = x + 4 * torch.rand(b, 1, 1, 1, 1, generator=rng) * torch.randn(frames.shape, generator=rng)
    return x.clamp(0, 255)


class Batches:
    """Random blocks of the recordings, with the targets of the heads."""

    def __init__(self, recordings: list[Recording], seed: int) -> None:
        self.recordings = recordings
        self.rng = np.random.default_rng(seed)

    def draw(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        frames, wanted, objects = [], [], []
        for _ in range(size):
            r = self.recordings[self.rng.integers(len(self.recordings))]
            start = self.rng.integers(len(r.kinds)) * r.length
            first = self.rng.integers(r.length)
            second = int(np.clip(first + self.rng.choice([-2, -1, 0, 0, 1, 1, 2, 3]), 0, r.length - 1))
            pair = [start + first, start + second]
            frames.append(np.stack([r.frame(i) for i in pair]))
            wanted.append(np.concatenate([np.concatenate([r.place[i], r.progress[i]]) for i in pair]))
            objects.append(OBJECTS.index(TASKS[r.task].object))
        return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(wanted)), torch.tensor(objects)


def losses(read: torch.Tensor, wanted: torch.Tensor, objects: torch.Tensor) -> dict[str, torch.Tensor]:
    """Losses of (B, tokens, READS) predictions for (B, 2 × (7 + tasks)) states."""
    target = wanted.reshape(len(wanted), 1, 2, -1)
    state = read[..., : -len(OBJECTS)].unflatten(-1, (2, -1))
    place = F.smooth_l1_loss(state[..., :7], target[..., :7].expand_as(state[..., :7]), beta=0.3)
    error = (state[..., 7:] - target[..., 7:]).square()
    own = (target[..., 7:] > 0).float().expand_as(error)
    told = (error * (0.1 + own)).sum(-1).mean()
    seen = F.cross_entropy(read[..., -len(OBJECTS) :].flatten(0, 1), objects.repeat_interleave(read.shape[1]))
    return {"place": place, "progress": told, "object": seen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--minutes", type=float, default=20, help="stop by then; the learning rate follows")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=20260219)
    args = parser.parse_args()

    model = make_model(make_tokenizer(), args.seed)
    vision = Vision(model.model.visual)
    heads = torch.nn.ModuleList([torch.nn.Linear(128, READS), torch.nn.Linear(128, READS)])
    teach, test = Batches(load(args.data, "train"), args.seed), Batches(load(args.data, "test"), 1)
    noise = torch.Generator().manual_seed(args.seed)
    parameters = [*vision.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=args.rate, weight_decay=0.02, betas=(0.9, 0.98))

    def read(frames: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            merged, deep = vision(patches(frames))
            return torch.cat([heads[0](merged), heads[1](deep)], 1).float()

    held_out = [test.draw(64) for _ in range(8)]
    started = time.monotonic()
    for step in range(args.steps):
        done = max(step / args.steps, (time.monotonic() - started) / (60 * args.minutes))
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        frames, wanted, objects = teach.draw(args.batch)
        parts = losses(read(disturb(frames, noise)), wanted, objects)
        loss = parts["place"] + 8 * parts["progress"] + 0.2 * parts["object"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 200 == 0:
            report(step, started, parts, evaluate(read, held_out))
    print("final", evaluate(read, held_out))
    torch.save(model.model.visual.state_dict(), args.out)


def evaluate(read: object, batches: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> dict[str, float]:
    """Errors on held-out starts: of the hand (cm) and of progress if the object is in the scene, predictions averaged over tokens."""
    hand, told, right = [], [], []
    with torch.no_grad():
        for frames, wanted, objects in batches:
            answer = read(frames)[:, :16].mean(1)
            state = answer[:, : -len(OBJECTS)].unflatten(-1, (2, -1))
            target = wanted.reshape(len(wanted), 2, -1)
            hand.append(10 * (state[..., :3] - target[..., :3]).norm(dim=-1).mean().item())
            own = target[..., 7:] > 0
            told.append((state[..., 7:] - target[..., 7:]).abs()[own].mean().item())
            right.append((answer[:, -len(OBJECTS) :].argmax(-1) == objects).float().mean().item())
    return {"hand_cm": round(float(np.mean(hand)), 2), "progress": round(float(np.mean(told)), 4), "object": round(float(np.mean(right)), 3)}


def report(step: int, started: float, parts: dict[str, torch.Tensor], held_out: dict[str, float]) -> None:
    seconds = time.monotonic() - started
    print(f"{step:5d} {seconds:6.0f} s", {k: round(v.item(), 4) for k, v in parts.items()}, "held out", held_out, flush=True)


if __name__ == "__main__":
    main()
