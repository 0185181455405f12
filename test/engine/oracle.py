"""Score episodes with Hugging Face transformers: a slow and simple implementation, with which the engine is compared.

    python test/engine/oracle.py MODEL_DIR CASES.json [--frame 244x244] > answers.json

CASES.json is a list of
    {"name": "lift", "frames": ["0.png", …], "fps": 10, "instruction": "lift the cup",
     "prompt": "open" | "chat",       default "open"
     "count": 15,                     number of prefixes; 0 or less: one per frame
     "lengths": [1, 7, 64],           these prefix lengths instead of a count
     "top": 5,                        the most likely next tokens of the longest prefix
     "answers": {"true": [" True", " Yes"], "false": [" No"]},  texts that are read, instead of True and False
     "likelihood": true,              instead of True and False the tokens of the instruction, with and without a full stop
     "resize": false,                 do not resize the frames to --frame
     "own_size": true,                with "pipeline": frames resized to --frame in one step, as for a model of one size
     "pipeline": "published"}         the steps of published.py; "log_prob_true_float" then has the values of unrounded pixels

Every prefix is one video and one full forward pass: no cache, no blocks, float32. Each result also has the time that it
took, in seconds. The methods are TOPReward and instruction likelihood (arXiv 2602.19313), implemented from their description.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import published
import torch
from PIL import Image
from transformers import AutoProcessor, Qwen3VLForConditionalGeneration
from transformers.utils import logging

SAMPLE_FPS = 2.0
STATEMENT = "The above video shows a robot manipulation trajectory that completes the following task: "
QUESTION = " Decide whether the above statement is True or not. The answer is:"
VIDEO = "<|video_pad|>"


def schedule(frames: int, fps: float) -> list[int]:
    """Indices of the sampled frames. A longer episode starts with the same indices."""
    step = max(fps / SAMPLE_FPS, 1.0)
    positions = np.arange(0.0, float(frames), step, dtype=np.float64)
    indices = np.clip(
        np.round(positions).astype(int), 0, frames - 1
    )  # round: half to even
    return list(dict.fromkeys(indices.tolist()))


def prefix_lengths(frames: int, count: int) -> list[int]:
    """Lengths, in raw frames, of the prefixes that are scored."""
    if count <= 0:
        return list(range(1, frames + 1))
    if frames <= 2:
        return [frames]
    return sorted(
        {int(x) for x in np.linspace(1, frames, min(count, frames), dtype=int)}
    )


def shown_indices(shown: list[int], length: int) -> list[int]:
    """Sampled frames of a prefix. A single frame is used twice."""
    indices = [index for index in shown if index < length] or [0]
    return indices * 2 if len(indices) == 1 else indices


def block_times(indices: list[int], fps: float) -> list[str]:
    """The time in the prompt for each pair of frames. An odd last frame is paired with itself."""
    padded = indices + indices[-1:] * (len(indices) % 2)
    seconds = [index / fps for index in padded]
    return [
        f"{(a + b) / 2:.1f}" for a, b in zip(seconds[::2], seconds[1::2], strict=True)
    ]


def prompt_text(instruction: str, style: str, video: str = VIDEO) -> str:
    turn = f"<|im_start|>user\n{video}{STATEMENT}{instruction}{QUESTION}"
    if style == "chat":
        return f"{turn}<|im_end|>\n<|im_start|>assistant\n"
    if style != "open":
        raise ValueError(f"prompt must be open or chat, not {style!r}")
    return turn


def load_frame(path: Path, size: tuple[int, int] | None) -> torch.Tensor:
    """One frame as (3, height, width) uint8, resized if a size is given."""
    image = Image.open(path).convert("RGB")
    if size and image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image).transpose(2, 0, 1))


class Oracle:
    def __init__(self, model_dir: Path, frame: tuple[int, int]) -> None:
        self.frame = frame
        self.processor = AutoProcessor.from_pretrained(model_dir)
        self.model = Qwen3VLForConditionalGeneration.from_pretrained(
            model_dir, dtype=torch.float32, attn_implementation="sdpa"
        ).eval()

    def token_id(self, text: str) -> int:
        ids = self.processor.tokenizer.encode(text, add_special_tokens=False)
        if len(ids) != 1:
            raise ValueError(f"{text!r} has {len(ids)} tokens, not one")
        return ids[0]

    def inputs(
        self,
        frames: list[torch.Tensor],
        indices: list[int],
        length: int,
        fps: float,
        text: str,
    ) -> Any:
        """The processor's tensors for one prefix. They must contain the prompt that the method describes."""
        inputs = self.processor(
            text=[text],
            videos=[torch.stack([frames[index] for index in indices])],
            video_metadata=[
                {
                    "fps": fps,
                    "frames_indices": list(indices),
                    "total_num_frames": length,
                }
            ],
            do_sample_frames=False,
            return_tensors="pt",
        )
        blocks, height, width = inputs["video_grid_thw"][0].tolist()
        pads = VIDEO * (height * width // self.processor.video_processor.merge_size**2)
        times = block_times(indices, fps)
        video = "".join(
            f"<{time} seconds><|vision_start|>{pads}<|vision_end|>" for time in times
        )
        expected = self.processor.tokenizer.encode(
            text.replace(VIDEO, video), add_special_tokens=False
        )
        if len(times) != blocks or inputs["input_ids"][0].tolist() != expected:
            # transformers 4 replaces <|vision_start|><|video_pad|><|vision_end|>, version 5 only the pad.
            raise RuntimeError(
                "this version of transformers does not build the reference's prompt"
            )
        return inputs

    def text_log_prob(self, inputs: Any, ids: list[int]) -> float:
        """Log probability that these tokens follow the prompt, one after another."""
        longer = dict(inputs)
        before = torch.tensor([ids[:-1]], dtype=torch.long)
        for name, value in (("input_ids", before), ("attention_mask", before * 0 + 1), ("mm_token_type_ids", before * 0)):
            if name in longer:
                longer[name] = torch.cat([longer[name], value.to(longer[name].dtype)], dim=1)
        logits = self.model(**longer, logits_to_keep=len(ids), use_cache=False).logits[0]
        log_probs = torch.log_softmax(logits.double(), dim=-1)
        return sum(log_probs[i, token].item() for i, token in enumerate(ids))

    def set_log_prob(self, inputs: Any, texts: list[str]) -> float:
        """Log probability of any of these texts."""
        each = [
            self.text_log_prob(inputs, self.processor.tokenizer.encode(text, add_special_tokens=False)) for text in texts
        ]
        return torch.logsumexp(torch.tensor(each, dtype=torch.float64), dim=0).item()
    def published_inputs(self, frames: list[torch.Tensor], positions: list[int], text: str, size: int, rounded: bool) -> Any:
        """The processor's tensors for one prefix of the published pipeline. Its frames already have their size."""
        shown = [published.last_step(frames[min(p, len(frames) - 1)], size) for p in positions]
        if rounded:
            shown = [published.eight_bits(frame) for frame in shown]
        inputs = self.processor(
            text=[text],
            videos=[torch.stack(shown)],
            video_metadata=[
                {"fps": published.ASSUMED_FPS, "frames_indices": positions, "total_num_frames": positions[-1] + 1}
            ],
            do_sample_frames=False,
            do_resize=False,
            return_tensors="pt",
        )
        pads = VIDEO * (size // 32) ** 2
        video = "".join(
            f"<{time} seconds><|vision_start|>{pads}<|vision_end|>" for time in published.block_times(positions)
        )
        expected = self.processor.tokenizer.encode(text.replace(VIDEO, video), add_special_tokens=False)
        if inputs["input_ids"][0].tolist() != expected:
            raise RuntimeError("this version of transformers does not build the published pipeline's prompt")
        return inputs

    def tail_log_probs(self, inputs: Any, count: int) -> list[float]:
        """Log probability of each of the last tokens of a prompt, from one pass over the complete prompt."""
        logits = self.model(**inputs, logits_to_keep=count + 1, use_cache=False).logits[0, :-1]
        log_probs = torch.log_softmax(logits.double(), dim=-1)
        last = inputs["input_ids"][0, -count:]
        return log_probs.gather(1, last[:, None])[:, 0].tolist()

    @torch.inference_mode()
    def score_likelihood(self, case: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Instruction likelihood (arXiv 2602.19313, Appendix A, Eq. 6): the prompt ends with the instruction."""
        started = time.perf_counter()
        is_published, own_size = case.get("pipeline") == "published", case.get("own_size", False)
        images = [folder / path for path in case["frames"]]
        if is_published and not own_size:
            frames = [published.first_steps(Image.open(path)) for path in images]
        else:
            frames = [load_frame(path, self.frame) for path in images]
        lengths = case.get("lengths") or prefix_lengths(len(frames), case.get("count", 15))
        shown = schedule(len(frames), float(case["fps"]))
        before = f"<|im_start|>user\n{VIDEO}{STATEMENT.rstrip()}"
        encode = lambda text: self.processor.tokenizer.encode(text, add_special_tokens=False)
        answer: dict[str, Any] = {"name": case["name"], "lengths": lengths, "likelihood": {}}
        for name, stop in (("without_full_stop", ""), ("with_full_stop", ".")):
            text = f"{before} {case['instruction']}{stop}"
            ids = encode(text)[len(encode(before)) :]
            rows = []
            for length in lengths:
                if is_published:
                    positions = published.sampled(length)
                    size = self.frame[0] if own_size else published.side(len(positions))
                    pixels = [frame.float() for frame in frames[:length]]
                    inputs = self.published_inputs(pixels, positions, text, size, rounded=True)
                else:
                    inputs = self.inputs(frames, shown_indices(shown, length), length, float(case["fps"]), text)
                if inputs["input_ids"][0, -len(ids) :].tolist() != ids:
                    raise RuntimeError("the prompt does not end with the tokens of the instruction")
                rows.append(self.tail_log_probs(inputs, len(ids)))
            answer["likelihood"][name] = {"ids": ids, "log_probs": rows}
        answer["seconds"] = time.perf_counter() - started
        return answer

    def log_probs(self, inputs: Any) -> torch.Tensor:
        logits = self.model(**inputs, logits_to_keep=1, use_cache=False).logits[0, -1]
        return torch.log_softmax(logits.float(), dim=-1)

    @torch.inference_mode()
    def score_published(self, case: dict[str, Any], folder: Path) -> dict[str, Any]:
        started = time.perf_counter()
        frames = [published.first_steps(Image.open(folder / path)) for path in case["frames"]]
        style = case.get("prompt", "open")
        space = "" if style == "chat" else " "
        true_id, false_id = self.token_id(f"{space}True"), self.token_id(f"{space}False")
        text = prompt_text(case["instruction"], style)
        lengths = case.get("lengths") or prefix_lengths(len(frames), case.get("count", 15))
        answer: dict[str, Any] = {
            "name": case["name"],
            "lengths": lengths,
            "token_ids": {"true": true_id, "false": false_id},
            "sides": [],
            "log_prob_true": [],
            "log_prob_false": [],
            "log_prob_true_float": [],
        }
        for length in lengths:
            positions = published.sampled(length)
            size = published.side(len(positions))
            prefix = frames[:length]
            inputs = self.published_inputs(prefix, positions, text, size, rounded=True)
            log_probs = self.log_probs(inputs)
            answer["sides"].append(size)
            answer["log_prob_true"].append(log_probs[true_id].item())
            answer["log_prob_false"].append(log_probs[false_id].item())
            exact = self.log_probs(self.published_inputs(prefix, positions, text, size, rounded=False))
            answer["log_prob_true_float"].append(exact[true_id].item())
            if length == max(lengths):
                answer["sampled"] = sorted({min(p, length - 1) for p in positions})
                answer["input_ids"] = inputs["input_ids"][0].tolist()
        answer["seconds"] = time.perf_counter() - started
        return answer

    @torch.inference_mode()
    def score(self, case: dict[str, Any], folder: Path) -> dict[str, Any]:
        if case.get("likelihood"):
            return self.score_likelihood(case, folder)
        if case.get("pipeline") == "published":
            return self.score_published(case, folder)
        started = time.perf_counter()
        size = self.frame if case.get("resize", True) else None
        frames = [load_frame(folder / path, size) for path in case["frames"]]
        fps = float(case["fps"])
        style = case.get("prompt", "open")
        space = "" if style == "chat" else " "
        true_id, false_id = (
            self.token_id(f"{space}True"),
            self.token_id(f"{space}False"),
        )
        text = prompt_text(case["instruction"], style)
        shown = schedule(len(frames), fps)
        lengths = case.get("lengths") or prefix_lengths(
            len(frames), case.get("count", 15)
        )

        answer: dict[str, Any] = {
            "name": case["name"],
            "prompt": style,
            "text": text,
            "sampled": shown,
            "lengths": lengths,
            "token_ids": {"true": true_id, "false": false_id},
            "log_prob_true": [],
            "log_prob_false": [],
            "argmax": [],
            "tokens": [],
        }
        for length in lengths:
            indices = shown_indices(shown, length)
            inputs = self.inputs(frames, indices, length, fps, text)
            log_probs = self.log_probs(inputs)
            answers = case.get("answers")
            if answers:
                answer["log_prob_true"].append(self.set_log_prob(inputs, answers["true"]))
                answer["log_prob_false"].append(self.set_log_prob(inputs, answers["false"]))
            else:
                answer["log_prob_true"].append(log_probs[true_id].item())
                answer["log_prob_false"].append(log_probs[false_id].item())
            answer["argmax"].append(int(log_probs.argmax()))
            answer["tokens"].append(inputs["input_ids"].shape[1])
            if length == max(lengths):
                answer["indices"] = indices
                answer["block_times"] = block_times(indices, fps)
                answer["input_ids"] = inputs["input_ids"][0].tolist()
                best = log_probs.topk(case.get("top", 0))
                answer["top"] = [
                    {"id": token, "log_prob": value} for token, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)
                ]
        answer["seconds"] = time.perf_counter() - started
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("cases", type=Path, help="paths of frames are relative to this file")
    parser.add_argument("--frame", default="244x244", help="WIDTHxHEIGHT of a frame")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.frame.split("x"))
    cases = json.loads(arguments.cases.read_text())
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    oracle = Oracle(arguments.model_dir, (width, height))
    json.dump(
        [oracle.score(case, arguments.cases.parent) for case in cases], sys.stdout
    )
    print()


if __name__ == "__main__":
    main()
