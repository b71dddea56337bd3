"""Models of Hugging Face as encoder files: tiny ones with random weights, against transformers and torch.

`make test-encoders` runs them.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from ser_assets.encoders import torch_export  # noqa: E402 - where torch is missing, nothing here is needed.
from ser_assets.encoders.choice import EncoderChoice  # noqa: E402
from ser_assets.encoders.encoder import Encoder, EncoderError  # noqa: E402
from ser_assets.encoders.hub import hub_onnx  # noqa: E402
from ser_assets.encoders.log_mel import log_mel  # noqa: E402
from ser_assets.encoders.preparation import prepare  # noqa: E402
from ser_assets.encoders.torch_export import difference  # noqa: E402
from ser_assets.encoders.whisper_onnx import whisper_onnx  # noqa: E402
from ser_assets.encoders.whisper_weights import read_whisper  # noqa: E402
from ser_assets_tests.factories.signals import spoken  # noqa: E402

pytestmark = pytest.mark.encoders

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
"""As the large models and XLS-R have it; without it, the first convolution has a group norm over the whole clip."""
FAMILIES: dict[str, tuple[Callable[[], Any], bool]] = {
    "wavlm": (lambda: transformers.WavLMModel(transformers.WavLMConfig(**SIZES)), False),
    "wavlm_large": (lambda: transformers.WavLMModel(transformers.WavLMConfig(**SIZES, **LARGE)), True),
    "hubert_group_norm": (lambda: transformers.HubertModel(transformers.HubertConfig(**SIZES)), True),
    "hubert_layer_norm": (lambda: transformers.HubertModel(transformers.HubertConfig(**SIZES, **LARGE)), True),
    "wav2vec2": (lambda: transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SIZES)), False),
    "xls_r": (lambda: transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**SIZES, **LARGE)), True),
}
"""How each model is made, and whether its preprocessor normalises clips."""
WHISPER_SIZES = {"layers": 3, "attention_heads": 2, "ffn_dim": 256}
CARD = "---\nlicense: mit\ndatasets: [librispeech_asr, common_voice]\n---\nA model.\n"


def larger(model: Any) -> Any:
    """Give a model larger weights than new ones have: attention and positions must matter."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def saved(folder: Path, model: Any, *, normalised: bool = False) -> Path:
    larger(model).eval().save_pretrained(folder)
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=16000, do_normalize=normalised)
    extractor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=FAMILIES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Encoder]:
    """A saved model and what is made of it."""
    folder = tmp_path_factory.mktemp("models") / request.param
    make, normalised = FAMILIES[request.param]
    saved(folder, make(), normalised=normalised)
    (folder / "README.md").write_text(CARD)
    choice = EncoderChoice(str(folder), folder.parent / "made")
    assert prepare(choice) == choice.file
    return folder, choice.open()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A saved model that is not exported."""
    return saved(tmp_path / "model", FAMILIES["hubert_group_norm"][0]())


def of_transformers(folder: Path, clip: np.ndarray) -> list[np.ndarray]:
    """Hidden states as transformers has them, with its own preprocessor."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    read = extractor(clip, sampling_rate=16000, return_tensors="pt").input_values
    own = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return [state.numpy()[0] for state in own(read, output_hidden_states=True).hidden_states[1:]]


@pytest.mark.parametrize("seconds", [0.1, 0.73, 2.31, 5.0])
def test_the_file_gives_the_hidden_states_of_transformers(exported: tuple[Path, Encoder], seconds: float) -> None:
    folder, encoder = exported
    clip = spoken(seconds, seed=round(10 * seconds))
    found = difference(encoder._run(clip), of_transformers(folder, clip))
    print(f"{folder.name}: {found:.1e} at {seconds} s")
    assert found < 1e-4


def test_a_clip_has_an_embedding_whatever_its_level_and_length(exported: tuple[Path, Encoder]) -> None:
    _, encoder = exported
    for clip in (spoken(2.0), 0.01 * spoken(0.05), np.zeros(16000, np.float32), np.tile(spoken(10.0), 4)):
        found = encoder.embed(clip.astype(np.float32), 16000)
        assert found.vector.shape == (2 * 3 * 32,)
        assert np.isfinite(found.vector).all()


def test_only_a_normalising_preprocessor_makes_the_level_disappear(exported: tuple[Path, Encoder]) -> None:
    folder, encoder = exported
    normalised = json.loads((folder / "preprocessor_config.json").read_text())["do_normalize"]
    clip = spoken(1.0)
    own, quieter = encoder._run(clip), encoder._run(0.1 * clip)
    assert (difference(quieter, own) < 1e-2) == normalised


def test_the_file_keeps_what_is_known_of_the_model(exported: tuple[Path, Encoder]) -> None:
    folder, encoder = exported
    assert encoder.identity.name == folder.name
    assert encoder.layers == (1, 2, 3)
    assert encoder.dimensions == 32
    assert encoder.metadata["source"] == str(folder)
    assert encoder.metadata["licence"] == "mit"
    assert encoder.metadata["training_data"] == "librispeech_asr, common_voice (model card)"


def test_a_model_with_a_head_and_without_a_card_gives_its_encoder(tmp_path: Path) -> None:
    classifier = transformers.HubertForSequenceClassification(transformers.HubertConfig(**SIZES))
    folder = saved(tmp_path / "classifier", classifier)
    path = tmp_path / "encoder.onnx"
    path.write_bytes(hub_onnx(str(folder), "classifier"))
    clip = spoken(1.0)
    assert difference(Encoder(path)._run(clip), of_transformers(folder, clip)) < 1e-4
    assert Encoder(path).metadata["licence"] == f"see {folder}"


def test_half_precision_is_read_as_single(model: Path, tmp_path: Path) -> None:
    transformers.AutoModel.from_pretrained(model).half().save_pretrained(model)
    path = tmp_path / "encoder.onnx"
    path.write_bytes(hub_onnx(str(model), "half"))
    assert Encoder(path)._run(spoken(1.0))[0].dtype == np.float32


def test_weights_under_the_names_of_older_files_are_all_read(model: Path) -> None:
    """The weights of the positional convolution had other names; without them, an encoder would be random in part."""
    from safetensors.torch import load_file, save_file

    path = model / "model.safetensors"
    new = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    weights = load_file(path)
    for name in list(weights):
        for ours, older in new.items():
            if name.endswith(ours):
                weights[name.replace(ours, older)] = weights.pop(name)
    first = hub_onnx(str(model), "model")
    save_file(weights, path, metadata={"format": "pt"})
    assert any(name.endswith("weight_g") for name in weights)
    assert hub_onnx(str(model), "model") == first


def test_a_model_that_lacks_weights_is_refused(model: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    del weights["encoder.layers.1.attention.k_proj.weight"]
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lacks weights of its encoder \(1, such as encoder.layers.1.attention"):
        hub_onnx(str(model), "model")


def test_damaged_or_missing_weights_are_refused(model: Path) -> None:
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(EncoderError, match=r"has weights that cannot be read .*: download it again"):
        hub_onnx(str(model), "model")
    path.unlink()
    with pytest.raises(EncoderError, match=r"holds no model that transformers can load .*: download it again"):
        hub_onnx(str(model), "model")


def test_a_model_without_its_preprocessor_is_refused(model: Path) -> None:
    (model / "preprocessor_config.json").unlink()
    with pytest.raises(EncoderError, match=r"has no preprocessor_config.json .* copy it from the model"):
        hub_onnx(str(model), "model")


def test_a_model_for_another_sampling_rate_is_refused(model: Path) -> None:
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(model)
    with pytest.raises(EncoderError, match="reads speech at 8000 Hz: take a model for 16000 Hz"):
        hub_onnx(str(model), "model")


@pytest.mark.parametrize("family", ["bert", "a_family_of_the_future"])
def test_another_family_is_refused_and_the_known_ones_are_named(tmp_path: Path, family: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    with pytest.raises(EncoderError, match=f"is a {family}; WavLM, HuBERT, wav2vec2 and XLS-R can be exported"):
        prepare(EncoderChoice(str(tmp_path), tmp_path / "made"))


def test_a_model_too_large_for_onnx_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_assets.encoders.hub.LARGEST_BYTES", 1000)
    with pytest.raises(EncoderError, match="an ONNX file ends at 2 GB: take a smaller model"):
        hub_onnx(str(model), "model")


def test_an_export_that_differs_from_torch_is_never_used(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidy = torch_export._tidy

    def spoilt(graph: Any, metadata: dict[str, str]) -> None:
        tidy(graph, metadata)
        first, second = graph.graph.output[0], graph.graph.output[1]
        first.name, second.name = second.name, first.name

    monkeypatch.setattr(torch_export, "_tidy", spoilt)
    choice = EncoderChoice(str(model), tmp_path / "made")
    with pytest.raises(EncoderError, match=r"differs from torch by .* of its hidden states, and 1e-04 is allowed"):
        prepare(choice)
    assert not choice.file.exists()


def test_without_a_network_a_model_of_the_hub_is_asked_for_as_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    message = (
        r"microsoft/wavlm-base-plus cannot be downloaded \(.+\): download it on another machine with "
        r"`hf download microsoft/wavlm-base-plus --local-dir FOLDER`, and set SER_ENCODER to that folder"
    )
    with pytest.raises(EncoderError, match=message):
        prepare(EncoderChoice("microsoft/wavlm-base-plus", tmp_path))


def test_a_whisper_that_transformers_saved_gives_its_hidden_states(tmp_path: Path) -> None:
    """Over a whole window, where all positions are used; ours leaves out the norm after the last block."""
    sides = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in WHISPER_SIZES.items()}
    config = transformers.WhisperConfig(d_model=128, vocab_size=51865, **sides)
    own = larger(transformers.WhisperModel(config)).eval()
    own.save_pretrained(tmp_path)
    path = tmp_path / "whisper.onnx"
    path.write_bytes(whisper_onnx(read_whisper(tmp_path), {}, int8=False))
    clip = spoken(30.0)
    found = Encoder(path)._run(clip)
    assert found[0].shape == (1500, 128)
    with torch.no_grad():
        read = torch.from_numpy(log_mel(clip)[np.newaxis])
        expected = own.encoder(read, output_hidden_states=True).hidden_states[1:]
        last = own.encoder.layer_norm(torch.from_numpy(found[-1]))
    result = difference([*found[:-1], last.numpy()], [state.numpy()[0] for state in expected])
    print(f"whisper: {result:.1e} at 30 s")
    assert result < 1e-4


def test_a_snapshot_of_the_cache_is_named_by_its_model(model: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--someone--hubert-of-a-test" / "snapshots" / "0123"
    shutil.copytree(model, snapshot)
    choice = EncoderChoice(os.fspath(snapshot), tmp_path / "made")
    prepare(choice)
    assert choice.open().identity.name == "someone/hubert-of-a-test"
