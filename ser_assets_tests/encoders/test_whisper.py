"""Whisper encoders out of published weights: both formats, and the graph against a plain implementation."""

import math
from pathlib import Path

import numpy as np
import pytest

from ser_assets.encoders.encoder import Encoder
from ser_assets.encoders.log_mel import log_mel
from ser_assets.encoders.names import EncoderError
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets.encoders.whisper_weights import Affine, WhisperWeights, read_whisper
from ser_assets_tests.factories.signals import spoken
from ser_assets_tests.factories.whisper import tiny_whisper, write_ctranslate2, write_safetensors

WEIGHTS = tiny_whisper()


def gelu(values: np.ndarray) -> np.ndarray:
    return 0.5 * values * (1 + np.vectorize(math.erf)(values / np.sqrt(2)))


def norm(values: np.ndarray, affine: Affine) -> np.ndarray:
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + 1e-5) * affine.weight + affine.bias


def plain(weights: WhisperWeights, mel: np.ndarray) -> list[np.ndarray]:
    """The encoder of the paper, one line a step, in 64-bit floats."""
    current = mel.astype(float)
    for convolution, stride in zip(weights.convolutions, (1, 2), strict=True):
        padded = np.pad(current, ((0, 0), (1, 1)))
        columns = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1)[:, ::stride]
        current = gelu(np.einsum("dik,itk->dt", convolution.weight, columns) + convolution.bias[:, None])
    current = current.T + weights.positions[: current.shape[1]]
    outputs = []
    for block in weights.blocks:
        normed = norm(current, block.attention_norm)
        query, key, value = (
            (normed @ each.weight.T + each.bias).reshape(len(current), -1, 64).transpose(1, 0, 2)
            for each in (block.query, block.key, block.value)
        )
        scores = query @ key.transpose(0, 2, 1) / 8
        attention = np.exp(scores - scores.max(axis=-1, keepdims=True))
        attention /= attention.sum(axis=-1, keepdims=True)
        mixed = (attention @ value).transpose(1, 0, 2).reshape(len(current), -1)
        current = current + mixed @ block.out.weight.T + block.out.bias
        hidden = gelu(norm(current, block.ffn_norm) @ block.first.weight.T + block.first.bias)
        current = current + hidden @ block.second.weight.T + block.second.bias
        outputs.append(current)
    return outputs


def opened(weights: WhisperWeights, folder: Path, *, int8: bool) -> Encoder:
    path = folder / "encoder.onnx"
    path.write_bytes(whisper_onnx(weights, {"encoder": "tiny", "licence": "none"}, int8=int8))
    return Encoder(path)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 3.3])
def test_the_graph_gives_every_block_of_a_plain_implementation(tmp_path: Path, seconds: float) -> None:
    speech = spoken(seconds)
    found = opened(WEIGHTS, tmp_path, int8=False)._run(speech)
    for layer, expected in zip(found, plain(WEIGHTS, log_mel(speech)), strict=True):
        assert np.allclose(layer, expected, atol=1e-4)


def test_integers_give_nearly_the_same_in_a_third_of_the_bytes(tmp_path: Path) -> None:
    whole, small = opened(WEIGHTS, tmp_path, int8=False), None
    own, size = whole.embed(spoken(2.0), 16000), whole.size
    small = opened(WEIGHTS, tmp_path, int8=True)
    found = small.embed(spoken(2.0), 16000)
    assert np.corrcoef(own.vector, found.vector)[0, 1] > 0.999
    assert small.size < size


def test_the_same_weights_give_the_same_bytes() -> None:
    assert whisper_onnx(WEIGHTS, {"b": "1", "a": "2"}, int8=True) == whisper_onnx(
        WEIGHTS, {"a": "2", "b": "1"}, int8=True
    )


@pytest.mark.parametrize(
    ("write", "name"), [(write_ctranslate2, "model.bin"), (write_safetensors, "model.safetensors")]
)
def test_weights_are_read_from_the_folder_of_a_model(tmp_path: Path, write, name: str) -> None:
    write(WEIGHTS, tmp_path / name)
    found = read_whisper(tmp_path)
    assert whisper_onnx(found, {}, int8=False) == whisper_onnx(WEIGHTS, {}, int8=False)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[:-3000], "cut short"),
        (lambda content: b"\x09" + content[1:], "version 9 of CTranslate2's format"),
        (lambda content: content[:2], "unpack"),
    ],
)
def test_a_damaged_model_is_refused_by_name(tmp_path: Path, spoil, reason: str) -> None:
    path = write_ctranslate2(WEIGHTS, tmp_path / "model.bin")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(EncoderError, match=f"model.bin holds no Whisper encoder that can be read .*{reason}"):
        read_whisper(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"neither model.bin .* nor model.safetensors"):
        read_whisper(tmp_path)
