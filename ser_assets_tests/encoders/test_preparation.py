"""Which encoder file a choice gives, what is made of a Whisper folder, and what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ser_assets.encoders import choice as choices
from ser_assets.encoders import preparation
from ser_assets.encoders.choice import EMBEDDED, EMBEDDED_FILE, EncoderChoice
from ser_assets.encoders.names import EncoderError
from ser_assets.encoders.preparation import prepare
from ser_assets_tests.factories.signals import spoken
from ser_assets_tests.factories.whisper import DIMENSIONS, tiny_whisper, write_ctranslate2, write_safetensors

WEIGHTS = tiny_whisper()
HUB_ID = "microsoft/wavlm-base-plus"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "whisper-tiny-of-a-test"
    folder.mkdir()
    return folder


def config(folder: Path, **content: str) -> Path:
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def test_a_file_that_exists_is_used_as_it_is(tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(b"anything")
    assert prepare(EncoderChoice(str(own), tmp_path / "made")) == own
    assert prepare(EncoderChoice(EMBEDDED.name, tmp_path / "made")) == EMBEDDED_FILE
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("write", [write_ctranslate2, write_safetensors])
@pytest.mark.parametrize("as_file", [False, True])
def test_a_whisper_becomes_an_encoder_file(models: Path, tmp_path: Path, write, as_file: bool) -> None:
    name = "model.bin" if write is write_ctranslate2 else "model.safetensors"
    written = write(WEIGHTS, models / name)
    choice = EncoderChoice(str(written if as_file else models), tmp_path / "made")
    assert choice.version == "absent"
    path = prepare(choice)
    assert path == choice.file
    encoder = choice.open()
    assert encoder.identity.name == "whisper-tiny-of-a-test"
    assert str(models) in encoder.metadata["licence"]
    assert encoder.embed(spoken(1.0), 16000).mean.shape == (2, DIMENSIONS)


def test_it_is_made_once(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ctranslate2(WEIGHTS, models / "model.bin")
    choice = EncoderChoice(str(models), tmp_path / "made")
    first = prepare(choice)
    monkeypatch.setattr(preparation, "_of_whisper", lambda *_: pytest.fail("made again"))
    assert prepare(choice) == first


@pytest.mark.parametrize("as_file", [False, True])
def test_it_is_made_again_of_other_weights_and_the_file_of_the_former_ones_is_kept(
    models: Path, tmp_path: Path, as_file: bool
) -> None:
    weights = write_safetensors(WEIGHTS, models / "model.safetensors")
    choice = EncoderChoice(str(weights if as_file else models), tmp_path / "made")
    first, before = prepare(choice), choice.version
    write_safetensors(tiny_whisper(seed=2), weights)
    assert choice.version == "absent"
    second = prepare(choice)
    assert second != first
    assert choice.open().identity.sha256 == choice.version != before
    write_safetensors(WEIGHTS, weights)
    assert prepare(choice) == first
    assert choice.version == before


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("config.json", True),
        ("preprocessor_config.json", True),
        ("model-00002-of-00002.safetensors", True),
        ("pytorch_model.bin", False),
        ("README.md", False),
        (".cache/part", False),
    ],
)
def test_the_file_of_a_folder_of_hugging_face_follows_what_is_read_of_it(
    models: Path, tmp_path: Path, name: str, read: bool
) -> None:
    (models / "model-00001-of-00002.safetensors").write_bytes(b"first")
    choice = EncoderChoice(str(models), tmp_path)
    before = choice.file
    (models / name).parent.mkdir(exist_ok=True)
    (models / name).write_bytes(b"{}")
    assert (choice.file != before) == read


def test_weights_of_torch_count_where_there_are_no_others(models: Path, tmp_path: Path) -> None:
    choice = EncoderChoice(str(models), tmp_path)
    before = choice.file
    (models / "pytorch_model.bin").write_bytes(b"weights")
    assert choice.file != before


def test_weights_that_cannot_be_read_are_named(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = write_ctranslate2(WEIGHTS, models / "model.bin")
    monkeypatch.setattr(Path, "open", _refuse)
    choice = EncoderChoice(str(models), tmp_path / "made")
    assert choice.version == "absent"
    with pytest.raises(EncoderError, match=rf"{weights} cannot be read \(Permission denied\): make it readable"):
        prepare(choice)


def _refuse(path: Path, *_: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_process_that_waited_for_another_one_uses_its_file(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ctranslate2(WEIGHTS, models / "model.bin")
    choice = EncoderChoice(str(models), tmp_path / "made")

    class Lock:
        """The other process ends while this one waits."""

        def __init__(self, path: Path) -> None:
            assert path.parent == choice.folder

        def __enter__(self) -> None:
            choice.file.write_bytes(b"of the other process")

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("filelock.FileLock", Lock)
    assert prepare(choice).read_bytes() == b"of the other process"


def test_the_whisper_of_a_hub_is_known_by_its_config(models: Path, tmp_path: Path) -> None:
    write_safetensors(WEIGHTS, config(models, model_type="whisper") / "model.safetensors")
    assert prepare(EncoderChoice(str(models), tmp_path / "made")).is_file()


def test_a_damaged_whisper_leaves_no_file(models: Path, tmp_path: Path) -> None:
    path = write_ctranslate2(WEIGHTS, models / "model.bin")
    path.write_bytes(path.read_bytes()[:-3000])
    choice = EncoderChoice(str(models), tmp_path / "made")
    with pytest.raises(EncoderError, match="cut short"):
        prepare(choice)
    assert not list(choice.folder.glob("*.onnx"))


def test_a_full_disk_leaves_no_file(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_ctranslate2(WEIGHTS, models / "model.bin")
    choice = EncoderChoice(str(models), tmp_path / "made")

    def full(path: Path, _: bytes) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preparation, "_of_whisper", lambda *_: b"content")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EncoderError, match=r"cannot be written \(No space left on device\): make room"):
        prepare(choice)
    assert not choice.file.exists()
    assert not list(choice.folder.glob(".*.part"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none", "SER_ENCODER=none turns the encoder off"),
        ("absent.onnx", r"absent.onnx does not exist: set SER_ENCODER to"),
        ("a folder/that is not there/model.bin", "there is no encoder .*model.bin: set SER_ENCODER to an ONNX file"),
    ],
)
def test_a_source_that_does_not_exist_is_refused(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        prepare(EncoderChoice(source, tmp_path))


def test_a_missing_embedded_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choices, "EMBEDDED_FILE", tmp_path / "whisper_tiny_en.onnx")
    with pytest.raises(EncoderError, match=r"whisper_tiny_en.onnx is missing: install ser-assets again"):
        prepare(EncoderChoice(EMBEDDED.name, tmp_path))


def test_a_folder_without_a_model_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"holds no encoder: it needs model.bin or model.safetensors"):
        prepare(EncoderChoice(str(models), tmp_path))


@pytest.mark.parametrize("content", ["no JSON", "[]"])
def test_a_config_that_cannot_be_read_is_named(models: Path, tmp_path: Path, content: str) -> None:
    (models / "config.json").write_text(content)
    with pytest.raises(EncoderError, match=r"config.json cannot be read .*: download the model again"):
        prepare(EncoderChoice(str(models), tmp_path))


@pytest.mark.parametrize("missing", ["onnxscript", "torch", "transformers"])
@pytest.mark.parametrize("local", [False, True])
def test_without_the_extra_the_command_that_installs_it_is_named(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, local: bool
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    source = str(config(models, model_type="wavlm")) if local else HUB_ID
    with pytest.raises(EncoderError, match=rf"{source} needs .*pip install 'ser-assets\[encoders\]'"):
        prepare(EncoderChoice(source, tmp_path / "made"))


def test_a_difference_is_relative_to_a_layer_and_hides_in_no_huge_dimension() -> None:
    from ser_assets.encoders.torch_export import difference

    layer = np.ones((1, 50, 100), np.float32)
    layer[..., 0] = 1000
    other = layer.copy()
    other[..., 1:] += 0.01
    assert difference([layer, layer], [layer, layer]) == 0
    assert difference([layer, other], [layer, layer]) > 5e-4
    assert difference([layer], [layer[:, :-1]]) == float("inf")
    assert difference([layer], [layer, layer]) == float("inf")
    assert np.isnan(difference([np.ones(3), np.full(3, np.nan)], [np.ones(3), np.ones(3)]))
