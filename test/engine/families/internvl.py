"""A small InternVL3 in Hugging Face form: 256 tokens for each tile of 448x448 pixels, Qwen2 as its language model."""

from pathlib import Path

import vocabulary
from transformers import InternVLForConditionalGeneration

MODEL = InternVLForConditionalGeneration
GAINS = {"linear_2": 1.5}
ZERO_CENTRED = False

CONFIG = {
    "architectures": ["InternVLForConditionalGeneration"],
    "model_type": "internvl",
    "transformers_version": "4.57.1",
    "dtype": "float32",
    "downsample_ratio": 0.5,
    "image_seq_length": 256,
    "image_token_id": 151667,
    "projector_hidden_act": "gelu",
    "vision_feature_layer": -1,
    "vision_feature_select_strategy": "default",
    "tie_word_embeddings": True,
    "text_config": vocabulary.QWEN2_TEXT
    | {
        "rope_scaling": {"factor": 2.0, "rope_type": "dynamic"},
        "sliding_window": None,
        "vocab_size": 151675,
    },
    "vision_config": {
        "architectures": ["InternVisionModel"],
        "model_type": "internvl_vision",
        "attention_bias": True,
        "hidden_act": "gelu",
        "hidden_size": 64,
        "image_size": [448, 448],
        "intermediate_size": 128,
        "layer_norm_eps": 1e-06,
        "layer_scale_init_value": 0.1,
        "norm_type": "layer_norm",
        "num_attention_heads": 2,
        "num_channels": 3,
        "num_hidden_layers": 1,
        "patch_size": [14, 14],
        "use_absolute_position_embeddings": True,
        "use_mask_token": False,
        "use_mean_pooling": True,
        "use_qk_norm": False,
    },
}

# transformers, models/internvl/convert_internvl_weights_to_hf.py. Its first version wrote <image> for <IMG_CONTEXT>;
# the processor now looks for <IMG_CONTEXT>.
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif content['type'] == 'video' %}{{ '<video>\n' }}"
    "{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{'<|im_end|>\n'}}{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"
)

PREPROCESSOR = {
    "crop_size": None,
    "crop_to_patches": False,
    "do_center_crop": None,
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_processor_type": "GotOcr2ImageProcessorFast",
    "image_std": [0.229, 0.224, 0.225],
    "max_patches": 12,
    "min_patches": 1,
    "processor_class": "InternVLProcessor",
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 448, "width": 448},
}
VIDEO_PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "initial_shift": True,
    "processor_class": "InternVLProcessor",
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"height": 384, "width": 384},
    "video_processor_type": "InternVLVideoProcessor",
}

ADDED = {
    "<img>": 151665,
    "</img>": 151666,
    "<IMG_CONTEXT>": 151667,
    "<quad>": 151668,
    "</quad>": 151669,
    "<ref>": 151670,
    "</ref>": 151671,
    "<box>": 151672,
    "</box>": 151673,
}
NAMED = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}


def template(_packages: Path) -> str:
    return TEMPLATE


def files(packages: Path) -> dict[str, dict]:
    """The JSON files of the checkpoint, by name."""
    tokenizer, tokenizer_config = vocabulary.qwen2_5(packages / "tokenizer-qwen3")
    vocabulary.add_special(tokenizer, ADDED | {"<video>": 151674})
    return {
        "config.json": CONFIG,
        "generation_config.json": {"bos_token_id": 151643, "eos_token_id": 151645},
        "preprocessor_config.json": PREPROCESSOR,
        "processor_config.json": {"image_seq_length": 256, "processor_class": "InternVLProcessor"},
        "video_preprocessor_config.json": VIDEO_PREPROCESSOR,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizer_config
        | {"extra_special_tokens": NAMED, "model_max_length": 8192, "processor_class": "InternVLProcessor"},
    }
