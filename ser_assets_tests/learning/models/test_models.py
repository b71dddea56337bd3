import dataclasses
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.encoders.names import EncoderIdentity
from ser_assets.learning.data.examples import Features
from ser_assets.learning.data.feature_sets import Vectors
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.data.sequences import MelSequences
from ser_assets.learning.data.temperature import apply_temperature
from ser_assets.learning.models.base import GraphError
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.models.discriminants import Discriminants
from ser_assets.learning.models.inference import NotFittedError, load_model
from ser_assets.learning.models.random_forest import read_importances
from ser_assets.learning.models.settings import (
    ComplexConvolutionSettings,
    ConvolutionSettings,
    DenseSettings,
    ForestSettings,
    PretrainedEncoderSettings,
)
from ser_assets_tests.factories.examples import made_up_examples
from ser_assets_tests.factories.toy_model import Toy

QUICK = {
    "random_forest": ForestSettings(
        n_estimators=30, min_samples_leaf=1, directions=10, max_features=0.4, validation_forests=2, validation_trees=10
    ),
    "neural_network": DenseSettings(
        members=2, epochs=15, batch_size=32, learning_rate=0.02, units=(32, 16), input_noise_std=0.1, dropout=0.1
    ),
    "cnn": ConvolutionSettings(members=1, epochs=6, batch_size=32, frames=32, filters=(8, 16), band_shift=0),
    "complex_cnn": ComplexConvolutionSettings(
        members=1, epochs=3, batch_size=32, frames=32, filters=(8, 16), units=(16, 8), band_shift=0
    ),
    "pretrained_encoder": PretrainedEncoderSettings(strengths=(0.1, 1.0), validation_parts=2),
}
NETWORKS = ("neural_network", "cnn", "complex_cnn")
TRAINING, UNSEEN = made_up_examples(("01", "02", "03")), made_up_examples(("04",), seed=1)


def fresh(name):
    return MODELS[name].load_class()(QUICK[name], seed=7)


@cache
def fitted(name):
    return fresh(name).fit(TRAINING)


def saved(model, folder):
    folder.mkdir()
    model.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_models_go_by_their_names_and_read_what_the_catalogue_states():
    assert list(MODELS) == ["random_forest", "neural_network", "cnn", "complex_cnn", "pretrained_encoder"]
    assert [MODELS[name].load_class().reads for name in MODELS] == [MODELS[name].reads for name in MODELS]
    assert [MODELS[name].load_class().name for name in MODELS] == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_of_every_emotion_sum_to_one(name):
    probabilities = fitted(name).predict_proba(UNSEEN)
    assert probabilities.shape == (len(UNSEEN), len(EMOTIONS))
    assert probabilities.dtype == np.float64
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("name", ["random_forest", "neural_network", "pretrained_encoder"])
def test_plain_emotions_are_told_for_an_actor_never_heard(name):
    guess = fitted(name).predict_proba(UNSEEN).argmax(axis=1)
    assert (guess == UNSEEN.labels).mean() > 0.8


def test_a_cnn_learns_plain_emotions_from_sequences_alone():
    settings = ConvolutionSettings(
        epochs=30, members=1, batch_size=32, learning_rate=0.005, frames=32, filters=(16, 32), band_shift=0
    )
    model = MODELS["cnn"].load_class()(settings).fit(TRAINING)
    assert (model.predict_proba(UNSEEN).argmax(axis=1) == UNSEEN.labels).mean() > 0.8


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_predicts_what_the_saved_one_did(name, tmp_path):
    before = fitted(name).predict_proba(UNSEEN)
    saved(fitted(name), tmp_path / name)
    again = load_model(tmp_path / name)
    assert again.fingerprint == fitted(name).fingerprint
    np.testing.assert_allclose(again.predict_proba(UNSEEN), before, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_a_second_fit_saves_the_same_bytes_and_says_the_same_of_what_is_held_out(name, tmp_path):
    again = fresh(name).fit(TRAINING)
    pd.testing.assert_frame_equal(again.validation_predictions_, fitted(name).validation_predictions_, check_exact=True)
    assert saved(again, tmp_path / "again") == saved(fitted(name), tmp_path / "first")


def test_a_fit_in_another_process_saves_the_same_bytes(tmp_path):
    script = (
        "import sys; from pathlib import Path\n"
        "from ser_assets_tests.learning.models import test_models\n"
        "for name in ('random_forest', 'cnn'):\n"
        "    test_models.saved(test_models.fitted(name), Path(sys.argv[1]) / name)\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=root, capture_output=True)
    for name in ("random_forest", "cnn"):
        here = saved(fitted(name), tmp_path / f"{name}_here")
        assert {path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())} == here


def test_fitting_one_network_leaves_another_as_it_was():
    model = fresh("neural_network").fit(TRAINING)
    before = model.predict_proba(UNSEEN)
    fresh("cnn").fit(TRAINING)
    np.testing.assert_array_equal(model.predict_proba(UNSEEN), before)


@pytest.mark.parametrize("name", MODELS)
def test_no_pickle_and_no_code_in_a_saved_model(name, tmp_path):
    files = saved(fitted(name), tmp_path / name)
    assert {Path(file).suffix for file in files} <= {".json", ".npy", ".onnx"}
    for path in (tmp_path / name).glob("*.npy"):
        np.load(path, allow_pickle=False)


@pytest.mark.parametrize("name", MODELS)
def test_the_facts_say_what_was_learned_from(name):
    facts = fitted(name).facts_
    assert facts["model"] == name
    assert facts["emotions"] == list(EMOTIONS)
    assert facts["features"] == list(TRAINING[facts["reads"]].names)
    assert facts["training_actors"] == ["01", "02", "03"]
    clips = int(TRAINING[facts["reads"]].present.sum())
    assert (facts["training_clips"], facts["training_takes"]) == (clips, 48)
    assert clips == (48 if name == "pretrained_encoder" else 54)
    assert facts["libraries"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_learning_curve_has_both_parts_of_every_epoch(name):
    curve = fitted(name).learning_curve_
    assert list(curve.columns) == ["epoch", "subset", "loss", "accuracy"]
    assert len(curve) == 2 * QUICK[name].epochs
    assert set(curve["subset"]) == {"training", "validation"}
    assert curve["accuracy"].between(0, 1).all()


def test_a_forest_has_no_learning_curve_and_ranks_its_features(tmp_path):
    forest = fitted("random_forest")
    assert forest.learning_curve_ is None
    forest.save(tmp_path)
    table = read_importances(tmp_path)
    assert set(table["feature"]) == set(TRAINING["functionals"].names)
    assert table["importance"].is_monotonic_decreasing
    assert table["importance"].sum() == pytest.approx(1)
    assert set(table["feature"][:8]) == {f"functional_{number:02d}" for number in range(8)}


def test_the_forest_in_onnx_votes_as_scikit_learn_does():
    from sklearn.ensemble import RandomForestClassifier

    forest, settings = fitted("random_forest"), QUICK["random_forest"]
    project = Discriminants.learn(TRAINING["functionals"].values, TRAINING.labels, settings.directions)
    twin = RandomForestClassifier(
        settings.n_estimators, max_features=settings.max_features, class_weight="balanced", random_state=7
    ).fit(project(TRAINING["functionals"].values), TRAINING.labels)
    votes = twin.predict_proba(project(UNSEEN["functionals"].values))
    expected = apply_temperature(votes, forest.facts_["temperature"])
    np.testing.assert_allclose(forest.predict_proba(UNSEEN), expected, atol=1e-4)


def test_a_loaded_model_is_asked_without_the_library_that_trained_it(tmp_path):
    for name in MODELS:
        saved(fitted(name), tmp_path / name)
    script = (
        "import sys; from pathlib import Path\n"
        "from ser_assets.learning.models.inference import load_model\n"
        "from ser_assets_tests.factories.examples import made_up_examples\n"
        "for folder in Path(sys.argv[1]).iterdir():\n"
        "    assert load_model(folder).predict_proba(made_up_examples(('04',))).shape[1] == 8\n"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'dagster'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[3], capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"


@pytest.mark.parametrize("name", MODELS)
def test_what_is_held_out_is_said_of_actors_of_the_training_rows_and_sums_to_one(name):
    validation_predictions = fitted(name).validation_predictions_
    originals = TRAINING.rows[TRAINING.rows["variant"] == 0].set_index("take_id")
    assert len(validation_predictions) == {"cnn": 16, "complex_cnn": 16}.get(name, 32)
    assert (
        originals.loc[validation_predictions["take_id"], "emotion"].to_numpy()
        == validation_predictions["emotion"].to_numpy()
    ).all()
    np.testing.assert_allclose(validation_predictions[probability_columns(EMOTIONS)].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["random_forest", "neural_network"])
def test_an_emotion_that_was_never_heard_is_not_mixed_up_with_the_others(name):
    part = TRAINING.subset(np.flatnonzero(TRAINING.rows["emotion"] != "calm"))
    probabilities = fresh(name).fit(part).predict_proba(UNSEEN)
    assert (probabilities.argmax(axis=1) != EMOTIONS.index("calm")).all()
    assert (probabilities.argmax(axis=1) == UNSEEN.labels).mean() > 0.6


@pytest.mark.parametrize("name", ["random_forest", "neural_network"])
def test_one_actor_leaves_nobody_to_tell_how_sure_the_model_may_be(name):
    model = fresh(name).fit(made_up_examples(("01",)))
    assert model.validation_predictions_.empty
    assert model.facts_["temperature"] == 1


def test_a_network_learns_from_one_actor_without_anybody_to_validate_on():
    model = fresh("neural_network").fit(made_up_examples(("01",)))
    assert set(model.learning_curve_["subset"]) == {"training"}


class TestWhatIsRefused:
    @pytest.mark.parametrize("name", MODELS)
    def test_to_predict_before_learning(self, name):
        with pytest.raises(NotFittedError, match=f"{name} has not been fitted"):
            fresh(name).predict_proba(UNSEEN)

    @pytest.mark.parametrize("name", MODELS)
    def test_to_save_before_learning(self, name, tmp_path):
        with pytest.raises(NotFittedError, match=name):
            fresh(name).save(tmp_path)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("name", MODELS)
    def test_to_learn_from_a_single_emotion(self, name):
        sad = TRAINING.subset(np.flatnonzero(TRAINING.rows["emotion"] == "sad"))
        with pytest.raises(ValueError, match="at least two emotions to learn from; there is sad"):
            fresh(name).fit(sad)

    def test_a_graph_without_an_output_named_probabilities(self):
        class Misnamed(Toy):
            def _learn(self, training):
                learned = super()._learn(training)
                return learned._replace(onnx=learned.onnx.replace(b"probabilities", b"probabilitats"))

        with pytest.raises(GraphError, match=r"the graph of toy has no output named 'probabilities' but .*tats: give"):
            Misnamed().fit(TRAINING)

    def test_functionals_in_another_order(self):
        own = UNSEEN["functionals"]
        other = UNSEEN.with_set("functionals", Vectors(own.names[::-1], own.values))
        with pytest.raises(ValueError, match="not the same ones in the same order"):
            fitted("random_forest").predict_proba(other)

    def test_sequences_with_other_bands(self):
        own = UNSEEN["mel_sequences"]
        narrow = MelSequences(own.names[:8], tuple(sequence[:, :8] for sequence in own.values))
        other = UNSEEN.with_set("mel_sequences", narrow)
        with pytest.raises(ValueError, match="trained on 18 mel_sequences, and these 8 are not the same"):
            fitted("cnn").predict_proba(other)

    def test_embeddings_of_another_encoder(self):
        own = UNSEEN["embeddings"]
        other = dataclasses.replace(own, encoder=EncoderIdentity("other", 64 * "1"))
        message = r"trained on embeddings of made-up \(000000000000\), and these are of other \(111111111111\)"
        with pytest.raises(ValueError, match=message):
            fitted("pretrained_encoder").predict_proba(UNSEEN.with_set("embeddings", other))

    def test_clips_without_embeddings(self):
        sets = {"functionals": UNSEEN["functionals"]}
        with pytest.raises(ValueError, match="was trained on embeddings, and these clips have functionals"):
            fitted("pretrained_encoder").predict_proba(Features(sets=sets))

    def test_a_folder_without_a_model(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no model: materialize"):
            load_model(tmp_path)

    def test_hyper_parameters_out_of_range(self):
        with pytest.raises(ValidationError):
            DenseSettings(dropout=1.5)
