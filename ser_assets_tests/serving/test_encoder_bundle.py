"""A bundle whose model reads the embeddings of a pretrained encoder: it carries the encoder, or names it by hash."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ser_assets.encoders.choice import EMBEDDED_FILE, EncoderFile, open_encoder
from ser_assets.encoders.encoder import Encoder
from ser_assets.encoders.names import EMBEDDED
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets.learning.data import audio_sets
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.models.pretrained_encoder import PretrainedEncoder
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.learning.speakers.profile import SpeakerProfile, normalise_speakers
from ser_assets.serving import write_bundle
from ser_assets.serving.bundle import Bundle, BundleError, Measurement, open_bundle
from ser_assets.serving.predictor import MeasuredRecording, Predictor, features_of, measure_recording, speaker_profile
from ser_assets_tests.factories.bundles import (
    MEASUREMENT,
    PREPROCESSING,
    contents,
    make_bundle,
    measured_examples,
    probabilities_of,
    spoken_takes,
    write_take,
)
from ser_assets_tests.factories.whisper import tiny_whisper

EMBEDDED_ONLY = Measurement(PREPROCESSING, ("embeddings",), EncoderFile(EMBEDDED_FILE, EMBEDDED))


@cache
def embedded_examples(folder: Path) -> Examples:
    """The examples of the other bundle with embeddings alone."""
    embedded = features_of([measured(write_take(folder, take)) for take in spoken_takes()])
    return replace(measured_examples(), sets=embedded.sets)


def measured(path: Path, measurement: Measurement = EMBEDDED_ONLY) -> MeasuredRecording:
    found = measure_recording(path, measurement)
    assert isinstance(found, MeasuredRecording), found
    return found


def fitted(examples: Examples) -> PretrainedEncoder:
    return PretrainedEncoder.brief(1).fit(examples)


def bundle_of(folder: Path, examples: Examples, encoder: Encoder) -> Path:
    for kind, clips in (("raw", examples), ("speaker_normalised", normalise_speakers(examples))):
        (folder / "models" / kind / "pretrained_encoder").mkdir(parents=True)
        fitted(clips).save(folder / "models" / kind / "pretrained_encoder")
    (folder / "bundle").mkdir()
    prior = SpeakerPrior.learn(examples)
    made_of = contents(folder / "models", model="pretrained_encoder", encoder=encoder, prior=prior)
    write_bundle.write_bundle(folder / "bundle", made_of)
    return folder / "bundle"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    encoder = open_encoder(EMBEDDED_FILE, EMBEDDED.sha256)
    return bundle_of(tmp_path_factory.mktemp("encoder bundle"), embedded_examples(clips), encoder)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The bundle in a folder of the test's own."""
    return Path(shutil.copytree(made, tmp_path / "bundle"))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Another encoder."""
    path = tmp_path / "tiny.onnx"
    path.write_bytes(whisper_onnx(tiny_whisper(), {"encoder": "tiny"}, int8=False))
    return path


def test_it_carries_the_encoder_and_predicts_as_the_model_that_was_trained(folder: Path, clips: Path) -> None:
    bundle = open_bundle(folder)
    assert (folder / "encoder.onnx").read_bytes() == EMBEDDED_FILE.read_bytes()
    assert set(bundle.facts["feature_sets"]) == {"embeddings"}
    assert bundle.measurement == EMBEDDED_ONLY._replace(encoder=EncoderFile(folder / "encoder.onnx", EMBEDDED))
    recordings = [measured(write_take(clips, take), bundle.measurement) for take in spoken_takes()]
    predicted = probabilities_of(Predictor(bundle).predict(recordings))
    examples = embedded_examples(clips)
    np.testing.assert_allclose(predicted, fitted(examples).predict_proba(examples), atol=1e-6)


def test_no_functionals_are_measured_for_models_that_read_embeddings_alone(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("extract_features", "extract_sequence"):
        monkeypatch.setattr(audio_sets, name, lambda *_: pytest.fail("nothing reads them"))
    found = measured(write_take(clips, spoken_takes()[0]))
    assert set(features_of([found]).sets) == {"embeddings"}


def test_the_card_names_the_encoder_its_licence_and_its_training_data(folder: Path) -> None:
    card = (folder / "model_card.md").read_text()
    assert "whisper-tiny.en" in card
    assert "MIT, copyright (c) 2022 OpenAI" in card
    assert "680,000 hours" in card


def test_a_profile_holds_what_is_usual_for_the_speakers_embeddings(folder: Path, clips: Path, tmp_path: Path) -> None:
    bundle = open_bundle(folder)
    own = [measured(write_take(clips, take)) for take in spoken_takes() if take.actor == "01"]
    profile = speaker_profile(own, bundle)
    profile.save(tmp_path / "me.json")
    again = SpeakerProfile.load(tmp_path / "me.json")
    assert again.usual["embeddings"]["clips"].mean.shape == (2 * 4 * 384,)
    [first, *_] = Predictor(bundle, again).predict(own)
    assert sum(first.probabilities.values()) == pytest.approx(1)


def test_an_encoder_changed_by_one_byte_is_refused_by_name(folder: Path) -> None:
    content = bytearray((folder / "encoder.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "encoder.onnx").write_bytes(content)
    with pytest.raises(BundleError, match=r"encoder\.onnx has changed since the bundle was made"):
        open_bundle(folder)


def test_a_missing_encoder_is_named(folder: Path) -> None:
    (folder / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"encoder\.onnx is missing"):
        open_bundle(folder)


def test_facts_without_the_encoder_are_damaged(folder: Path) -> None:
    facts = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**facts, "encoder": None}))
    with pytest.raises(BundleError, match="its encoder or a feature set is wrong"):
        open_bundle(folder)


@pytest.fixture
def light(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The bundle without its encoder, which it names by hash, where no setting names it either."""
    facts = json.loads((folder / "bundle.json").read_text())
    (folder / "encoder.onnx").unlink()
    del facts["files"]["encoder.onnx"]
    facts["encoder"]["carried"] = False
    (folder / "bundle.json").write_text(json.dumps(facts))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SER_DATA_DIR", raising=False)
    monkeypatch.setenv("SER_ENCODER", "none")
    return open_bundle(folder)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The encoder as a file of the user."""
    return Path(shutil.copyfile(EMBEDDED_FILE, tmp_path / "own.onnx"))


def test_a_large_encoder_is_named_by_hash(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_bundle, "LARGEST_ENCODER", 1000)
    bundle = open_bundle(bundle_of(tmp_path, embedded_examples(clips), open_encoder(EMBEDDED_FILE, EMBEDDED.sha256)))
    assert not (bundle.folder / "encoder.onnx").exists()
    assert bundle.facts["encoder"]["sha256"] == EMBEDDED.sha256


def test_it_is_taken_from_the_environment(light: Bundle, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_ENCODER", str(own))
    assert Predictor(light).emotions
    assert light.encoder == EncoderFile(own, EMBEDDED)


def test_it_is_taken_from_the_file_of_settings(light: Bundle, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SER_ENCODER")
    Path(".env").write_text("SER_ENCODER=own.onnx\n")
    assert light.encoder == EncoderFile(own, EMBEDDED)


@pytest.mark.parametrize("setting", ["none", "whisper-gone", "other.onnx"])
def test_it_is_taken_from_the_folder_of_prepared_encoders(
    light: Bundle, own: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    Path("voices/encoders").mkdir(parents=True)
    own.rename("voices/encoders/whisper-of-before.onnx")
    Path("voices/encoders/another.onnx").write_bytes(b"another")
    monkeypatch.setenv("SER_DATA_DIR", "voices")
    monkeypatch.setenv("SER_ENCODER", setting)
    assert light.encoder == EncoderFile(Path("voices/encoders/whisper-of-before.onnx"), EMBEDDED)


def test_the_one_in_the_package_is_taken_by_default(light: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SER_ENCODER")
    assert light.encoder == EncoderFile(EMBEDDED_FILE, EMBEDDED)


@pytest.mark.parametrize("setting", ["none", "other.onnx"])
def test_one_that_is_nowhere_is_named_with_the_places(
    light: Bundle, tiny: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    tiny.rename("other.onnx")
    monkeypatch.setenv("SER_ENCODER", setting)
    message = (
        rf"the encoder whisper-tiny.en \(4aca238d777f\) is needed, and it is neither what SER_ENCODER names "
        rf"\(.*{setting}\) nor in data/encoders: set SER_ENCODER to its ONNX file, or copy"
    )
    with pytest.raises(BundleError, match=message):
        Predictor(light)


def test_a_fault_in_the_settings_is_named(light: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_SAMPLING_RATE", "quick")
    with pytest.raises(
        BundleError, match=r"4aca238d777f\) is needed, and the settings have a fault: SER_SAMPLING_RATE"
    ):
        Predictor(light)


def test_clips_of_another_encoder_are_refused_by_name(folder: Path, clips: Path, tiny: Path) -> None:
    strange = measured(
        write_take(clips, spoken_takes()[0]), EMBEDDED_ONLY._replace(encoder=EncoderFile(tiny, Encoder(tiny).identity))
    )
    with pytest.raises(ValueError, match=r"trained on embeddings of whisper-tiny.en .*, and these are of tiny"):
        Predictor(open_bundle(folder)).predict([strange])


def test_clips_without_embeddings_are_refused(folder: Path, clips: Path) -> None:
    plain = measured(write_take(clips, spoken_takes()[0]), MEASUREMENT)
    with pytest.raises(ValueError, match="was trained on embeddings, and these clips have functionals, mel_sequences"):
        Predictor(open_bundle(folder)).predict([plain])


def test_a_profile_for_a_bundle_without_an_encoder_does_not_fit(made: Path, tmp_path: Path) -> None:
    plain = open_bundle(make_bundle(tmp_path))
    assert plain.encoder is None
    assert plain.measured_as != open_bundle(made).measured_as


@pytest.mark.parametrize("carried", [True, False])
def test_a_bundle_predicts_without_torch_transformers_and_training_code(
    request: pytest.FixtureRequest, folder: Path, clips: Path, carried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not carried:
        request.getfixturevalue("light")
        monkeypatch.delenv("SER_ENCODER")
    path = write_take(clips, spoken_takes()[0])
    script = (
        "import sys, json; from pathlib import Path\n"
        "from ser_assets.serving.bundle import open_bundle\n"
        "from ser_assets.serving.predictor import Predictor, measure_recording\n"
        "bundle = open_bundle(Path(sys.argv[1]))\n"
        "clip = measure_recording(Path(sys.argv[2]), bundle.measurement)\n"
        "[found] = Predictor(bundle).predict([clip])\n"
        "print(json.dumps([sorted(sys.modules), found.probabilities]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), str(path)], capture_output=True, text=True, check=True
    )
    modules, probabilities = json.loads(done.stdout)
    bundle = open_bundle(folder)
    [here] = Predictor(bundle).predict([measured(path, bundle.measurement)])
    assert probabilities == pytest.approx(here.probabilities, abs=1e-6)
    assert not {"torch", "transformers", "sklearn", "tensorflow", "onnx", "pandas", "duckdb", "dagster"} & set(modules)
