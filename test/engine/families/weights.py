"""Random weights that make a small model depend on its frames, their order and the words.

A model that ignores its input shows nothing in a test. So attention is peaked, because a mean over thousands of tokens
would hide one frame, and attention and the path of the frames count for more than the MLPs.
"""

import math

import torch

SEED = 20260219

# Standard deviations relative to 1/sqrt(fan in), by the last part of a layer's name.
GAINS = {
    "q_proj": 1.8,
    "k_proj": 1.8,
    "o_proj": 3.0,
    "down_proj": 0.5,
    "qkv": 1.3,
    "proj": 2.0,
    "projection": 2.0,
    "patch_embedding": 2.0,
}


def scale(name: str, shape: torch.Size, gains: dict[str, float], zero_centred: bool) -> tuple[float, float]:
    """Mean and standard deviation of a parameter."""
    layer, kind = name.split(".")[-2:] if "." in name else ("", name)
    if layer in ("embed_tokens", "lm_head"):
        # In most models these are one matrix. The logits are this matrix times a vector of norm sqrt(hidden size), so they
        # spread by about 2 and no distribution is nearly uniform.
        return 0.0, 2.0 / math.sqrt(shape[1])
    if "position_embedding" in name or "pos_embed" in name:
        return 0.0, 0.5
    if layer in gains and len(shape) == 1 and kind == "weight":
        return gains[layer], 0.1
    if len(shape) == 1:
        is_factor = kind == "weight" or kind.startswith("lambda")
        is_zero_centred = zero_centred and "vision" not in name
        return (1.0 if is_factor and not is_zero_centred else 0.0), 0.1
    return 0.0, gains.get(layer, 1.0) / math.sqrt(math.prod(shape[1:]))


def initialise(model: torch.nn.Module, gains: dict[str, float], zero_centred: bool = False, seed: int = SEED) -> None:
    """Give every parameter seeded random values. `zero_centred`: norms of the language model add 1 to their weights."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        mean, deviation = scale(name, parameter.shape, GAINS | gains, zero_centred)
        with torch.no_grad():
            parameter.copy_(mean + deviation * torch.randn(parameter.shape, generator=generator))
