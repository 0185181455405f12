"""Export any Qwen3-VL checkpoint to the two ONNX graphs of the embedded engine (docs/reference/embedded-engine.md).

    python export.py CHECKPOINT_DIR [--frame 128x128] [--context 8192]

Writes onnx/vision.onnx and onnx/decoder.onnx (float32, with weights) and profile.json into the checkpoint's folder. It compares
both graphs, run by onnxruntime in several calls, with Hugging Face's forward pass. Shapes, heads and deepstack come from the
checkpoint's config. An existing profile keeps the members that are not set here: name, version, about, domain, calibration.

Both graphs are defined below, because a model traced from Hugging Face's modules cannot do what an episode needs: blocks as a
batch, several prompts behind one mask, and past keys and values as plain arrays. The weights are those of Hugging Face's modules.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

# onnxruntime reads this variable when it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb, apply_rotary_pos_emb_vision
from transformers.utils import logging
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

OPSET = 17
FORMAT = 1  # of profile.json and the graphs
TOLERANCE = 1e-4  # nats, against Hugging Face in float32


class Vision(nn.Module):
    """Pairs of frames, uint8 (blocks, 2, height, width, 3) RGB → features (blocks × tokens, (1 + deepstack) × hidden)."""

    def __init__(self, visual: nn.Module, height: int, width: int, mean: list[float], std: list[float]) -> None:
        super().__init__()
        config = visual.config
        self.visual = visual
        self.patch, self.merge = config.patch_size, config.spatial_merge_size
        self.rows, self.columns = height // self.patch, width // self.patch
        grid = torch.tensor([[1, self.rows, self.columns]])
        index, weight = get_vision_interpolation_indices_and_weights(
            grid, num_grid_per_side=visual.num_grid_per_side, mode=visual.interpolation_mode,
            align_corners=visual.interpolation_align_corners, spatial_merge_size=self.merge, kwargs={})
        positions = get_vision_position_ids(grid, self.merge, kwargs={})
        with torch.no_grad():
            self.register_buffer("place", (visual.pos_embed(index) * weight[:, :, None]).sum(1))
            cos, sin = visual.rotary_pos_emb(torch.zeros(1), positions)
            self.register_buffer("cos", cos)
            self.register_buffer("sin", sin)
            # (out, channel, time, y, x) → (time, y, x, channel, out): the bytes of a patch keep their order in the frames, and
            # (byte / 255 - mean) / std becomes part of the weights.
            kernel = visual.patch_embed.proj
            shade = torch.tensor(std).reshape(3, 1) * 255.0
            lying = kernel.weight.permute(2, 3, 4, 1, 0)
            centre = (lying * (torch.tensor(mean) / torch.tensor(std)).reshape(3, 1)).sum((0, 1, 2, 3))
            self.register_buffer("kernel", (lying / shade).reshape(-1, kernel.out_channels).contiguous())
            self.register_buffer("bias", kernel.bias - centre)

    def forward(self, frames: Tensor) -> Tensor:
        visual, merge, patch = self.visual, self.merge, self.patch
        patches = self.rows * self.columns
        cut = frames.reshape(-1, 2, self.rows // merge, merge, patch, self.columns // merge, merge, patch * 3)
        # Patches that are merged later are adjacent, in the order of Qwen3-VL's processor.
        cut = cut.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(-1, patches, 2 * patch * patch * 3)
        x = cut.float() @ self.kernel + self.bias + self.place
        deep = []
        for layer, block in enumerate(visual.blocks):
            x = x + self.attend(block.attn, block.norm1(x))
            x = x + block.mlp(block.norm2(x))
            if layer in visual.deepstack_visual_indexes:
                deep.append(visual.deepstack_merger_list[visual.deepstack_visual_indexes.index(layer)](x))
        return torch.cat([visual.merger(x), *deep], dim=-1)

    def attend(self, attention: nn.Module, x: Tensor) -> Tensor:
        """Attention within each block."""
        patches = self.rows * self.columns
        qkv = attention.qkv(x).reshape(-1, patches, 3, attention.num_heads, attention.head_dim)
        q, k = apply_rotary_pos_emb_vision(qkv[:, :, 0], qkv[:, :, 1], self.cos, self.sin)
        weights = torch.softmax((q.transpose(1, 2) * attention.scaling) @ k.permute(0, 2, 3, 1), dim=-1)
        mixed = weights @ qkv[:, :, 2].transpose(1, 2)
        return attention.proj(mixed.transpose(1, 2).reshape(-1, patches, attention.dim))


class Decoder(nn.Module):
    """New tokens after a past, in segments that do not attend to each other. docs/reference/embedded-engine.md has the shapes."""

    def __init__(self, model: Qwen3VLForConditionalGeneration) -> None:
        super().__init__()
        text = model.model.language_model
        config = text.config
        self.text, self.head = text, model.lm_head
        self.hidden = config.hidden_size
        self.kv, self.head_dim = config.num_key_value_heads, config.head_dim
        self.group = config.num_attention_heads // self.kv
        self.deepstack = len(model.config.vision_config.deepstack_visual_indexes)
        rotary = text.rotary_emb
        if rotary.rope_type != "default":
            raise SystemExit(f"rope type {rotary.rope_type} is not exported: only default is")
        # Which of the three positions (time, row, column) each frequency uses.
        axis = torch.zeros(len(rotary.inv_freq), dtype=torch.long)
        for dim in (1, 2):
            axis[dim : rotary.mrope_section[dim] * 3 : 3] = dim
        self.register_buffer("axis", axis)
        self.register_buffer("frequencies", rotary.inv_freq.float())
        self.rotary_scale = rotary.attention_scaling

    def forward(
        self, input_ids: Tensor, features: Tensor, feature_index: Tensor, position_ids: Tensor, visible_past: Tensor,
        segment: Tensor, past_keys: Tensor, past_values: Tensor, read: Tensor, answers: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        width = (1 + self.deepstack) * self.hidden
        # Text has no features and uses row 0, which is zero.
        shown = torch.cat([torch.zeros(1, width), features])[feature_index + 1]
        is_video = (feature_index >= 0)[:, None]
        x = torch.where(is_video, shown[:, : self.hidden], self.text.embed_tokens(input_ids))
        angles = (position_ids[self.axis].float() * self.frequencies[:, None]).T.repeat(1, 2)
        cos, sin = angles.cos() * self.rotary_scale, angles.sin() * self.rotary_scale
        mask = visibility(visible_past, segment, past_keys)
        keys, values = [], []
        layers = self.text.layers
        for i, layer in enumerate(layers):
            attention = layer.self_attn
            normed = layer.input_layernorm(x)
            key = attention.k_norm(attention.k_proj(normed).reshape(-1, self.kv, self.head_dim))
            value = attention.v_proj(normed).reshape(-1, self.kv, self.head_dim)
            asking, turn = normed, (cos, sin)
            if i == len(layers) - 1:
                # No later layer needs the other rows: compute only the rows that are read.
                x, asking, mask, turn, shown = x[read], normed[read], mask[read], (cos[read], sin[read]), shown[read]
            query = attention.q_norm(attention.q_proj(asking).reshape(-1, self.kv * self.group, self.head_dim))
            query, _ = apply_rotary_pos_emb(query, query, *turn, unsqueeze_dim=1)
            key, _ = apply_rotary_pos_emb(key, key, cos, sin, unsqueeze_dim=1)
            keys.append(key)
            values.append(value)
            mixed = self.attend(query * attention.scaling, torch.cat([past_keys[:, i], key]),
                                torch.cat([past_values[:, i], value]), mask)
            x = x + attention.o_proj(mixed)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
            if i < self.deepstack:
                x = x + shown[:, (1 + i) * self.hidden : (2 + i) * self.hidden]
        log_probs = torch.log_softmax(self.head(self.text.norm(x)), dim=-1)
        return log_probs.gather(1, answers), torch.stack(keys, dim=1), torch.stack(values, dim=1)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """query (rows, heads, dim), key and value (columns, kv, dim) → (rows, heads × dim)."""
        rows = query.shape[0]
        # Reshape only the leading dimension: rows can be 0, and in an ONNX reshape 0 means "the same as before".
        grouped = query.reshape(rows, self.kv, self.group, self.head_dim).permute(1, 2, 0, 3)
        weights = torch.softmax(grouped @ key.permute(1, 2, 0)[:, None] + mask, dim=-1)
        mixed = weights @ value.transpose(0, 1)[:, None]
        return mixed.permute(2, 0, 1, 3).reshape(rows, self.kv * self.group * self.head_dim)


def visibility(visible_past: Tensor, segment: Tensor, past_keys: Tensor) -> Tensor:
    """The attention mask of the new tokens, (new, past + new): 0 for a token that they attend to, −∞ for others."""
    past = torch.arange(past_keys.shape[0])[None] < visible_past[:, None]
    order = torch.arange(segment.shape[0])
    new = (segment[:, None] == segment[None]) & (order[:, None] >= order[None])
    seen = torch.cat([past, new], dim=1)
    return torch.where(seen, torch.tensor(0.0), torch.tensor(float("-inf")))


DECODER_INPUTS = ["input_ids", "features", "feature_index", "position_ids", "visible_past", "segment", "past_keys", "past_values",
                  "read", "answers"]
DECODER_OUTPUTS = ["log_probs", "keys", "values"]
DECODER_AXES = {
    "input_ids": ["new"], "features": ["video"], "feature_index": ["new"], "position_ids": {1: "new"}, "visible_past": ["new"],
    "segment": ["new"], "past_keys": ["past"], "past_values": ["past"], "read": ["rows"], "answers": ["rows", "tokens"],
    "log_probs": ["rows", "tokens"], "keys": ["new"], "values": ["new"],
}


def write_graphs(model: Qwen3VLForConditionalGeneration, vision: Vision, decoder: Decoder, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    tokens = vision.rows * vision.columns // vision.merge**2
    frames = torch.randint(0, 256, (2, 2, vision.rows * vision.patch, vision.columns * vision.patch, 3), dtype=torch.uint8)
    options: dict[str, Any] = {"dynamo": False, "opset_version": OPSET, "do_constant_folding": True}
    torch.onnx.export(vision, (frames,), folder / "vision.onnx", input_names=["frames"], output_names=["features"],
                      dynamic_axes={"frames": {0: "blocks"}, "features": {0: "tokens"}}, **options)
    past = torch.randn(5, len(decoder.text.layers), decoder.kv, decoder.head_dim)
    new = tokens + 3
    example = (
        torch.arange(new), vision(frames)[:tokens], torch.arange(new) - 3, torch.arange(new).repeat(3, 1), torch.full((new,), 5),
        torch.zeros(new, dtype=torch.long), past, past + 1, torch.tensor([new - 2, new - 1]), torch.tensor([[1, 2, 3], [4, 5, 6]]),
    )
    axes = {name: dict(enumerate(axis)) if isinstance(axis, list) else axis for name, axis in DECODER_AXES.items()}
    torch.onnx.export(decoder, example, folder / "decoder.onnx", input_names=DECODER_INPUTS, output_names=DECODER_OUTPUTS,
                      dynamic_axes=axes, **options)


def check(model: Qwen3VLForConditionalGeneration, vision: Vision, decoder: Decoder, folder: Path) -> float:
    """Compare both graphs, run as in the engine, with one pass of Hugging Face's model over the same video.

    :returns: the largest difference of a log probability, in nats
    """
    rng = np.random.default_rng(7)
    blocks, ids = 3, model.config
    height, width = vision.rows * vision.patch, vision.columns * vision.patch
    tokens = vision.rows * vision.columns // vision.merge**2
    frames = rng.integers(0, 256, (blocks, 2, height, width, 3), dtype=np.uint8)
    words = lambda count: rng.integers(0, min(1000, ids.text_config.vocab_size), count).tolist()  # noqa: E731
    units = [[*words(4), ids.vision_start_token_id, *[ids.video_token_id] * tokens, ids.vision_end_token_id] for _ in range(blocks)]
    # The prefix of all blocks and the prefix of the first block, each with its prompt.
    question, other = words(9), words(6)
    asked = [(blocks, question), (1, other), (1, question)]
    expected, position = [], []
    for count, text in asked:
        row = torch.tensor([sum(units[:count], []) + text])
        grid = torch.tensor([[count, vision.rows, vision.columns]])
        kinds = (row == ids.video_token_id).long() * 2
        place, _ = model.model.get_rope_index(row, mm_token_type_ids=kinds, video_grid_thw=grid)
        with torch.inference_mode():
            logits = model(input_ids=row, mm_token_type_ids=kinds, video_grid_thw=grid, use_cache=False, logits_to_keep=1,
                           pixel_values_videos=patches_as_processed(frames[:count], vision, folder.parent)).logits[0, -1]
        expected.append(torch.log_softmax(logits, -1).numpy())
        position.append(place[:, 0].numpy())

    run_vision = onnxruntime.InferenceSession(folder / "vision.onnx").run
    run_decoder = onnxruntime.InferenceSession(folder / "decoder.onnx").run
    features = np.concatenate([run_vision(None, {"frames": frames[i : i + 2]})[0] for i in range(0, blocks, 2)])
    empty = np.zeros((0, len(decoder.text.layers), decoder.kv, decoder.head_dim), np.float32)
    keys = values = empty
    unit = len(units[0])
    for i in range(blocks):
        # Segments must not attend to each other. To check it, the call of the second block has a second copy of the block.
        copies = 2 if i == 1 else 1
        where = np.tile(np.arange(unit), copies)
        _, new_keys, new_values = run_decoder(None, {
            "input_ids": np.array(units[i] * copies), "features": features[i * tokens : (i + 1) * tokens],
            "feature_index": np.where(np.array(units[i] * copies) == ids.video_token_id, where - 5, -1),
            "position_ids": position[0][:, i * unit + where], "visible_past": np.full(unit * copies, i * unit),
            "segment": np.repeat(np.arange(copies), unit), "past_keys": keys, "past_values": values,
            "read": np.array([0]), "answers": np.array([[0, 1]])})
        keys, values = np.concatenate([keys, new_keys[-unit:]]), np.concatenate([values, new_values[-unit:]])
    answers = rng.integers(0, ids.text_config.vocab_size, (len(asked), 2))
    lengths = [len(text) for _, text in asked]
    log_probs, _, _ = run_decoder(None, {
        "input_ids": np.concatenate([text for _, text in asked]), "features": features[:0],
        "feature_index": np.full(sum(lengths), -1),
        "position_ids": np.concatenate([place[:, -n:] for place, n in zip(position, lengths, strict=True)], axis=1),
        "visible_past": np.repeat([count * unit for count, _ in asked], lengths), "segment": np.repeat(np.arange(3), lengths),
        "past_keys": keys, "past_values": values, "read": np.cumsum(lengths) - 1, "answers": answers})
    wanted = np.stack([row[answer] for row, answer in zip(expected, answers, strict=True)])
    return float(np.abs(log_probs - wanted).max())


def patches_as_processed(frames: np.ndarray, vision: Vision, folder: Path) -> Tensor:
    """(blocks, 2, H, W, 3) → the output of Qwen3-VL's processor: (patches, channel × time × y × x), normalised, merged patches adjacent."""
    mean, std = normalisation(folder)
    scaled = (torch.from_numpy(frames).float() / 255 - torch.tensor(mean)) / torch.tensor(std)
    p, m = vision.patch, vision.merge
    cut = scaled.reshape(-1, 2, vision.rows // m, m, p, vision.columns // m, m, p, 3)
    return cut.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(-1, 3 * 2 * p * p)


def normalisation(folder: Path) -> tuple[list[float], list[float]]:
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    return processor["image_mean"], processor["image_std"]


def write_profile(folder: Path, frame: tuple[int, int], context: int) -> None:
    path = folder / "profile.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    profile = {
        "format": FORMAT,
        "name": old.get("name", folder.name),
        "version": old.get("version", "1"),
        "about": old.get("about", f"{folder.name}; its training data is not described."),
        "frame": {"width": frame[0], "height": frame[1]},
        "contextTokens": context,
        "calibration": old.get("calibration"),
        "domain": old.get("domain"),
    }
    path.write_text(json.dumps(profile, indent=2, ensure_ascii=False) + "\n")


def frame_size(text: str, unit: int) -> tuple[int, int]:
    try:
        width, height = (int(side) for side in text.split("x"))
    except ValueError:
        raise SystemExit(f"--frame is WIDTHxHEIGHT, not {text}") from None
    if width < unit or height < unit or width % unit or height % unit:
        raise SystemExit(f"--frame {text}: both sides must be multiples of {unit} pixels")
    return width, height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="CHECKPOINT_DIR")
    parser.add_argument("--frame", help="WIDTHxHEIGHT in pixels; default: the profile's, or 128x128")
    parser.add_argument("--context", type=int, help="longest prompt in tokens; default: the profile's, or the checkpoint's up to 8192")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    logging.disable_progress_bar()
    model = Qwen3VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    config = model.config
    path = folder / "profile.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    known = "{width}x{height}".format(**old["frame"]) if "frame" in old else "128x128"
    vision_config = config.vision_config
    if vision_config.temporal_patch_size != 2:
        raise SystemExit("a block must be two frames: temporal_patch_size is not 2")
    frame = frame_size(arguments.frame or known, vision_config.patch_size * vision_config.spatial_merge_size)
    context = arguments.context or old.get("contextTokens") or min(8192, config.text_config.max_position_embeddings)
    vision = Vision(model.model.visual, frame[1], frame[0], *normalisation(folder)).eval()
    decoder = Decoder(model).eval()
    with torch.no_grad(), warnings.catch_warnings():
        # Warnings that the exporter is deprecated, and about constants, which are sizes of this checkpoint.
        warnings.simplefilter("ignore")
        write_graphs(model, vision, decoder, folder / "onnx")
    difference = check(model, vision, decoder, folder / "onnx")
    print(f"max |Δ log p| against Hugging Face: {difference:.1e}")
    if not difference <= TOLERANCE:
        sys.exit("the export is not the checkpoint: it differs by more than rounding does")
    write_profile(folder, frame, context)
    for graph in ("vision", "decoder"):
        print(f"onnx/{graph}.onnx  {(folder / 'onnx' / f'{graph}.onnx').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
