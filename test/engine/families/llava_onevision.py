"""A small LLaVA-OneVision with Qwen2 as its language model: vLLM and transformers build different prompts.

Its chat template puts all images before all texts, so times do not stay before their frames. transformers shows only a
single image in tiles (1,485 tokens) and each of several images without (730 tokens); vLLM shows every image in tiles.
"""

from pathlib import Path

import vocabulary
from transformers import LlavaOnevisionForConditionalGeneration

MODEL = LlavaOnevisionForConditionalGeneration
GAINS = {"linear_2": 1.5, "out_proj": 1.5, "fc2": 0.7}
ZERO_CENTRED = False

CONFIG = {
    "architectures": ["LlavaOnevisionForConditionalGeneration"],
    "model_type": "llava_onevision",
    "transformers_version": "4.57.1",
    "dtype": "float32",
    "image_token_index": 151646,
    "video_token_index": 151647,
    "projector_hidden_act": "gelu",
    "tie_word_embeddings": True,
    "use_image_newline_parameter": True,
    "vision_aspect_ratio": "anyres_max_9",
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "full",
    "image_grid_pinpoints": [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)],
    "text_config": vocabulary.QWEN2_TEXT | {"vocab_size": 152000},
    "vision_config": {
        "model_type": "siglip_vision_model",
        "hidden_size": 64,
        "image_size": 384,
        "intermediate_size": 128,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "patch_size": 14,
        "vision_use_head": False,
    },
}

# transformers, models/llava_onevision/convert_llava_onevision_weights_to_hf.py.
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}{# Render all images first #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{# Render all video then #}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'video') %}{{ '<video>\n' }}{% endfor %}"
    "{# Render all text next #}{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] }}{% endfor %}"
    "{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] }}{% endgeneration %}{% endfor %}{% endif %}"
    "{{'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

NORMALIZE = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "LlavaOnevisionProcessor",
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 384, "width": 384},
}


def template(_packages: Path) -> str:
    return TEMPLATE


def files(packages: Path) -> dict[str, dict]:
    """The JSON files of the checkpoint, by name."""
    tokenizer, tokenizer_config = vocabulary.qwen2_5(packages / "tokenizer-qwen3")
    # Qwen2 has only the first three added tokens of Qwen2.5.
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["id"] <= 151645]
    vocabulary.add_special(tokenizer, {"<image>": 151646, "<video>": 151647})
    special = {"additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "processor_class": "LlavaOnevisionProcessor"}
    return {
        "config.json": CONFIG,
        "generation_config.json": {"bos_token_id": 151643, "eos_token_id": 151645},
        "preprocessor_config.json": NORMALIZE
        | {
            "do_pad": True,
            "image_grid_pinpoints": CONFIG["image_grid_pinpoints"],
            "image_processor_type": "LlavaOnevisionImageProcessor",
        },
        "processor_config.json": {
            "image_token": "<image>",
            "num_image_tokens": 729,
            "processor_class": "LlavaOnevisionProcessor",
            "video_token": "<video>",
            "vision_aspect_ratio": "anyres_max_9",
            "vision_feature_select_strategy": "full",
        },
        "video_preprocessor_config.json": NORMALIZE | {"video_processor_type": "LlavaOnevisionVideoProcessor"},
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizer_config | special,
    }
