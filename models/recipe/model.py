"""topreward-pico: its configuration, its tokenizer, and its vision part for batches (with Hugging Face's modules and weights)."""

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tasks import FORMS, TASKS, worded
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb_vision
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

SIDE = 128  # pixels
PATCH, MERGE = 16, 2
GRID = SIDE // PATCH
TOKENS = (GRID // MERGE) ** 2  # visual tokens of one block
CONTEXT = 65536  # tokens
VOCABULARY = 704

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
           "<|video_pad|>"]
ANSWERS = [" True", " False", " Yes", " No", "True", "False", "Yes", "No"]
STATEMENT = "The above video shows a robot manipulation trajectory that completes the following task: "
QUESTION = " Decide whether the above statement is True or not. The answer is:"
# Qwen's pattern: a word includes the space before it, and each digit is a token.
WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def make_tokenizer() -> Tokenizer:
    """Byte-level BPE, trained on the prompt and the phrases. It can encode any UTF-8 text. Special tokens have the lowest IDs."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    phrases = [phrase for task in TASKS for phrase in task.phrases]
    wordings = [worded(phrase, form) for phrase in phrases for form in FORMS]
    prompts = [f"user\n<{t} seconds>{STATEMENT}{w}{QUESTION}\nassistant\n" for t, w in enumerate(wordings)]
    # A pair is merged only if it occurs more than once. These repetitions make each answer a single token.
    answers = ANSWERS * 500
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([*prompts, *answers], trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    for answer in ANSWERS:
        if len(tokenizer.encode(answer).ids) != 1:
            raise RuntimeError(f"{answer!r} is not one token")
    return tokenizer


def make_config(tokenizer: Tokenizer) -> Qwen3VLConfig:
    ids = {text: tokenizer.token_to_id(text) for text in SPECIAL}
    text = {
        "model_type": "qwen3_vl_text", "dtype": "float32", "vocab_size": VOCABULARY,
        "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 32, "hidden_act": "silu", "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-6, "rope_theta": 10000,
        "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [6, 5, 5]},
        "attention_bias": False, "attention_dropout": 0.0, "tie_word_embeddings": True,
        "bos_token_id": ids["<|endoftext|>"], "eos_token_id": ids["<|im_end|>"],
    }
    vision = {
        "model_type": "qwen3_vl", "depth": 4, "hidden_size": 128, "intermediate_size": 384, "num_heads": 4,
        "hidden_act": "gelu_pytorch_tanh", "in_channels": 3, "patch_size": PATCH, "spatial_merge_size": MERGE,
        "temporal_patch_size": 2, "out_hidden_size": 128, "num_position_embeddings": GRID * GRID, "deepstack_visual_indexes": [1],
    }
    return Qwen3VLConfig(
        architectures=["Qwen3VLForConditionalGeneration"], text_config=text, vision_config=vision, tie_word_embeddings=True,
        image_token_id=ids["<|image_pad|>"], video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"], vision_end_token_id=ids["<|vision_end|>"],
    )


def make_model(tokenizer: Tokenizer, seed: int) -> Qwen3VLForConditionalGeneration:
    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(make_config(tokenizer))
    model.config.text_config._attn_implementation = "sdpa"
    return model


def patches(frames: torch.Tensor) -> torch.Tensor:
    """Pairs of frames, (B, 2, H, W, 3) in 0..255 → patches as in the processor, (B, patches, 1536), merged patches adjacent."""
    b, _, h, w, _ = frames.shape
    scaled = frames.float() / 127.5 - 1.0
    cut = scaled.reshape(b, 2, h // 32, 2, 16, w // 32, 2, 16, 3)
    return cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(b, -1, 1536)


class Vision(torch.nn.Module):
    """The vision part of the checkpoint, for a batch of blocks of one size. Each block is one attention window."""

    def __init__(self, visual: torch.nn.Module) -> None:
        super().__init__()
        self.visual = visual
        grid = torch.tensor([[1, GRID, GRID]])
        index, weight = get_vision_interpolation_indices_and_weights(
            grid, num_grid_per_side=visual.num_grid_per_side, mode=visual.interpolation_mode,
            align_corners=visual.interpolation_align_corners, spatial_merge_size=MERGE, kwargs={})
        self.index, self.weight = index, weight
        self.rotary = visual.rotary_pos_emb(torch.zeros(1), get_vision_position_ids(grid, MERGE, kwargs={}))

    def forward(self, cut: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, patches, 1536) → the merged embedding and the deepstack feature, (B, TOKENS, hidden) each."""
        visual = self.visual
        b, n, _ = cut.shape
        kernel = visual.patch_embed.proj
        x = F.linear(cut, kernel.weight.reshape(kernel.out_channels, -1), kernel.bias)
        x = x + (visual.pos_embed(self.index) * self.weight[:, :, None]).sum(1)
        cos, sin = self.rotary
        deep = None
        for layer, block in enumerate(visual.blocks):
            attention = block.attn
            qkv = attention.qkv(block.norm1(x)).reshape(b, n, 3, attention.num_heads, -1)
            q, k = apply_rotary_pos_emb_vision(qkv[:, :, 0], qkv[:, :, 1], cos, sin)
            y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), qkv[:, :, 2].transpose(1, 2))
            x = x + attention.proj(y.transpose(1, 2).reshape(b, n, -1))
            x = x + block.mlp(block.norm2(x))
            if layer in visual.deepstack_visual_indexes:
                deep = visual.deepstack_merger_list[0](x).reshape(b, TOKENS, -1)
        return visual.merger(x).reshape(b, TOKENS, -1), deep


PROCESSOR: dict[str, Any] = {
    "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5], "rescale_factor": 1 / 255, "resample": 3, "patch_size": PATCH, "merge_size": MERGE,
    "temporal_patch_size": 2, "processor_class": "Qwen3VLProcessor",
}


def save(model: Qwen3VLForConditionalGeneration, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the checkpoint in Hugging Face's format, with float16 weights."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = model.config.to_dict() | {"transformers_version": "4.57.1", "dtype": "float16"}
    write_json(folder / "config.json", config)
    eos, pad = "<|im_end|>", "<|endoftext|>"
    write_json(folder / "generation_config.json", {"eos_token_id": tokenizer.token_to_id(eos), "pad_token_id": tokenizer.token_to_id(pad)})
    write_json(folder / "preprocessor_config.json", PROCESSOR | {
        "image_processor_type": "Qwen2VLImageProcessorFast", "size": {"shortest_edge": 4096, "longest_edge": 16777216}})
    write_json(folder / "video_preprocessor_config.json", PROCESSOR | {
        "video_processor_type": "Qwen3VLVideoProcessor", "size": {"shortest_edge": 4096, "longest_edge": 25165824},
        "do_sample_frames": True, "fps": 2, "min_frames": 4, "max_frames": 768})
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": False, "clean_up_tokenization_spaces": False, "errors": "replace",
        "model_max_length": CONTEXT, "eos_token": eos, "pad_token": pad, "unk_token": None, "bos_token": None, "split_special_tokens": False,
        "additional_special_tokens": SPECIAL[1:],
        "added_tokens_decoder": {str(tokenizer.token_to_id(t)): {
            "content": t, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True} for t in SPECIAL}})
    weights = {k: v.detach().half().contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
