"""Measure a checkpoint on episodes with held-out starts and held-out wordings. Write the table and the figure of the model card.

    `python evaluate.py --data DIR --model CHECKPOINT [--table FILE.md] [--picture FILE.svg]`
    python evaluate.py --data DIR --model CHECKPOINT --calibrate      sets the threshold and the flatness bound of the profile, on training starts

Each episode is a video of 30 frames at 2 fps, scored on 15 prefixes as in the service (all prefixes in one pass). Successes are
complete episodes of the expert, at uneven speed with pauses. Failures stop midway, undo the task, stand still, or are of a policy that
stops early or moves at random. A video counts as a failure if the simulator's progress at its end is below 0.75.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from episodes import Floats, Recording, keyframes, load
from model import Vision, patches, write_json
from tasks import TASKS, asked_in, worded
from tokenizers import Tokenizer
from train_language import CEILING, SLOPE, Ask, Sequence, build, forward, tensors
from transformers import Qwen3VLForConditionalGeneration

FRAMES, PREFIXES = 30, 15
SUCCEEDED, FAILED = 0.95, 0.75  # true progress at the end


@dataclass
class Shown:
    """One evaluated video."""

    video: int
    task: str
    kind: str
    wording: str
    log_prob: Floats  # (PREFIXES,)
    progress: Floats  # (PREFIXES,), true


@dataclass
class Scorer:
    """Scores a video's prefixes for any number of instructions in one pass."""

    folder: Path
    model: torch.nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.model = Qwen3VLForConditionalGeneration.from_pretrained(self.folder, dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self.vision = Vision(self.model.model.visual)
        self.sequence = Sequence(self.tokenizer)
        self.true = self.tokenizer.token_to_id("ĠTrue")
        self.lengths = np.linspace(1, FRAMES, PREFIXES).astype(int)

    @torch.inference_mode()
    def score(self, recording: Recording, shown: np.ndarray, instructions: list[str]) -> Floats:
        """(instructions, PREFIXES) log probability of True."""
        pictures = torch.from_numpy(np.stack([recording.frame(int(i)) for i in shown]))
        pairs = torch.stack([pictures[::2], pictures[1::2]], 1)
        doubled = torch.stack([pictures, pictures], 1)
        merged, deep = self.vision(patches(torch.cat([pairs, doubled])))
        asks = [Ask(int(n), text) for text in instructions for n in self.lengths]
        times = [0.5 * i for i in range(FRAMES)]
        build(self.sequence, list(range(len(pairs))), list(range(len(pairs), len(pairs) + FRAMES)), times, asks)
        batch = tensors([vars(self.sequence)])
        _, last = forward(self.model, batch, merged, deep)
        log_probs = torch.log_softmax(last @ self.model.model.language_model.embed_tokens.weight.T, -1)[0, :, self.true]
        return log_probs.reshape(len(instructions), PREFIXES).numpy()


def rank(values: Floats) -> Floats:
    """Average ranks."""
    order = np.sort(values)
    return (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right") - 1) / 2


def spearman(values: Floats) -> float:
    """Value-order correlation; 0 for a constant series."""
    if np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(rank(values), np.arange(len(values)))[0, 1])


def auc(good: list[float], bad: list[float]) -> float:
    """Area under the ROC curve: how often a success is above a failure."""
    pairs = np.subtract.outer(np.array(good), np.array(bad))
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def last_three(shown: Shown) -> float:
    return float(shown.log_prob[-3:].mean())


def evaluate(scorer: Scorer, recordings: list[Recording], seed: int, every: int = 1) -> list[Shown]:
    """Score videos of every ``every``-th episode: for their own task, a task of another object, and the opposite task if there is one."""
    rng = np.random.default_rng(seed)
    out: list[Shown] = []
    for recording in recordings:
        task = TASKS[recording.task]
        strangers = [t for t in TASKS if t.object != task.object]
        opposites = [t for t in asked_in(task.name) if t is not task]
        for episode in range(0, len(recording.kinds), every):
            kind = recording.kinds[episode]
            if kind == "expert" and recording.progress[(episode + 1) * recording.length - 1, recording.task] < SUCCEEDED:
                kind = "failing expert"
            shapes = ["whole", "stops", "undoes", "still", "backwards"] if kind == "expert" else ["whole"]
            for shape in shapes:
                shown = episode * recording.length + keyframes(rng, shape, recording.length, FRAMES)
                right = worded(str(rng.choice(task.held_out)), str(rng.choice(["{P}.", "{p}", "Please {p}."])))
                stranger = strangers[rng.integers(len(strangers))]
                asked = [right, worded(str(rng.choice(stranger.held_out)), "{P}.")]
                asked += [worded(str(rng.choice(t.held_out)), "{P}.") for t in opposites]
                scores = scorer.score(recording, shown, asked)
                truth = recording.progress[shown[scorer.lengths - 1]]
                name, video = f"{kind} {shape}", len(out)
                out.append(Shown(video, task.name, name, right, scores[0], truth[:, recording.task]))
                out.append(Shown(video, task.name, f"{name}, stranger's", asked[1], scores[1], truth[:, TASKS.index(stranger)]))
                for t, text, score in zip(opposites, asked[2:], scores[2:], strict=True):
                    out.append(Shown(video, task.name, f"{name}, opposite", text, score, truth[:, TASKS.index(t)]))
    return out


def summary(shown: list[Shown], flat: float) -> dict[str, float]:
    """The figures of the model card for a set of videos."""
    kind = lambda *names: [s for s in shown if s.kind in names]  # noqa: E731
    good = kind("expert whole")
    right = [s for s in shown if "," not in s.kind]
    bad = [s for s in right if s.progress[-1] < FAILED]
    still = kind("expert still")
    range_good = float(np.mean([np.ptp(s.log_prob) for s in good]))
    strangers, opposites = kind("expert whole, stranger's"), kind("expert whole, opposite")
    right_score = {s.video: last_three(s) for s in good}
    below = lambda others: float(np.mean([last_three(s) < right_score[s.video] for s in others])) if others else float("nan")  # noqa: E731
    guess = lambda s: 1 + (s.log_prob - np.log(CEILING)) / SLOPE  # noqa: E731
    return {
        "successes": len(good), "failures": len(bad),
        "voc": float(np.mean([spearman(s.log_prob) for s in good])),
        "voc_truth": float(np.mean([spearman(s.progress) for s in good])),
        "voc_backwards": float(np.mean([spearman(s.log_prob) for s in kind("expert backwards")])),
        "auc": auc([last_three(s) for s in good], [last_three(s) for s in bad]),
        "stranger_below": below(strangers),
        "opposite_below": below(opposites),
        "still_range": float(np.mean([np.ptp(s.log_prob) for s in still])) / range_good,
        "still_flat": float(np.mean([np.ptp(s.log_prob) < flat for s in still])),
        "still_voc": float(np.mean([spearman(s.log_prob) for s in still])),
        "range": range_good,
        "error": float(np.mean([np.abs(guess(s) - s.progress).mean() for s in right])),
    }


def calibrate(shown: list[Shown]) -> dict[str, float]:
    """The threshold that separates successes from failures best (Youden), and the range that 99 of 100 static videos stay below."""
    good = [last_three(s) for s in shown if s.kind == "expert whole"]
    bad = [last_three(s) for s in shown if "," not in s.kind and s.progress[-1] < FAILED]
    edges = np.sort(good + bad)
    between = (edges[1:] + edges[:-1]) / 2
    told = [np.mean(np.array(good) >= t) - np.mean(np.array(bad) >= t) for t in between]
    still = [np.ptp(s.log_prob) for s in shown if s.kind == "expert still"]
    return {"successThreshold": round(float(between[int(np.argmax(told))]), 2), "flatBelow": round(float(np.quantile(still, 0.99)), 2)}


COLUMNS = {
    "voc": "VOC", "voc_truth": "VOC of the truth", "voc_backwards": "VOC reversed", "auc": "success AUC", "stranger_below": "wrong object below",
    "opposite_below": "opposite below", "still_range": "static range", "still_flat": "static flat", "still_voc": "static VOC", "error": "progress error",
}


def table(rows: dict[str, dict[str, float]]) -> str:
    lines = ["| task | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in rows.items():
        cells = ["" if np.isnan(row[c]) else f"{row[c]:.2f}" for c in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def picture(shown: list[Shown]) -> str:
    """One SVG panel per task: progress of the simulator (dotted) and of the model (solid), for a success (red) and an undone episode (blue)."""
    width, height, columns = 170, 100, 4
    parts = []
    for i, task in enumerate(TASKS):
        x, y = i % columns * (width + 20) + 20, i // columns * (height + 44) + 24
        panel = [f'<rect width="{width}" height="{height}" fill="none" stroke="#ccc"/><text y="-6">{task.name}</text>']
        for kind, colour in (("expert whole", "#b3261e"), ("expert undoes", "#1c4e9c")):
            s = next(s for s in shown if s.task == task.name and s.kind == kind)
            for values, stroke, dash in ((s.progress, colour, ' stroke-dasharray="2 3" opacity="0.8"'),
                                         (1 + (s.log_prob - np.log(CEILING)) / SLOPE, colour, "")):
                points = " ".join(f"{k * width / (PREFIXES - 1):.1f},{height * (1 - np.clip(v, 0, 1)):.1f}" for k, v in enumerate(values))
                panel.append(f'<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="1.6"{dash}/>')
        parts.append(f'<g transform="translate({x} {y})">{"".join(panel)}</g>')
    rows = -(-len(TASKS) // columns)
    w, h = columns * (width + 20) + 20, rows * (height + 44) + 30
    note = "solid: the model's progress, 1 + (log p - ln 0.97) / 4; dotted: the simulator's. red: a success; blue: one undone. x: prefix, y: 0 to 1"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="11"><title>{note}</title>'
            f'<rect width="{w}" height="{h}" fill="#fff"/>{"".join(parts)}<text x="20" y="{h - 10}">{note}</text></svg>\n')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if args.calibrate:
        found = calibrate(evaluate(Scorer(args.model), load(args.data, "train"), args.seed, every=10))
        profile = args.model / "profile.json"
        write_json(profile, json.loads(profile.read_text()) | {"calibration": found})
        print(found)
        return
    flat = json.loads((args.model / "profile.json").read_text())["calibration"]["flatBelow"]
    shown = evaluate(Scorer(args.model), load(args.data, "test"), args.seed)
    rows = {"**all**": summary(shown, flat)} | {t.name: summary([s for s in shown if s.task == t.name], flat) for t in TASKS}
    print(json.dumps(rows["**all**"], indent=1))
    print(table(rows))
    if args.table:
        args.table.write_text(table(rows))
    if args.picture:
        args.picture.write_text(picture(shown))


if __name__ == "__main__":
    main()
