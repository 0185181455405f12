"""A small SmolVLM2: 64 tokens for each image of 512x512 pixels, Llama as its language model.

As in SmolVLM2-500M-Video-Instruct, but the image processor does not split images. With splitting each image is first
enlarged to 2048 pixels and cut into 16 tiles: 1,088 pads an image, too many for several images in a context of 8,192.
"""

from pathlib import Path

import vocabulary
from transformers import SmolVLMForConditionalGeneration

MODEL = SmolVLMForConditionalGeneration
GAINS = {"out_proj": 1.5, "fc2": 0.7}
ZERO_CENTRED = False

PLAIN = 49152
ROWS = {f"<row_{row}_col_{column}>": PLAIN + 6 * row + column - 6 for row in range(1, 7) for column in range(1, 7)}
# The added tokens at the ids of the real tokenizer.
ADDED = {
    "<global-img>": PLAIN,
    **ROWS,
    "<fake_token_around_image>": 49189,
    "<image>": 49190,
    **{f"<|reserved_special_token_{index}|>": 49191 + index for index in range(88)},
    "<end_of_utterance>": 49279,
}
# The special tokens at the start of SmolLM2's vocabulary.
FIRST = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<filename>",
    "<gh_stars>",
    "<issue_start>",
    "<issue_comment>",
    "<issue_closed>",
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<jupyter_script>",
    "<empty_output>",
]
NAMED = {
    "end_of_utterance_token": "<end_of_utterance>",
    "fake_image_token": "<fake_token_around_image>",
    "global_image_token": "<global-img>",
    "image_token": "<image>",
}

CONFIG = {
    "architectures": ["SmolVLMForConditionalGeneration"],
    "model_type": "smolvlm",
    "transformers_version": "4.57.1",
    "dtype": "float32",
    "image_token_id": 49190,
    "pad_token_id": 128002,
    "scale_factor": 4,
    "tie_word_embeddings": False,
    "use_cache": False,
    "vocab_size": 49280,
    "text_config": {
        "architectures": ["VLlama3ForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "head_dim": 64,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "max_position_embeddings": 8192,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "pad_token_id": 2,
        "rms_norm_eps": 1e-05,
        "rope_theta": 100000,
        "tie_word_embeddings": False,
        "vocab_size": 49280,
    },
    "vision_config": {
        "model_type": "smolvlm_vision",
        "hidden_size": 64,
        "image_size": 512,
        "intermediate_size": 128,
        "max_image_size": {"longest_edge": 512},
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "patch_size": 16,
        "size": {"longest_edge": 2048},
        "use_base_siglip": False,
    },
}

# chat_template.json of HuggingFaceTB/SmolVLM2-500M-Video-Instruct; also in transformers,
# tests/models/smolvlm/test_processing_smolvlm.py.
TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)

PREPROCESSOR = {
    "do_convert_rgb": True,
    "do_image_splitting": False,
    "do_normalize": True,
    "do_pad": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SmolVLMImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "max_image_size": {"longest_edge": 512},
    "processor_class": "SmolVLMProcessor",
    "resample": 1,
    "rescale_factor": 1 / 255,
    "size": {"longest_edge": 2048},
    "video_sampling": {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 512}},
}

TOKENIZER = {
    "add_prefix_space": False,
    "additional_special_tokens": ["<fake_token_around_image>", "<image>", "<end_of_utterance>"],
    "bos_token": "<|im_start|>",
    "clean_up_tokenization_spaces": False,
    "eos_token": "<end_of_utterance>",
    "extra_special_tokens": NAMED,
    "model_max_length": 8192,
    "pad_token": "<|im_end|>",
    "processor_class": "SmolVLMProcessor",
    "tokenizer_class": "GPT2Tokenizer",
    "truncation_side": "left",
    "unk_token": "<|endoftext|>",
} | NAMED


def template(_packages: Path) -> str:
    return TEMPLATE


def files(packages: Path) -> dict[str, dict]:
    """The JSON files of the checkpoint, by name."""
    return {
        "config.json": CONFIG,
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": 49279, "pad_token_id": 2},
        "preprocessor_config.json": PREPROCESSOR,
        "processor_config.json": {"image_seq_len": 64, "processor_class": "SmolVLMProcessor"},
        "tokenizer.json": vocabulary.byte_level(packages / "tokenizer-qwen3", FIRST, PLAIN, ADDED),
        "tokenizer_config.json": TOKENIZER,
    }
