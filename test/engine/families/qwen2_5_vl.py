"""A small Qwen2.5-VL: patches of 14, windows of 112 pixels, mrope, no norms on queries and keys."""

from pathlib import Path

import vocabulary
from transformers import Qwen2_5_VLForConditionalGeneration

MODEL = Qwen2_5_VLForConditionalGeneration
GAINS = {"2": 1.5}  # the last layer of the merger
ZERO_CENTRED = False

# The real config.json is flat too. The 3B model ties its embeddings.
CONFIG = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "transformers_version": "4.57.1",
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "vision_token_id": 151654,
    "image_token_id": 151655,
    "video_token_id": 151656,
    "hidden_act": "silu",
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 128000,
    "max_window_layers": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    # Real models have 16, 24, 24: a sum of 64. Here the sum is 32, half of the size of a head.
    "rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]},
    "sliding_window": 32768,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
    "use_cache": True,
    "dtype": "float32",
    "vocab_size": 151936,
    "vision_config": {
        "model_type": "qwen2_5_vl",
        "depth": 3,
        "hidden_act": "silu",
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "in_channels": 3,
        "out_hidden_size": 256,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": 112,
        "fullatt_block_indexes": [2],
    },
}

# chat_template.json of Qwen/Qwen2.5-VL-3B-Instruct. The same text is in many training repositories on GitHub.
TEMPLATE = (
    "{% set image_count = namespace(value=0) %}{% set video_count = namespace(value=0) %}"
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "{% set image_count.value = image_count.value + 1 %}"
    "{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}"
    "{% set video_count.value = video_count.value + 1 %}"
    "{% if add_vision_id %}Video {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

PREPROCESSOR = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2_5_VLProcessor",
}


def template(_packages: Path) -> str:
    return TEMPLATE


def files(packages: Path) -> dict[str, dict]:
    """The JSON files of the checkpoint, by name."""
    tokenizer, tokenizer_config = vocabulary.qwen2_5(packages / "tokenizer-qwen3")
    return {
        "config.json": CONFIG,
        "generation_config.json": {"bos_token_id": 151643, "eos_token_id": [151645, 151643]},
        "preprocessor_config.json": PREPROCESSOR,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizer_config | {"processor_class": "Qwen2_5_VLProcessor"},
    }
