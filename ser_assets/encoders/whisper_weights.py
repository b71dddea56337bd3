"""Readers of published Whisper weights: CTranslate2, safetensors, and OpenAI's checkpoints, which need torch."""

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ser_assets.encoders.names import EncoderError
from ser_assets.encoders.sources import WHISPER_FILES

HEAD_SIZE: Final = 64
"""Dimensions of one attention head, in every Whisper."""
_TYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_SAFETENSORS_TYPES: Final = {"F32": np.float32, "F16": np.float16}
_CTRANSLATE2_VERSION: Final = 6


class Affine(NamedTuple):
    """A weight and a bias."""

    weight: np.ndarray
    bias: np.ndarray


class Block(NamedTuple):
    """One block of the encoder; weights are (out, in)."""

    attention_norm: Affine
    query: Affine
    key: Affine
    value: Affine
    out: Affine
    ffn_norm: Affine
    first: Affine
    second: Affine


class WhisperWeights(NamedTuple):
    """The weights of a Whisper encoder, float32.

    Attributes:
        convolutions: the two at its entry.
        positions: (1500, dimensions).
        blocks: in their order.
    """

    convolutions: tuple[Affine, Affine]
    positions: np.ndarray
    blocks: tuple[Block, ...]


def read_whisper(path: Path) -> WhisperWeights:
    """Read the encoder of a Whisper model: a folder with `model.bin` or `model.safetensors`, or one of these files.

    A `.pt` checkpoint of OpenAI is read, too, where torch is installed.

    Raises:
        EncoderError: there is none of them, or it holds no Whisper encoder.
    """
    if path.is_dir():
        found = [path / name for name in WHISPER_FILES if (path / name).is_file()]
        if not found:
            raise EncoderError(
                f"{path} holds neither model.bin (CTranslate2) nor model.safetensors: name another folder"
            )
        path = found[0]
    try:
        if path.suffix == ".safetensors":
            return _from_hugging_face(_safetensors(path))
        if path.suffix == ".pt":
            return _from_openai(_checkpoint(path))
        return _from_ctranslate2(_ctranslate2(path))
    except (KeyError, ValueError, struct.error, OSError) as error:
        raise EncoderError(f"{path} holds no Whisper encoder that can be read ({error}): download it again") from error


def _ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """Tensors of CTranslate2's binary format, version 6, little endian."""
    content, place = path.read_bytes(), 0

    def number(kind: str) -> int:
        nonlocal place
        value: int = struct.unpack_from("<" + kind, content, place)[0]
        place += struct.calcsize(kind)
        return value

    def taken(size: int) -> bytes:
        nonlocal place
        place += size
        if place > len(content):
            raise ValueError("it is cut short")
        return content[place - size : place]

    def text() -> str:
        return taken(number("H"))[:-1].decode()

    if (found := number("I")) != _CTRANSLATE2_VERSION:
        raise ValueError(f"version {found} of CTranslate2's format, not {_CTRANSLATE2_VERSION}")
    text(), number("I")
    tensors = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind, size = number("B"), number("I")
        tensors[name] = np.frombuffer(taken(size), _TYPES[kind]).reshape(shape)
    return tensors


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8 : 8 + length])
    data = content[8 + length :]
    return {
        name: np.frombuffer(data[slice(*each["data_offsets"])], _SAFETENSORS_TYPES[each["dtype"]]).reshape(
            each["shape"]
        )
        for name, each in header.items()
        if name != "__metadata__" and "encoder." in name
    }


def _checkpoint(path: Path) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as error:
        raise EncoderError(f"{path} is a checkpoint of torch: pip install torch, or name a safetensors file") from error
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state_dict"]
    return {name: tensor.float().numpy() for name, tensor in state.items() if name.startswith("encoder.")}


def _from_ctranslate2(tensors: Mapping[str, np.ndarray]) -> WhisperWeights:
    def affine(name: str, weight: str = "weight", bias: str = "bias") -> Affine:
        return _affine(tensors[f"encoder/{name}/{weight}"], tensors[f"encoder/{name}/{bias}"])

    def block(number: int) -> Block:
        at = f"layer_{number}"
        stacked = affine(f"{at}/self_attention/linear_0")
        parts = zip(np.split(stacked.weight, 3), np.split(stacked.bias, 3), strict=True)
        query, key, value = (Affine(*part) for part in parts)
        return Block(
            affine(f"{at}/self_attention/layer_norm", "gamma", "beta"),
            query,
            key,
            value,
            affine(f"{at}/self_attention/linear_1"),
            affine(f"{at}/ffn/layer_norm", "gamma", "beta"),
            affine(f"{at}/ffn/linear_0"),
            affine(f"{at}/ffn/linear_1"),
        )

    positions = tensors["encoder/position_encodings/encodings"].astype(np.float32)
    count = _count(tensors, r"encoder/layer_(\d+)/.*")
    return WhisperWeights((affine("conv1"), affine("conv2")), positions, tuple(map(block, range(count))))


def _from_hugging_face(tensors: Mapping[str, np.ndarray]) -> WhisperWeights:
    names = {
        "attention_norm": "self_attn_layer_norm",
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "out": "self_attn.out_proj",
        "ffn_norm": "final_layer_norm",
        "first": "fc1",
        "second": "fc2",
    }
    own = {name.split("encoder.", 1)[1]: tensor for name, tensor in tensors.items()}
    return _from_named(own, "layers", names, "embed_positions.weight")


def _from_openai(tensors: Mapping[str, np.ndarray]) -> WhisperWeights:
    names = {
        "attention_norm": "attn_ln",
        "query": "attn.query",
        "key": "attn.key",
        "value": "attn.value",
        "out": "attn.out",
        "ffn_norm": "mlp_ln",
        "first": "mlp.0",
        "second": "mlp.2",
    }
    own = {name.removeprefix("encoder."): tensor for name, tensor in tensors.items()}
    return _from_named(own, "blocks", names, "positional_embedding")


def _from_named(
    tensors: Mapping[str, np.ndarray], blocks: str, names: Mapping[str, str], positions: str
) -> WhisperWeights:
    """Weights by the names that a framework gives them; the key projection has no bias."""

    def affine(name: str) -> Affine:
        weight = tensors[f"{name}.weight"]
        return _affine(weight, tensors.get(f"{name}.bias", np.zeros(len(weight))))

    def block(number: int) -> Block:
        return Block(**{part: affine(f"{blocks}.{number}.{name}") for part, name in names.items()})

    count = _count(tensors, rf"{blocks}\.(\d+)\..*")
    entry = (affine("conv1"), affine("conv2"))
    return WhisperWeights(entry, tensors[positions].astype(np.float32), tuple(map(block, range(count))))


def _affine(weight: np.ndarray, bias: np.ndarray) -> Affine:
    return Affine(weight.astype(np.float32), bias.astype(np.float32))


def _count(tensors: Mapping[str, Any], pattern: str) -> int:
    numbers = [int(found[1]) for name in tensors if (found := re.fullmatch(pattern, name))]
    if not numbers:
        raise ValueError("no block of an encoder is in it")
    return 1 + max(numbers)
