"""A tiny Whisper encoder with random weights, as CTranslate2 and Hugging Face would store it."""

import json
import struct
from pathlib import Path

import numpy as np

from ser_assets.encoders.whisper_weights import Affine, Block, WhisperWeights

DIMENSIONS = 128
BANDS = 80
BLOCKS = 2


def tiny_whisper(seed: int = 0) -> WhisperWeights:
    """Two blocks of 128 dimensions; the key projection has no bias, as in every Whisper."""
    rng = np.random.default_rng(seed)

    def affine(out: int, *size: int) -> Affine:
        weight = rng.normal(0, 1 / np.sqrt(np.prod(size)), (out, *size))
        return Affine(weight.astype(np.float32), rng.normal(0, 0.1, out).astype(np.float32))

    def norm() -> Affine:
        return Affine(
            rng.normal(1, 0.1, DIMENSIONS).astype(np.float32), rng.normal(0, 0.1, DIMENSIONS).astype(np.float32)
        )

    def block() -> Block:
        query, key, value, out = (affine(DIMENSIONS, DIMENSIONS) for _ in range(4))
        key = key._replace(bias=np.zeros(DIMENSIONS, np.float32))
        first, second = affine(2 * DIMENSIONS, DIMENSIONS), affine(DIMENSIONS, 2 * DIMENSIONS)
        return Block(norm(), query, key, value, out, norm(), first, second)

    convolutions = affine(DIMENSIONS, BANDS, 3), affine(DIMENSIONS, DIMENSIONS, 3)
    positions = rng.normal(0, 0.1, (1500, DIMENSIONS)).astype(np.float32)
    return WhisperWeights(convolutions, positions, tuple(block() for _ in range(BLOCKS)))


def write_ctranslate2(weights: WhisperWeights, path: Path) -> Path:
    """Write `model.bin` as CTranslate2 does, in 32-bit floats."""
    tensors = {"encoder/position_encodings/encodings": weights.positions}

    def put(name: str, affine: Affine, parts: tuple[str, str] = ("weight", "bias")) -> None:
        tensors.update({f"encoder/{name}/{part}": value for part, value in zip(parts, affine, strict=True)})

    for number, convolution in enumerate(weights.convolutions, start=1):
        put(f"conv{number}", convolution)
    for number, block in enumerate(weights.blocks):
        at = f"layer_{number}"
        projections = (block.query, block.key, block.value)
        stacked = Affine(*(np.concatenate(parts) for parts in zip(*projections, strict=True)))
        put(f"{at}/self_attention/layer_norm", block.attention_norm, ("gamma", "beta"))
        put(f"{at}/self_attention/linear_0", stacked)
        put(f"{at}/self_attention/linear_1", block.out)
        put(f"{at}/ffn/layer_norm", block.ffn_norm, ("gamma", "beta"))
        put(f"{at}/ffn/linear_0", block.first)
        put(f"{at}/ffn/linear_1", block.second)

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    content = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(tensors))
    for name, value in tensors.items():
        data = value.astype("<f4").tobytes()
        shape = struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        content += text(name) + shape + struct.pack("<BI", 0, len(data)) + data
    path.write_bytes(content + struct.pack("<I", 0))
    return path


def write_safetensors(weights: WhisperWeights, path: Path) -> Path:
    """Write `model.safetensors` with the names of Hugging Face's Whisper."""
    names = ("self_attn_layer_norm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
    names += ("final_layer_norm", "fc1", "fc2")
    tensors = {"embed_positions.weight": weights.positions}
    parts = {f"conv{number}": each for number, each in enumerate(weights.convolutions, start=1)}
    for number, block in enumerate(weights.blocks):
        parts |= {f"layers.{number}.{name}": affine for name, affine in zip(names, block, strict=True)}
    for name, affine in parts.items():
        tensors[f"{name}.weight"] = affine.weight
        if not name.endswith("k_proj"):
            tensors[f"{name}.bias"] = affine.bias
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, value in tensors.items():
        start, data = len(data), data + value.astype("<f4").tobytes()
        header[f"model.encoder.{name}"] = {
            "dtype": "F32",
            "shape": list(value.shape),
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path
