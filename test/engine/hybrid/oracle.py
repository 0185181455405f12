"""Score episodes of a Qwen3.5 checkpoint with Hugging Face transformers, as ../oracle.py does for Qwen3-VL.

    python test/engine/hybrid/oracle.py MODEL_DIR CASES.json [--dtype float32|bfloat16] > answers.json

With float32 the bfloat16 weights are used as they are and only the arithmetic is more exact. The difference between the
two is the error that an engine in bfloat16 may have.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers import AutoProcessor, Qwen3_5ForConditionalGeneration
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from oracle import Oracle


class HybridOracle(Oracle):
    def __init__(
        self, model_dir: Path, frame: tuple[int, int], dtype: torch.dtype
    ) -> None:
        self.frame = frame
        self.processor = AutoProcessor.from_pretrained(model_dir)
        self.model = Qwen3_5ForConditionalGeneration.from_pretrained(
            model_dir, dtype=dtype, attn_implementation="sdpa"
        ).eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model_dir", type=Path)
    parser.add_argument(
        "cases", type=Path, help="paths of frames are relative to this file"
    )
    parser.add_argument("--frame", default="244x244", help="WIDTHxHEIGHT of a frame")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.frame.split("x"))
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    oracle = HybridOracle(
        arguments.model_dir, (width, height), getattr(torch, arguments.dtype)
    )
    cases = json.loads(arguments.cases.read_text())
    json.dump(
        [oracle.score(case, arguments.cases.parent) for case in cases], sys.stdout
    )
    print()


if __name__ == "__main__":
    main()
