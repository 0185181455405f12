"""Score episodes with Hugging Face transformers, one image for each frame. With this the engine is compared.

    python test/engine/families/images_oracle.py MODEL_DIR CASES.json [--frame 244x244] [--time "<{time} seconds>"] > answers.json

The format of CASES.json is that of ../oracle.py: name, frames, fps, instruction, prompt, count or lengths, top, answers,
likelihood, resize. A prefix is one message of the user: for each sampled frame the optional text of --time and the frame, then
the statement. Nothing is shown twice. The processor and the chat template are those of the checkpoint, and each prefix
is one complete forward pass in float32.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from oracle import QUESTION, STATEMENT, prefix_lengths, schedule


def load_frame(path: Path, size: tuple[int, int] | None) -> Image.Image:
    image = Image.open(path).convert("RGB")
    return image.resize(size, Image.Resampling.BICUBIC) if size and image.size != size else image


class ImagesOracle:
    """A processor and a model of one checkpoint."""

    def __init__(self, model_dir: Path, frame: tuple[int, int], time_text: str | None) -> None:
        self.frame = frame
        self.time_text = time_text
        self.processor = AutoProcessor.from_pretrained(model_dir)
        self.model = AutoModelForImageTextToText.from_pretrained(
            model_dir, dtype=torch.float32, attn_implementation="sdpa"
        ).eval()

    def encode(self, text: str) -> list[int]:
        return self.processor.tokenizer.encode(text, add_special_tokens=False)

    def token_id(self, text: str) -> int:
        ids = self.encode(text)
        if len(ids) != 1:
            raise ValueError(f"{text!r} has {len(ids)} tokens, not one")
        return ids[0]

    def message(self, frames: list[Image.Image], indices: list[int], fps: float, text: str) -> list[dict[str, Any]]:
        """The message of the user for one prefix."""
        content: list[dict[str, Any]] = []
        for index in indices:
            if self.time_text is not None:
                content.append({"type": "text", "text": self.time_text.format(time=f"{index / fps:.1f}")})
            content.append({"type": "image", "image": frames[index]})
        return [{"role": "user", "content": [*content, {"type": "text", "text": text}]}]

    def inputs(self, message: list[dict[str, Any]], style: str) -> Any:
        """The tensors of the processor for one prompt."""
        ending = {"continue_final_message": True} if style == "open" else {"add_generation_prompt": True}
        return self.processor.apply_chat_template(message, tokenize=True, return_dict=True, return_tensors="pt", **ending)

    def rows(self, inputs: Any, after: list[int]) -> torch.Tensor:
        """Log probabilities at the end of the prompt and after each of these tokens but the last."""
        longer = dict(inputs)
        more = torch.tensor([after[:-1]], dtype=torch.long)
        for name, value in (
            ("input_ids", more),
            ("attention_mask", more * 0 + 1),
            ("mm_token_type_ids", more * 0),
            ("token_type_ids", more * 0),
        ):
            if name in longer:
                longer[name] = torch.cat([longer[name], value.to(longer[name].dtype)], dim=1)
        logits = self.model(**longer, logits_to_keep=max(len(after), 1), use_cache=False).logits[0]
        return torch.log_softmax(logits.float(), dim=-1)

    def set_log_prob(self, inputs: Any, texts: list[str]) -> float:
        """Log probability of any of these texts."""
        each = []
        for text in texts:
            ids = self.encode(text)
            rows = self.rows(inputs, ids).double()
            each.append(sum(rows[i, token].item() for i, token in enumerate(ids)))
        return torch.logsumexp(torch.tensor(each, dtype=torch.float64), dim=0).item()

    def tail(self, inputs: Any, count: int) -> list[float]:
        """Log probability of each of the last tokens of a prompt."""
        logits = self.model(**inputs, logits_to_keep=count + 1, use_cache=False).logits[0, :-1]
        log_probs = torch.log_softmax(logits.double(), dim=-1)
        return log_probs.gather(1, inputs["input_ids"][0, -count:][:, None])[:, 0].tolist()

    def prefixes(self, case: dict[str, Any], folder: Path) -> tuple[list[Image.Image], list[int], list[tuple[int, list[int]]]]:
        """The frames, the sampled indices, and for each prefix its length and the indices that it shows."""
        size = self.frame if case.get("resize", True) else None
        frames = [load_frame(folder / path, size) for path in case["frames"]]
        sampled = schedule(len(frames), float(case["fps"]))
        lengths = case.get("lengths") or prefix_lengths(len(frames), case.get("count", 15))
        return frames, sampled, [(length, [i for i in sampled if i < length] or [0]) for length in lengths]

    @torch.inference_mode()
    def likelihood(self, case: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Instruction likelihood: the prompt ends with the instruction, with and without a full stop."""
        frames, _, prefixes = self.prefixes(case, folder)
        answer: dict[str, Any] = {"name": case["name"], "lengths": [length for length, _ in prefixes], "likelihood": {}}
        before = STATEMENT.rstrip()
        for name, stop in (("without_full_stop", ""), ("with_full_stop", ".")):
            text = f"{before} {case['instruction']}{stop}"
            ids = self.encode(text)[len(self.encode(before)) :]
            rows = []
            for _, indices in prefixes:
                inputs = self.inputs(self.message(frames, indices, float(case["fps"]), text), "open")
                if inputs["input_ids"][0, -len(ids) :].tolist() != ids:
                    raise RuntimeError("the prompt does not end with the tokens of the instruction")
                rows.append(self.tail(inputs, len(ids)))
            answer["likelihood"][name] = {"ids": ids, "log_probs": rows}
        return answer

    @torch.inference_mode()
    def score(self, case: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Log probabilities of True and False, or of the texts in `answers`, for each prefix."""
        if case.get("likelihood"):
            return self.likelihood(case, folder)
        started = time.perf_counter()
        frames, sampled, prefixes = self.prefixes(case, folder)
        style = case.get("prompt", "open")
        space = "" if style == "chat" else " "
        true_id, false_id = self.token_id(f"{space}True"), self.token_id(f"{space}False")
        text = f"{STATEMENT}{case['instruction']}{QUESTION}"
        answer: dict[str, Any] = {
            "name": case["name"],
            "prompt": style,
            "text": text,
            "sampled": sampled,
            "lengths": [length for length, _ in prefixes],
            "token_ids": {"true": true_id, "false": false_id},
            "log_prob_true": [],
            "log_prob_false": [],
            "argmax": [],
            "tokens": [],
            "pass_seconds": [],
        }
        for length, indices in prefixes:
            inputs = self.inputs(self.message(frames, indices, float(case["fps"]), text), style)
            pass_started = time.perf_counter()
            log_probs = self.rows(inputs, [])[-1]
            answer["pass_seconds"].append(time.perf_counter() - pass_started)
            sets = case.get("answers")
            answer["log_prob_true"].append(self.set_log_prob(inputs, sets["true"]) if sets else log_probs[true_id].item())
            answer["log_prob_false"].append(self.set_log_prob(inputs, sets["false"]) if sets else log_probs[false_id].item())
            answer["argmax"].append(int(log_probs.argmax()))
            answer["tokens"].append(inputs["input_ids"].shape[1])
            if length == max(answer["lengths"]):
                answer["indices"] = indices
                answer["input_ids"] = inputs["input_ids"][0].tolist()
                best = log_probs.topk(case.get("top", 0))
                pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
                answer["top"] = [{"id": token, "log_prob": value} for token, value in pairs]
        answer["seconds"] = time.perf_counter() - started
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("cases", type=Path, help="paths of frames are relative to this file")
    parser.add_argument("--frame", default="244x244", help="WIDTHxHEIGHT of a frame")
    parser.add_argument("--time", help='text before each frame, for example "<{time} seconds>"')
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.frame.split("x"))
    cases = json.loads(arguments.cases.read_text())
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    oracle = ImagesOracle(arguments.model_dir, (width, height), arguments.time)
    json.dump([oracle.score(case, arguments.cases.parent) for case in cases], sys.stdout)
    print()


if __name__ == "__main__":
    main()
