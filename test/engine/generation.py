"""Let Hugging Face transformers write texts: the expected texts of the engine.

    python test/engine/generation.py MODEL_DIR CASES.json TEMPLATE > answers.json

CASES.json is a list of
    {"name": "gvl", "tokens": 40, "size": [256, 256], "parts": [{"text": "Frame 1:"}, {"image": "0.png"}, …]}

The parts are one turn of the user; images are resized to `size`. TEMPLATE is a chat template. Each step takes the most likely
token, in float32. If the logits of the two most likely tokens are almost equal, another implementation may take the other
one, so a result has the text up to there.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.utils import logging

# Logits that differ by less are almost equal.
NEAR = 1e-4


def content(part: dict[str, str], folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    image = Image.open(folder / part["image"]).convert("RGB")
    return {"type": "image", "image": image.resize(size, Image.Resampling.BICUBIC)}


@torch.inference_mode()
def write(case: dict[str, Any], folder: Path, template: str, processor: Any, model: Any) -> dict[str, Any]:
    turn = [content(part, folder, tuple(case["size"])) for part in case["parts"]]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": turn}],
        chat_template=template,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    written = model.generate(
        **inputs,
        do_sample=False,
        max_new_tokens=case["tokens"],
        output_logits=True,
        return_dict_in_generate=True,
    )
    prompt = inputs["input_ids"][0].tolist()
    ids = written.sequences[0].tolist()[len(prompt) :]
    gaps = [(first - second).item() for first, second in (logits[0].double().topk(2).values for logits in written.logits)]
    sure = next((step for step, gap in enumerate(gaps) if gap < NEAR), len(ids))
    return {
        "name": case["name"],
        "prompt_ids": prompt,
        "tokens": len(ids),
        "sure": sure,
        "text": processor.tokenizer.decode(ids[:sure], skip_special_tokens=True),
    }


def main() -> None:
    model_dir, cases, template = sys.argv[1:]
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    processor = AutoProcessor.from_pretrained(model_dir)
    model = AutoModelForImageTextToText.from_pretrained(
        model_dir, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()
    chosen = Path(template).read_text()
    folder = Path(cases).parent
    json.dump([write(case, folder, chosen, processor, model) for case in json.loads(Path(cases).read_text())], sys.stdout)
    print()


if __name__ == "__main__":
    main()
