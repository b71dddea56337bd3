"""An encoder file: what it makes of a clip, and which files are refused."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from ser_assets.corpus.demo.espeak import SAMPLING_RATE, speak
from ser_assets.encoders.choice import EMBEDDED_FILE, EncoderChoice, open_encoder
from ser_assets.encoders.encoder import Encoder, embedding_names
from ser_assets.encoders.names import EMBEDDED, EncoderError
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets_tests.factories.signals import spoken
from ser_assets_tests.factories.whisper import DIMENSIONS, tiny_whisper


@pytest.fixture(scope="module")
def embedded() -> Encoder:
    return open_encoder(EMBEDDED_FILE, EMBEDDED.sha256)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    path = tmp_path_factory.mktemp("encoder") / "tiny.onnx"
    path.write_bytes(whisper_onnx(tiny_whisper(), {"encoder": "tiny"}, int8=False))
    return Encoder(path)


def test_the_embedded_file_is_the_one_that_the_code_names(embedded: Encoder) -> None:
    assert hashlib.sha256(EMBEDDED_FILE.read_bytes()).hexdigest() == EMBEDDED.sha256
    assert embedded.identity == EMBEDDED
    assert embedded.layers == (1, 2, 3, 4)
    assert embedded.dimensions == 384
    assert "MIT" in embedded.metadata["licence"]


def test_the_embedded_encoder_gives_the_outputs_of_the_published_weights(embedded: Encoder) -> None:
    """Of a spoken sentence: computed once with 32-bit weights, which 8-bit weights follow to 5 % of a deviation."""
    found = embedded.embed(speak("Kids are talking by the door", pitch=50), SAMPLING_RATE)
    assert found.mean.shape == found.deviation.shape == (4, 384)
    reference = np.load(Path(__file__).parent / "whisper_tiny_en_of_a_sentence.npz")
    assert np.abs(found.mean - reference["mean"]).mean() < 0.05 * reference["deviation"].mean()
    for layer, expected in zip(found.mean, reference["mean"], strict=True):
        assert np.corrcoef(layer, expected)[0, 1] > 0.99


def test_the_same_sentence_is_nearer_at_another_level_than_another_sentence(embedded: Encoder) -> None:
    sentence, other = speak("Dogs are sitting by the door"), speak("It is eleven o'clock")
    own, quieter, another = (embedded.embed(each, SAMPLING_RATE).mean[2] for each in (sentence, 0.3 * sentence, other))
    assert np.linalg.norm(own - quieter) < 0.5 * np.linalg.norm(own - another)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_a_clip_at_any_rate_is_read_at_16_khz(embedded: Encoder, rate: int) -> None:
    import soxr

    speech = spoken(2.0, rate=16000)
    narrow = soxr.resample(soxr.resample(speech, 16000, 8000), 8000, 16000)
    own = embedded.embed(narrow, 16000).mean[1]
    found = embedded.embed(soxr.resample(narrow, 16000, rate), rate).mean[1]
    assert np.corrcoef(own, found)[0, 1] > 0.98


def test_a_vector_has_a_name_for_each_value(tiny: Encoder) -> None:
    found = tiny.embed(spoken(1.0), 16000)
    names = embedding_names(tiny.layers, tiny.dimensions)
    assert found.vector.shape == (len(names),) == (2 * 2 * DIMENSIONS,)
    assert found.vector[names.index("layer_02_deviation_7")] == found.deviation[1, 7]


def test_mean_and_deviation_are_over_all_frames_of_a_clip(tiny: Encoder) -> None:
    speech = spoken(1.0)
    layers = np.stack(tiny._run(speech))
    found = tiny.embed(speech, 16000)
    assert np.allclose(found.mean, layers.mean(axis=1), rtol=1e-3, atol=1e-4)
    assert np.allclose(found.deviation, layers.std(axis=1), rtol=1e-3, atol=1e-4)


def test_a_long_clip_is_cut_into_windows_and_pooled_over_all_of_them(tiny: Encoder) -> None:
    half = spoken(20.0)
    alone, twice = tiny.embed(half, 16000), tiny.embed(np.concatenate([half, half]), 16000)
    assert np.allclose(alone.mean, twice.mean, rtol=2e-3, atol=1e-3)
    assert np.allclose(alone.deviation, twice.deviation, rtol=2e-3, atol=1e-3)


def test_a_clip_of_a_tenth_of_a_second_has_an_embedding(tiny: Encoder) -> None:
    found = tiny.embed(spoken(1.0)[:800], 16000)
    assert np.isfinite(found.vector).all()


def test_a_clip_gives_the_same_whatever_was_embedded_before(embedded: Encoder) -> None:
    speech = spoken(1.0)
    first = embedded.embed(speech, 16000).vector
    embedded.embed(30 * spoken(3.0, seed=1), 16000)
    assert np.array_equal(embedded.embed(speech, 16000).vector, first)


def test_a_file_changed_by_one_byte_is_refused_by_name(tmp_path: Path) -> None:
    content = bytearray(EMBEDDED_FILE.read_bytes())
    content[len(content) // 2] ^= 1
    changed = tmp_path / "whisper_tiny_en.onnx"
    changed.write_bytes(content)
    with pytest.raises(EncoderError, match=r"whisper_tiny_en.onnx has changed"):
        Encoder(changed, EMBEDDED.sha256)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"no graph", "is no ONNX file")],
)
def test_a_file_that_is_no_encoder_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "other.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EncoderError, match=f"other.onnx.*{reason}"):
        Encoder(path)


def test_a_graph_of_something_else_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", info[:1], info[1:])
    path = tmp_path / "other.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    with pytest.raises(EncoderError, match=r"other.onnx is no encoder: it needs an input `log_mel` or `samples`"):
        Encoder(path)


def test_no_encoder_can_be_opened_where_it_is_turned_off(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="SER_ENCODER=none"):
        EncoderChoice("none", tmp_path).open()


def test_the_version_of_a_choice_follows_the_bytes_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    choice = EncoderChoice(str(path), tmp_path)
    assert choice.version == "absent"
    path.write_bytes(b"one")
    first = choice.version
    path.write_bytes(b"another")
    assert first == hashlib.sha256(b"one").hexdigest() != choice.version
