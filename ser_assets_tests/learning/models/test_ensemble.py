import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.data.final_models import FINAL
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.data.temperature import apply_temperature
from ser_assets.learning.evaluation.evaluate import evaluate
from ser_assets.learning.models.ensemble import (
    evaluate_ensemble,
    fit_weights,
    save_ensemble,
)
from ser_assets.learning.models.inference import Ensemble, EnsembleError, load_model, log_opinion_pool
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.fold_schemes import LOSO
from ser_assets.learning.protocols.protocols import speaker_independent
from ser_assets_tests.factories.examples import made_up_examples, made_up_predictions, with_functionals

RNG = np.random.default_rng(0)
TRUE = RNG.dirichlet(np.full(8, 0.3), 3000)
LABELS = (TRUE.cumsum(axis=1) > RNG.random((3000, 1))).argmax(axis=1)
NOISE = RNG.dirichlet(np.ones(8), 3000)


def probabilities(table):
    return table[probability_columns(EMOTIONS)].to_numpy()


def test_one_model_alone_is_left_as_it_is():
    np.testing.assert_allclose(log_opinion_pool({"one": TRUE}, {"one": 1.0}), TRUE, atol=1e-5)


def test_a_model_of_no_weight_is_not_heard():
    np.testing.assert_allclose(log_opinion_pool({"one": TRUE, "two": NOISE}, {"one": 1.0, "two": 0.0}), TRUE, atol=1e-5)


@given(weight=st.floats(0, 4))
@settings(deadline=None)
def test_a_pool_sums_to_one_and_stays_finite_whatever_is_impossible(weight):
    predicted = log_opinion_pool({"one": np.eye(8), "two": np.eye(8)[::-1]}, {"one": weight, "two": 1.0})
    np.testing.assert_allclose(predicted.sum(axis=1), 1)


def test_what_only_guesses_gets_next_to_no_weight():
    weights = fit_weights({"knows": TRUE, "guesses": NOISE}, LABELS)
    assert weights["knows"] == pytest.approx(1, abs=0.1)
    assert weights["guesses"] < 0.1


def test_the_weights_undo_overconfidence():
    assert fit_weights({"sure": apply_temperature(TRUE, 0.5)}, LABELS)["sure"] == pytest.approx(0.5, abs=0.05)


def tables(*names):
    """Predictions and what was held out, of models that are evaluated on the same takes."""
    predictions = pd.concat(
        [made_up_predictions(("01", "02"), seed=seed, model=name) for seed, name in enumerate(names)]
    )
    validation_predictions = pd.concat(
        [made_up_predictions(("03",), seed=seed, model=name) for seed, name in enumerate(names)]
    )
    return predictions.reset_index(drop=True), validation_predictions.reset_index(drop=True)


class TestJudging:
    PREDICTIONS, VALIDATION_PREDICTIONS = tables("a", "b")

    def test_every_take_is_evaluated_once_under_the_name_of_the_ensemble(self):
        evaluated, _ = evaluate_ensemble("both", self.PREDICTIONS, self.VALIDATION_PREDICTIONS)
        assert list(evaluated.columns) == list(self.PREDICTIONS.columns)
        assert set(evaluated["model"]) == {"both"}
        own = self.PREDICTIONS[self.PREDICTIONS["model"] == "a"]
        assert sorted(evaluated["take_id"]) == sorted(own["take_id"])
        labels = evaluated.set_index("take_id")["emotion"]
        assert (labels.loc[own["take_id"]].to_numpy() == own["emotion"].to_numpy()).all()

    def test_it_is_the_pool_of_what_the_members_said_by_the_weights_it_tells(self):
        evaluated, weights = evaluate_ensemble("both", self.PREDICTIONS, self.VALIDATION_PREDICTIONS)
        predicted = {name: own.sort_values("take_id") for name, own in self.PREDICTIONS.groupby("model")}
        expected = log_opinion_pool(
            {name: probabilities(own) for name, own in predicted.items()},
            dict(zip(weights["member"], weights["weight"], strict=True)),
        )
        np.testing.assert_allclose(probabilities(evaluated.sort_values("take_id")), expected)

    def test_the_weights_do_not_rest_on_what_is_judged(self):
        relabelled = self.PREDICTIONS.assign(emotion="happy")
        _, weights = evaluate_ensemble("both", relabelled, self.VALIDATION_PREDICTIONS)
        pd.testing.assert_frame_equal(
            weights, evaluate_ensemble("both", self.PREDICTIONS, self.VALIDATION_PREDICTIONS)[1]
        )

    def test_with_nothing_held_out_all_weigh_alike(self):
        _, weights = evaluate_ensemble("both", self.PREDICTIONS, self.VALIDATION_PREDICTIONS.iloc[:0])
        assert weights["weight"].tolist() == [0.5, 0.5]

    def test_only_takes_that_all_members_held_out_count(self):
        more = made_up_predictions(("04",), seed=9, model="a")
        _, weights = evaluate_ensemble(
            "both", self.PREDICTIONS, pd.concat([self.VALIDATION_PREDICTIONS, more], ignore_index=True)
        )
        pd.testing.assert_frame_equal(
            weights, evaluate_ensemble("both", self.PREDICTIONS, self.VALIDATION_PREDICTIONS)[1]
        )

    def test_the_kept_models_have_weights_of_their_own(self):
        kept = self.VALIDATION_PREDICTIONS.assign(fold_scheme="", fold=FINAL)
        _, weights = evaluate_ensemble(
            "both", self.PREDICTIONS, pd.concat([self.VALIDATION_PREDICTIONS, kept], ignore_index=True)
        )
        assert set(weights["fold"]) == {"1", FINAL}

    def test_models_that_were_judged_on_other_takes_are_refused(self):
        part = self.PREDICTIONS.drop(index=0)
        with pytest.raises(EnsembleError, match="not all of a, b were evaluated on the same takes"):
            evaluate_ensemble("both", part, self.VALIDATION_PREDICTIONS)

    def test_so_are_models_that_were_judged_on_other_features_of_them(self):
        input_fingerprint = self.PREDICTIONS.assign(input_fingerprint=self.PREDICTIONS["model"])
        with pytest.raises(EnsembleError, match="as they are now"):
            evaluate_ensemble("both", input_fingerprint, self.VALIDATION_PREDICTIONS)

    def test_so_is_one_that_was_not_judged_under_a_protocol(self):
        more = self.PREDICTIONS.assign(protocol="random_split").query("model == 'a'")
        more["fold_scheme"] = ""
        message = "^random_split 1: not all of a, b .*; b lacks this fold: .* SER_PROTOCOLS"
        with pytest.raises(EnsembleError, match=message):
            evaluate_ensemble(
                "both", pd.concat([self.PREDICTIONS, more], ignore_index=True), self.VALIDATION_PREDICTIONS
            )


@pytest.mark.parametrize("actors", [2, 3])
def test_a_few_actors_are_enough_for_the_models_as_they_are_by_default(actors):
    examples = made_up_examples(("01", "02", "03", "04")[: actors + 1])
    split = speaker_independent(examples.rows, LOSO)[0]
    evaluated = []
    for name, parts in (("random_forest", 2), ("twin", 3)):
        factory = functools.partial(
            RandomForest, ForestSettings(n_estimators=5, validation_forests=parts, validation_trees=5), 1
        )
        judgement = evaluate(factory, examples, [split])
        evaluated.append(
            (judgement.predictions.assign(model=name), judgement.validation_predictions.assign(model=name))
        )
    predictions, validation_predictions = (
        pd.concat(tables, ignore_index=True) for tables in zip(*evaluated, strict=True)
    )
    assert not validation_predictions.duplicated(["model", "take_id"]).any()
    together, _ = evaluate_ensemble("both", predictions, validation_predictions)
    assert len(together) == len(split.test)


def test_what_is_held_out_is_on_the_scale_of_what_is_predicted():
    examples = made_up_examples(("01", "02", "03", "04", "05"), takes_each=6)
    values = examples["functionals"].values
    noisy = with_functionals(examples, values + np.random.default_rng(0).normal(0, 2, values.shape))
    forest = RandomForest(
        ForestSettings(n_estimators=20, min_samples_leaf=20, validation_forests=5, validation_trees=20), seed=1
    ).fit(noisy)
    labels = forest.validation_predictions_["emotion"].map(EMOTIONS.index).to_numpy()
    assert fit_weights({"forest": probabilities(forest.validation_predictions_)}, labels)["forest"] == pytest.approx(
        1, abs=0.02
    )


class TestKept:
    @pytest.fixture
    def kept(self, tmp_path):
        examples = made_up_examples(("01", "02"))
        forest = RandomForest(ForestSettings(n_estimators=10, validation_forests=1, validation_trees=5), seed=1).fit(
            examples
        )
        for folder in ("random_forest", "ensemble"):
            (tmp_path / folder).mkdir()
        forest.save(tmp_path / "random_forest")
        save_ensemble(tmp_path / "ensemble", tmp_path, {"random_forest": 2.0})
        return tmp_path, forest

    def test_it_is_read_with_its_members_from_the_folders_beside_it(self, kept):
        folder, forest = kept
        asked = made_up_examples(("03",))
        model = load_model(folder / "ensemble")
        assert isinstance(model, Ensemble)
        expected = apply_temperature(forest.predict_proba(asked), 1 / 2)
        np.testing.assert_allclose(model.predict_proba(asked), expected, atol=1e-5)

    def test_members_that_tell_other_emotions_apart_are_refused_by_name(self, kept):
        folder, forest = kept
        other = RandomForest(ForestSettings(n_estimators=5, validation_forests=1, validation_trees=5), seed=1)
        other.fit(made_up_examples(("a", "b"), emotions=("joy", "Ärger")))
        with pytest.raises(EnsembleError, match=r"one: neutral.*; two: joy, Ärger"):
            Ensemble({"one": forest, "two": other}, {"one": 0.5, "two": 0.5})
        (folder / "two").mkdir()
        other.save(folder / "two")
        with pytest.raises(EnsembleError, match=r"random_forest: neutral.*; two: joy, Ärger"):
            save_ensemble(folder / "ensemble", folder, {"random_forest": 0.5, "two": 0.5})

    def test_a_member_that_was_made_anew_is_noticed(self, kept):
        folder, _ = kept
        other = RandomForest(ForestSettings(n_estimators=10, validation_forests=1, validation_trees=5), seed=2)
        other.fit(made_up_examples(("01", "02"))).save(folder / "random_forest")
        with pytest.raises(EnsembleError, match="random_forest has changed since the ensemble was made"):
            load_model(folder / "ensemble")

    def test_a_member_that_is_not_there_is_named(self, kept):
        folder, _ = kept
        for file in (folder / "random_forest").iterdir():
            file.unlink()
        with pytest.raises(FileNotFoundError, match="random_forest"):
            load_model(folder / "ensemble")
