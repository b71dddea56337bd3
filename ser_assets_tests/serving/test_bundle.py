"""The bundle: whole, portable, without pickle, and refused in clear words where it does not fit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from ser_assets.audio.features.names import functional_names
from ser_assets.audio.pipeline import Preprocessing
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.speakers.profile import normalise_speakers
from ser_assets.serving.bundle import BundleError, champion_folder, default_bundle, open_bundle
from ser_assets.serving.withdrawn import mark_withdrawn
from ser_assets.serving.write_bundle import size_of, write_bundle
from ser_assets_tests.factories.bundles import (
    PREPROCESSING,
    contents,
    fitted,
    keep_models,
    make_bundle,
    measured_examples,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that is only read."""
    return make_bundle(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A bundle to be damaged, far from where it was made."""
    return shutil.copytree(kept, tmp_path / "elsewhere")


def change_facts(folder: Path, **changes: object) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_bundle_says_what_it_was_made_of(kept: Path) -> None:
    bundle = open_bundle(kept)
    assert bundle.model == "random_forest"
    assert bundle.preprocessing == PREPROCESSING
    facts = bundle.facts
    assert facts["format"] == "ser-assets bundle 5"
    assert facts["emotions"] == list(EMOTIONS)
    assert facts["feature_sets"] == {"functionals": list(functional_names())}
    assert facts["training"]["actors"] == ["01", "02"]
    assert facts["training"]["takes"] == 16
    assert facts["training"]["seed"] == 1
    assert facts["training"]["model_settings"]["random_forest"]["n_estimators"] == 5
    assert {"onnxruntime", "scikit-learn", "ser-assets", "librosa"} <= set(facts["training"]["libraries"])
    assert facts["training"]["demo"] is True
    assert facts["date"] == "2026-01-31"
    [uar] = [row for row in facts["scores"] if (row["protocol"], row["metric"]) == ("speaker_independent", "uar")]
    assert uar["low"] < uar["value"] < uar["high"]
    assert uar["actors"] == 5


def test_scores_without_an_interval_are_told_without_one(tmp_path: Path) -> None:
    from ser_assets_tests.factories.bundles import made_up_scores

    folder = make_bundle(tmp_path, scores=made_up_scores("random_forest", ("01", "02")))
    assert {row["low"] for row in open_bundle(folder).facts["scores"]} == {None}
    assert "too few actors for intervals" in (folder / "model_card.md").read_text()


def test_the_model_answers_as_the_one_that_was_kept(folder: Path) -> None:
    examples = measured_examples()
    raw = open_bundle(folder).load().predict_proba(examples)
    np.testing.assert_allclose(raw, fitted("raw").predict_proba(examples), atol=1e-12)
    relative = open_bundle(folder).load(speaker_normalised=True).predict_proba(normalise_speakers(examples))
    np.testing.assert_allclose(
        relative, fitted("speaker_normalised").predict_proba(normalise_speakers(examples)), atol=1e-12
    )


def test_an_ensemble_brings_its_members(tmp_path: Path) -> None:
    folder = shutil.copytree(make_bundle(tmp_path, model="ensemble"), tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "models")
    assert (folder / "raw/random_forest/model.onnx").exists()
    assert open_bundle(folder).facts["training"]["members"] == ["random_forest"]
    assert open_bundle(folder).load().predict_proba(measured_examples()).shape == (16, len(EMOTIONS))
    assert "weighted product of the probabilities of Random Forest" in (folder / "model_card.md").read_text()


def test_an_ensemble_weighs_as_much_as_its_members_and_its_weights(tmp_path: Path) -> None:
    models = keep_models(tmp_path / "models") / "raw"
    own = (models / "ensemble/facts.json").stat().st_size
    assert size_of(models, "ensemble") == size_of(models, "random_forest") + own


def test_nothing_in_a_bundle_is_pickled(kept: Path) -> None:
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".onnx", ".npy", ".npz", ".md"}
    for path in files:
        if path.suffix in {".npy", ".npz"}:
            loaded = np.load(path, allow_pickle=False)
            assert path.suffix == ".npy" or all(loaded[name].dtype != object for name in loaded)


def test_the_prior_makes_a_profile(folder: Path) -> None:
    profile = open_bundle(folder).prior().profile(measured_examples())
    assert profile.clips == 16


def test_the_same_models_give_the_same_bytes_on_another_day(folder: Path, tmp_path: Path) -> None:
    models = keep_models(tmp_path / "models")
    for name, changes in {"same": {}, "other": {"reason": "it is another"}}.items():
        (tmp_path / name).mkdir()
        write_bundle(tmp_path / name, contents(models, date="2026-02-01", **changes), replaces=folder)
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    same = tmp_path / "same"
    assert {path.relative_to(same): path.read_bytes() for path in same.rglob("*") if path.is_file()} == before
    assert open_bundle(tmp_path / "other").facts["date"] == "2026-02-01"


def test_other_preprocessing_is_carried_along(tmp_path: Path) -> None:
    other = Preprocessing(16000, "everywhere", 40.0, 0.1)
    assert open_bundle(make_bundle(tmp_path, preprocessing=other)).preprocessing == other


def test_a_model_that_is_not_kept_cannot_be_bundled(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cnn holds no model: materialize cnn first"):
        make_bundle(tmp_path, model="cnn")


def test_a_bundle_without_a_model_for_enrolled_speakers_says_how_to_get_one(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path, kinds=("raw",))
    bundle = open_bundle(folder)
    assert not bundle.has_speaker_normalised
    with pytest.raises(BundleError, match="speaker_normalised among SER_PROTOCOLS"):
        bundle.load(speaker_normalised=True)
    assert "no model for an enrolled speaker" in (folder / "model_card.md").read_text()


def test_a_corpus_without_a_champion_is_told_of_those_of_other_corpora(kept: Path, tmp_path: Path) -> None:
    assert default_bundle(tmp_path, "ravdess") == champion_folder(tmp_path / "ravdess")
    shutil.copytree(kept, champion_folder(tmp_path / "table-voices"))
    with pytest.raises(BundleError, match=r"corpus ravdess; other corpora .*`--bundle .*table-voices/models/champion`"):
        default_bundle(tmp_path, "ravdess")
    assert default_bundle(tmp_path, "table-voices") == champion_folder(tmp_path / "table-voices")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "no bundle in .*elsewhere.*`ser-assets run` makes one"),
    "half a file": (lambda folder: (folder / "bundle.json").write_text('{"format'), "bundle.json is damaged"),
    "no facts": (lambda folder: (folder / "bundle.json").write_text("[]"), "has the format None"),
    "a later format": (lambda folder: change_facts(folder, format="ser-assets bundle 9"), "'ser-assets bundle 9'"),
    "other emotions": (lambda folder: change_facts(folder, emotions=["happy", "sad"]), "other emotions.*happy, sad"),
    "another order": (lambda folder: change_facts(folder, emotions=[*EMOTIONS[::-1]]), "in another order"),
    "other functionals": (
        lambda folder: change_facts(folder, feature_sets={"functionals": ["loudness"]}),
        "made for 1 functionals",
    ),
    "unknown trimming": (lambda folder: change_facts(folder, preprocessing={"rate": 1}), "bundle.json is damaged"),
    "no emotions": (lambda folder: change_facts(folder, emotions=None), "bundle.json is damaged"),
    "no prior": (lambda folder: (folder / "prior.npz").unlink(), "not whole, prior.npz is missing"),
    "no graph": (
        lambda folder: (folder / "raw/random_forest/model.onnx").unlink(),
        "not whole, raw/random_forest/model.onnx is missing",
    ),
    "a cut graph": (
        lambda folder: (folder / "raw/random_forest/model.onnx").write_bytes(b"half"),
        "model.onnx has changed since the bundle was made",
    ),
    "another model's name": (lambda folder: change_facts(folder, model="cnn"), "raw/cnn/facts.json is not in it"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_no_whole_bundle_of_this_version_is_refused(folder: Path, damage: str) -> None:
    harm, message = DAMAGES[damage]
    harm(folder)
    with pytest.raises(BundleError, match=message) as refused:
        open_bundle(folder)
    assert str(folder) in str(refused.value)


def test_the_card_describes_what_the_model_is_for_and_how_it_was_evaluated(kept: Path) -> None:
    card = (kept / "model_card.md").read_text()
    for heading in (
        "What it is",
        "Intended use",
        "Out-of-scope use, and limits",
        "How it was evaluated",
        "Training data and licence",
        "Calibration",
        "Speaker normalisation",
        "How to use it",
    ):
        assert f"\n## {heading}\n" in card
    [uar] = [
        row
        for row in open_bundle(kept).facts["scores"]
        if (row["protocol"], row["metric"]) == ("speaker_independent", "uar")
    ]
    assert f"{uar['value']:.3f} [{uar['low']:.3f}, {uar['high']:.3f}]" in card
    assert "Not for decisions about people" in card
    assert "5 actors, 80 takes" in card


@pytest.mark.parametrize(
    ("demo", "there", "absent"),
    [
        (True, "the figures below mean nothing for people", "CC BY-NC-SA"),
        (False, "Livingstone, S. R. & Russo, F. A. (2018)", "synthesiser"),
    ],
)
def test_the_card_names_the_licence_of_the_voices(tmp_path: Path, demo: bool, there: str, absent: str) -> None:
    card = (make_bundle(tmp_path, demo=demo) / "model_card.md").read_text()
    assert there in card
    assert absent not in card
    assert ("CC BY-NC-SA 4.0" in card) != demo


@pytest.mark.parametrize(("demo", "licence"), [(True, "other"), (False, "cc-by-nc-sa-4.0")])
def test_the_card_begins_with_metadata_that_stays_first_when_takes_are_withdrawn(
    tmp_path: Path, demo: bool, licence: str
) -> None:
    folder = make_bundle(tmp_path, demo=demo)
    mark_withdrawn(folder, 3, 1, "2030-01-02")
    nothing, header, text = (folder / "model_card.md").read_text(encoding="utf-8").split("---\n", 2)
    metadata = yaml.safe_load(header)
    assert nothing == ""
    assert metadata["license"] == licence
    assert metadata["pipeline_tag"] == "audio-classification"
    assert ("datasets" in metadata) != demo
    assert text.index("# Model card") < text.index("Withdrawn recordings")
