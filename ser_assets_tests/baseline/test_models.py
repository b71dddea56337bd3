"""The notebook's four models: what they look like, what they are fitted on, and how they are evaluated both ways."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from ser_assets.baseline import models as baseline_models
from ser_assets.baseline.claims import CLAIMS
from ser_assets.baseline.features import MEANS
from ser_assets.baseline.models import MODELS, baseline_splits, evaluate_notebook, probabilities
from ser_assets.baseline.models import baseline_scores as table_of
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.feature_sets import Vectors
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.data.set_names import FUNCTIONALS
from ser_assets.reporting.baseline_table import METRICS
from ser_assets_tests.factories.examples import made_up_rows, with_functionals


def made_up_means(actors: tuple[str, ...], seed: int = 0) -> Examples:
    """Three takes of each emotion and three copies of each neutral one; 26 values in which the emotion can be told."""
    rows = made_up_rows(actors, takes_each=3, copies_of_neutral=3)
    labels = rows["emotion"].map(EMOTIONS.index).to_numpy()
    means = np.random.default_rng(seed).normal(0, 0.5, (len(rows), len(MEANS)))
    means[np.arange(len(rows)), 3 * labels] += 4
    return Examples(
        rows=rows,
        emotions=EMOTIONS,
        sets={FUNCTIONALS: Vectors(MEANS, means.astype(np.float32))},
    )


EXAMPLES = made_up_means(("01", "02", "03"))
ORIGINALS = EXAMPLES.subset(np.flatnonzero(EXAMPLES.rows["variant"] == 0))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_models, "EPOCHS", 5)
    monkeypatch.setattr(baseline_models, "BATCH", 8)
    monkeypatch.setattr(baseline_models, "TREES", 30)


@pytest.fixture(scope="module")
def evaluated() -> pd.DataFrame:
    """Predictions of a forest under all splits, under the names of all four models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baseline_models, "MODELS", dict.fromkeys(MODELS, MODELS["random_forest"]))
        patch.setattr(baseline_models, "TREES", 30)
        return evaluate_notebook(EXAMPLES, baseline_splits(EXAMPLES.rows))


def sizes(network: object, kind: str, what: str) -> list[int]:
    return [getattr(layer, what) for layer in network.layers if type(layer).__name__ == kind]


def test_the_networks_have_the_layers_that_the_readme_names():
    builders = (baseline_models.dense_network, baseline_models.simple_cnn, baseline_models.complex_cnn)
    dense, simple, complex_ = (build(len(MEANS), len(EMOTIONS)) for build in builders)
    assert sizes(dense, "Dense", "units") == [64, 32, 8]
    assert sizes(simple, "Conv1D", "filters") == [64, 128, 256]
    assert sizes(complex_, "Conv1D", "filters") == [64, 128, 256, 512]
    assert sizes(complex_, "Dense", "units") == [256, 128, 8]
    assert len(sizes(complex_, "BatchNormalization", "name")) == 4
    for network in (simple, complex_):
        assert len(sizes(network, "MaxPooling1D", "name")) == len(sizes(network, "Conv1D", "name"))
        assert sizes(network, "Dropout", "rate")


@pytest.mark.parametrize(
    ("model", "epochs"), [("random_forest", 0), ("neural_network", 20), ("cnn", 10), ("complex_cnn", 40)]
)
def test_a_model_learns_what_can_be_told_of_a_new_actor(model: str, epochs: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(baseline_models, "EPOCHS", epochs)
    monkeypatch.setattr(baseline_models, "COMPLEX_FILTERS", (8, 16, 32, 64))
    heard = EXAMPLES.subset(np.flatnonzero(EXAMPLES.rows["actor"] != "03"))
    asked = ORIGINALS.subset(np.flatnonzero(ORIGINALS.rows["actor"] == "03"))
    answers = probabilities(model, heard, asked)
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    assert (answers.argmax(axis=1) == asked.labels).mean() > 3 / 8


@pytest.mark.parametrize("model", ["random_forest", "neural_network"])
def test_it_answers_the_same_each_time(model: str):
    np.testing.assert_array_equal(probabilities(model, EXAMPLES, ORIGINALS), probabilities(model, EXAMPLES, ORIGINALS))


def test_nothing_that_is_fitted_sees_what_is_judged():
    model = "neural_network"
    heard, asked = EXAMPLES.subset(np.arange(40)), EXAMPLES.subset(np.array([40, 41]))
    corrupted = with_functionals(asked, asked[FUNCTIONALS].values * [[1], [1e6]])
    np.testing.assert_allclose(
        probabilities(model, heard, corrupted)[0], probabilities(model, heard, asked)[0], atol=1e-6
    )


def test_values_are_standardised_so_that_units_do_not_matter():
    model = "neural_network"
    units = np.logspace(-3, 3, len(MEANS))
    in_other_units = with_functionals(EXAMPLES, EXAMPLES[FUNCTIONALS].values * units)
    np.testing.assert_allclose(
        probabilities(model, in_other_units, in_other_units), probabilities(model, EXAMPLES, EXAMPLES), atol=0.05
    )


def test_an_emotion_that_the_forest_never_heard_gets_nothing():
    heard = EXAMPLES.subset(np.flatnonzero(EXAMPLES.rows["emotion"] != "angry"))
    assert not probabilities("random_forest", heard, ORIGINALS)[:, EMOTIONS.index("angry")].any()


def test_one_emotion_alone_is_refused():
    with pytest.raises(ValueError, match="two emotions"):
        probabilities("random_forest", EXAMPLES.subset(np.arange(4)), ORIGINALS)


@pytest.mark.parametrize("model", MODELS)
def test_its_own_way_tests_copies_and_unseen_actors_are_judged_on_every_original(evaluated: pd.DataFrame, model: str):
    own = evaluated[evaluated["model"] == model]
    reproduced, unseen = own[own["protocol"] == "notebook"], own[own["protocol"] == "speaker_independent"]
    assert len(reproduced) == len(set(reproduced["take_id"])) == round(0.2 * len(EXAMPLES) + 0.5)
    copies = reproduced["take_id"].str.contains("/")
    assert set(reproduced.loc[copies, "emotion"]) == {"neutral"}
    assert sorted(unseen["take_id"]) == sorted(ORIGINALS.rows["take_id"])


def test_its_own_way_judges_exactly_the_rows_of_its_split(evaluated: pd.DataFrame):
    split, *_ = baseline_splits(EXAMPLES.rows)
    rows = EXAMPLES.rows.iloc[split.test]
    expected = {f"{row.take_id}/{row.variant}" if row.variant else row.take_id for row in rows.itertuples()}
    assert set(evaluated.loc[evaluated["protocol"] == "notebook", "take_id"]) == expected
    assert any("/" in name for name in expected)


@pytest.mark.parametrize(("way", "protocol"), [("reproduced", "notebook"), ("unseen_actors", "speaker_independent")])
@pytest.mark.parametrize("model", MODELS)
def test_what_was_measured_agrees_with_scikit_learn(evaluated: pd.DataFrame, model: str, way: str, protocol: str):
    own = evaluated[(evaluated["model"] == model) & (evaluated["protocol"] == protocol)]
    truth, answers = own["emotion"].map(EMOTIONS.index), own[probability_columns(EMOTIONS)].to_numpy()
    table = table_of(evaluated, draws=20)
    found = table[(table["model"] == model) & (table["way"] == way)].set_index("metric")
    assert found.loc["accuracy", "value"] == pytest.approx(accuracy_score(truth, answers.argmax(axis=1)))
    f1 = f1_score(truth, answers.argmax(axis=1), average="weighted")
    assert found.loc["f1_weighted", "value"] == pytest.approx(f1)
    assert found.loc["roc_auc", "value"] == pytest.approx(roc_auc_score(truth, answers, multi_class="ovr"))
    assert (found["takes"] == len(own)).all()


def test_what_is_claimed_stands_before_what_was_measured_for_every_model_and_metric(evaluated: pd.DataFrame):
    table = table_of(evaluated, draws=20)
    ways = ["claimed_in_readme", "claimed_in_notebook", "reproduced", "unseen_actors"]
    expected = [(model, way, metric) for model in MODELS for way in ways for metric in METRICS]
    assert list(table[["model", "way", "metric"]].itertuples(index=False, name=None)) == expected
    claims = table[table["way"].isin(CLAIMS)]
    assert claims[["low", "high"]].isna().all(axis=None)
    assert not claims[["actors", "takes"]].any(axis=None)


def test_progress_is_told_of_each_model_from_none_to_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(baseline_models, "MODELS", {"random_forest": MODELS["random_forest"]})
    told = []
    evaluate_notebook(EXAMPLES, baseline_splits(EXAMPLES.rows), progress=lambda *news: told.append(news))
    assert told == [("random_forest", done, 4) for done in range(5)]
