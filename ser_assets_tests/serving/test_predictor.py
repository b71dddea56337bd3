"""A prediction goes the way of training: the same decoding, trimming and measuring, then the kept model."""

import ast
import dataclasses
import re
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ser_assets.assets.clip_steps import augment_batch, decode_batch, embed_batch, measure_batch, trim_batch
from ser_assets.audio.decoding.decode import decode
from ser_assets.audio.decoding.mono import to_mono
from ser_assets.audio.pipeline import Preprocessing
from ser_assets.corpus.demo.corpus import SAMPLING_RATE, perform
from ser_assets.corpus.inventory import audio_hash
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.encoders.choice import EMBEDDED_FILE, EncoderFile
from ser_assets.encoders.names import EMBEDDED
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.learning.speakers.profile import ProfileError, SpeakerProfile, normalise_speakers
from ser_assets.serving import predictor as serving
from ser_assets.serving.bundle import Bundle, Measurement, open_bundle
from ser_assets.serving.predictor import (
    MeasuredRecording,
    Predictor,
    RejectedRecording,
    features_of,
    measure_recording,
    measure_samples,
    speaker_profile,
)
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.batches import Batch
from ser_assets_tests.factories.bundles import (
    MEASUREMENT,
    PREPROCESSING,
    fitted,
    make_bundle,
    measured_examples,
    probabilities_of,
    spoken_takes,
    write_take,
)
from ser_assets_tests.factories.media import voice, write_mp4, write_wav


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return open_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))


def heard(path: Path, measurement: Measurement = MEASUREMENT) -> MeasuredRecording:
    result = measure_recording(path, measurement)
    assert isinstance(result, MeasuredRecording), result
    return result


def raw_video(path: Path) -> Mapping[str, Any]:
    """A row of table `raw_videos`, as far as decoding looks at it."""
    take = dataclasses.asdict(spoken_takes()[0])
    recording = decode(path)
    content = audio_hash(to_mono(recording.samples), recording.sampling_rate)
    return {**take, "gender": "male", "audio_hash": content, "path": path.name}


def as_asset_features_does(row: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Take one recording through all steps, and read what is at rest in the end."""
    files, actor, take_id = ActorFiles(settings.corpus_dir), row["actor"], row["take_id"]

    def through(work: Callable[[Batch, Settings], Any], about: object) -> Any:
        return work(Batch(actor, {take_id: "this"}, frozenset(), {take_id: about}), settings)

    steps = (
        ("mono_audio", partial(decode_batch, root=settings.raw_dir), row),
        ("trimmed_audio", trim_batch, None),
        ("augmented_set", augment_batch, ()),
    )
    for asset, work, about in steps:
        made = through(work, about)
        batch = Batch(actor, {take_id: "this"}, frozenset(), {})
        files.write(asset, actor, [(batch, made)], made.schema, "a recipe")
    return through(measure_batch, None).to_pylist()[0] | through(embed_batch, None).to_pylist()[0]


SETTINGS = (
    {},
    {"sampling_rate": 16000, "trim_mode": "everywhere", "trim_top_db": 25.0, "minimum_clip_seconds": 0.1},
)


@pytest.mark.parametrize("knobs", SETTINGS, ids=["usual settings", "other settings"])
@pytest.mark.parametrize("ending", ["wav", "flac", "mp4"])
def test_a_recording_is_measured_just_as_asset_features_does(tmp_path: Path, ending: str, knobs: dict) -> None:
    settings = Settings(data_dir=tmp_path, **knobs)
    path = settings.raw_dir / f"take.{ending}"
    sound = perform(spoken_takes()[3])
    if ending == "mp4":
        write_mp4(path, sound, SAMPLING_RATE)
    else:
        write_wav(path, np.stack([sound, 0.5 * sound]), SAMPLING_RATE)
    stored = as_asset_features_does(raw_video(path), settings)
    names = [field.name for field in dataclasses.fields(Preprocessing)]
    encoder = EncoderFile(EMBEDDED_FILE, EMBEDDED)
    preprocessing = Preprocessing(**settings.model_dump(include=set(names)))
    now = heard(path, Measurement(preprocessing, ("functionals", "mel_sequences", "embeddings"), encoder))
    np.testing.assert_allclose(now.audio["functionals"], stored["functionals"], rtol=1e-5, atol=1e-5)
    sequence = np.column_stack([np.reshape(stored["mel"], (-1, stored["bands"])), stored["f0"], stored["harmonicity"]])
    np.testing.assert_allclose(now.audio["mel_sequences"], sequence, rtol=1e-5, atol=1e-5)
    assert now.embedding is not None
    np.testing.assert_array_equal(now.embedding.mean, np.array(stored["mean"]))
    np.testing.assert_array_equal(now.embedding.deviation, np.array(stored["deviation"]))


def test_the_kept_model_is_asked(bundle: Bundle, tmp_path: Path) -> None:
    clips = [heard(write_take(tmp_path, take)) for take in spoken_takes()]
    predictions = Predictor(bundle).predict(clips)
    predicted = probabilities_of(predictions)
    np.testing.assert_allclose(predicted, fitted("raw").predict_proba(measured_examples()), atol=1e-6)
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert [each.path for each in predictions] == [each.path for each in clips]
    assert [EMOTIONS.index(each.emotion) for each in predictions] == predicted.argmax(axis=1).tolist()
    assert all(3 < each.seconds < 6 for each in predictions)


def test_a_recording_alone_gets_the_answer_that_it_gets_among_others(bundle: Bundle, tmp_path: Path) -> None:
    clips = [heard(write_take(tmp_path, take)) for take in spoken_takes()[:4]]
    [alone] = Predictor(bundle).predict(clips[2:3])
    assert alone == Predictor(bundle).predict(clips)[2]
    assert Predictor(bundle).predict([]) == []


def test_a_speaker_with_a_profile_is_heard_by_the_calibrated_model(bundle: Bundle, tmp_path: Path) -> None:
    first = [take for take in spoken_takes() if take.actor == "01"]
    clips = [heard(write_take(tmp_path, take)) for take in first]
    examples = measured_examples().subset(np.flatnonzero(measured_examples().rows["actor"] == "01"))
    profile = dataclasses.replace(SpeakerProfile.learn(examples), measured_as=bundle.measured_as)
    predictions = Predictor(bundle, profile).predict(clips)
    expected = fitted("speaker_normalised").predict_proba(normalise_speakers(examples))
    np.testing.assert_allclose(probabilities_of(predictions), expected, atol=1e-6)


def test_what_the_model_says_too_often_of_the_speaker_is_taken_out(bundle: Bundle, tmp_path: Path) -> None:
    clips = [heard(write_take(tmp_path, take)) for take in spoken_takes() if take.actor == "01"]
    profile = speaker_profile(clips, bundle)
    model, evidence = fitted("speaker_normalised"), profile.normalise(features_of(clips))
    predicted = probabilities_of(Predictor(bundle, profile).predict(clips))
    np.testing.assert_allclose(predicted, model.predict_proba(evidence, model.bias_for(evidence)), atol=1e-6)
    without = probabilities_of(Predictor(bundle, dataclasses.replace(profile, bias={})).predict(clips))
    np.testing.assert_allclose(without, model.predict_proba(evidence), atol=1e-6)
    assert np.abs(predicted - without).max() > 1e-3


def test_a_profile_of_clips_that_were_measured_otherwise_is_refused(bundle: Bundle) -> None:
    profile = SpeakerProfile.learn(measured_examples())
    with pytest.raises(ProfileError, match="measures otherwise: make it again with `enrol-speaker`"):
        Predictor(bundle, profile)


def test_a_profile_with_a_bias_of_another_number_of_emotions_is_refused(bundle: Bundle) -> None:
    profile = dataclasses.replace(SpeakerProfile.learn(measured_examples()), measured_as=bundle.measured_as)
    bias = {fitted("speaker_normalised").fingerprint: np.zeros(5)}
    with pytest.raises(ProfileError, match="damaged: make it again with `enrol-speaker`"):
        Predictor(bundle, dataclasses.replace(profile, bias=bias))


@pytest.mark.parametrize("read", [("functionals",), ("mel_sequences",), ("functionals", "mel_sequences")])
def test_only_feature_sets_that_the_models_read_are_measured(tmp_path: Path, read: tuple[str, ...]) -> None:
    path = write_take(tmp_path, spoken_takes()[0])
    all_of_it, part = heard(path), heard(path, MEASUREMENT._replace(feature_sets=read))
    assert set(part.audio) == set(features_of([part]).sets) == set(read)
    for name, values in part.audio.items():
        np.testing.assert_array_equal(values, all_of_it.audio[name])


def test_a_profile_is_for_the_feature_sets_that_the_models_read(tmp_path: Path) -> None:
    examples = measured_examples()
    alone = dataclasses.replace(examples, sets={"functionals": examples["functionals"]})
    bundle = open_bundle(make_bundle(tmp_path, prior=SpeakerPrior.learn(alone)))
    assert bundle.measurement == Measurement(PREPROCESSING, ("functionals",))
    clips = [heard(write_take(tmp_path, take), bundle.measurement) for take in spoken_takes()[:2]]
    assert set(speaker_profile(clips, bundle).usual) == {"functionals"}


def test_bundles_that_trim_otherwise_measure_otherwise(bundle: Bundle) -> None:
    facts = bundle.facts | {"preprocessing": bundle.facts["preprocessing"] | {"trim_top_db": 20.0}}
    assert dataclasses.replace(bundle, facts=facts).measured_as != bundle.measured_as


def refusal(path: Path) -> str:
    result = measure_recording(path, MEASUREMENT)
    assert isinstance(result, RejectedRecording)
    assert result.path == path
    return result.reason


def test_what_cannot_be_used_comes_back_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "note.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    assert refusal(tmp_path / "nowhere.wav") == "is not there"
    assert "cannot be decoded" in refusal(tmp_path / "note.wav")
    assert "is empty" in refusal(tmp_path / "empty.wav")
    assert "no audio stream" in refusal(write_mp4(tmp_path / "mute.mp4", None))
    assert "is silent" in refusal(write_wav(tmp_path / "silent.wav", np.zeros(48000, np.float32)))
    assert "is silent" in refusal(write_wav(tmp_path / "offset.wav", np.full(48000, 0.2, np.float32)))
    assert "holds no samples" in refusal(write_wav(tmp_path / "none.wav", np.zeros(0, np.float32)))


def test_a_recording_of_several_minutes_is_no_utterance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_assets.audio.decoding.frames.LONGEST_SECONDS", 2.0)
    assert refusal(write_wav(tmp_path / "long.wav", voice(2.5))) == "is longer than 2 s, the most for one utterance"
    assert isinstance(measure_recording(write_wav(tmp_path / "short.wav", voice(2.0)), MEASUREMENT), MeasuredRecording)


def test_a_click_is_no_utterance(tmp_path: Path) -> None:
    assert "too short" in refusal(write_wav(tmp_path / "click.wav", voice(0.04)))


def test_a_strange_failure_is_told_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("divide by zero")

    monkeypatch.setattr(serving, "prepared_clip", fail)
    assert refusal(write_wav(tmp_path / "odd.wav", voice())) == (
        "cannot be measured (FloatingPointError: divide by zero)"
    )


def test_samples_are_measured_as_their_file_is(tmp_path: Path) -> None:
    path = write_take(tmp_path, spoken_takes()[0])
    of_file, recording = heard(path), decode(path)
    for samples in (recording.samples, recording.samples[0].astype(np.float64)):
        measured = measure_samples(samples, recording.sampling_rate, MEASUREMENT, path=path)
        assert isinstance(measured, MeasuredRecording)
        np.testing.assert_array_equal(measured.audio["functionals"], of_file.audio["functionals"])
        assert (measured.path, measured.seconds) == (path, of_file.seconds)


@pytest.mark.parametrize(
    ("samples", "rate", "reason", "remedy"),
    [
        (np.full(48000, np.nan), 48000, "not finite", "NaN"),
        (np.zeros((48000, 2)), 48000, "48000 channels of 2 samples", "channels first"),
        (np.zeros((1, 2, 3)), 48000, "3 dimensions", "(samples,) or (channels, samples)"),
        (np.zeros(48000, np.int16), 48000, "holds int16, not floats", "full scale"),
        (np.zeros(0), 48000, "holds no samples", "one sample or more"),
        (np.zeros(48000), 0, "at 0 Hz", "in Hz"),
        (np.zeros(48000), 48000, "is silent", "with sound"),
        (np.zeros(130 * 8000), 8000, "is longer than 120 s", "Cut it"),
    ],
)
def test_samples_that_cannot_be_used_come_back_with_reason_and_remedy(
    samples: np.ndarray, rate: int, reason: str, remedy: str
) -> None:
    result = measure_samples(samples, rate, MEASUREMENT)
    assert isinstance(result, RejectedRecording)
    assert result.path == Path("samples")
    assert reason in result.reason
    assert remedy in result.remedy


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md"])
def test_the_example_for_python_runs(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, page: str
) -> None:
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    write_take(tmp_path, spoken_takes()[0]).rename(tmp_path / "recording.wav")
    shutil.copytree(bundle.folder, tmp_path / "data/ravdess/models/champion")
    monkeypatch.chdir(tmp_path)
    exec(example, {"samples": decode(tmp_path / "recording.wav").samples})  # noqa: S102
    assert set(ast.literal_eval(capsys.readouterr().out.splitlines()[-1])) == set(EMOTIONS)
