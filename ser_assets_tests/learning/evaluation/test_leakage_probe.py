"""The proof by poison lets an honest model pass and catches one that looks at what is evaluated."""

import functools

import numpy as np
import pytest

from ser_assets.learning.evaluation.leakage_probe import corrupted, parts_that_saw_test_rows
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.protocols.fold_schemes import LOSO
from ser_assets.learning.protocols.protocols import random_split, speaker_independent, speaker_normalised
from ser_assets.learning.protocols.splits import Split
from ser_assets_tests.factories.examples import made_up_examples, with_functionals

EXAMPLES = made_up_examples(("01", "02", "03"))
SPLIT = speaker_independent(EXAMPLES.rows, LOSO)[0]
SPEAKER_NORMALISED = speaker_normalised(EXAMPLES.rows, LOSO)[0]
RANDOM = random_split(made_up_examples(("01", "02", "03")).rows)[0]


def test_poison_is_in_all_rows_that_are_not_trained_on_and_in_no_other():
    after = corrupted(EXAMPLES, RANDOM)
    assert (after.labels[RANDOM.training] == EXAMPLES.labels[RANDOM.training]).all()
    np.testing.assert_array_equal(
        after["functionals"].values[RANDOM.training], EXAMPLES["functionals"].values[RANDOM.training]
    )
    outside = np.setdiff1d(np.arange(len(EXAMPLES)), RANDOM.training)
    assert len(outside) > len(RANDOM.test)
    assert (after.labels[outside] != EXAMPLES.labels[outside]).all()
    assert (after["functionals"].values[outside] != EXAMPLES["functionals"].values[outside]).all()
    assert all((after["mel_sequences"].values[row] != EXAMPLES["mel_sequences"].values[row]).all() for row in outside)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("random_forest", SPLIT),
        ("random_forest", SPEAKER_NORMALISED),
        ("random_forest", RANDOM),
        ("neural_network", SPLIT),
        ("neural_network", RANDOM),
        ("cnn", SPEAKER_NORMALISED),
        ("complex_cnn", SPLIT),
    ],
    ids=lambda case: getattr(case, "protocol", case),
)
def test_nothing_fitted_changes_when_all_that_is_judged_is_poisoned(name, split):
    assert parts_that_saw_test_rows(functools.partial(MODELS[name].load_class().brief, 1), EXAMPLES, split) == []


def test_a_scaler_fitted_on_all_rows_is_caught(monkeypatch):
    def scaled_by_all(split, examples):
        side = examples.subset(split.training)
        every, own = examples["functionals"].values, side["functionals"].values
        return with_functionals(side, (own - every.mean(axis=0)) / every.std(axis=0))

    monkeypatch.setattr(Split, "training_examples", scaled_by_all)
    assert parts_that_saw_test_rows(
        functools.partial(MODELS["neural_network"].load_class().brief, 1), EXAMPLES, SPLIT
    ) == [
        "facts.json",
        "model.onnx",
    ]


def test_a_model_that_is_given_what_is_judged_is_caught(monkeypatch):
    monkeypatch.setattr(Split, "training_examples", lambda split, examples: examples)  # noqa: ARG005
    assert "model.onnx" in parts_that_saw_test_rows(functools.partial(RandomForest.brief, 1), EXAMPLES, SPLIT)


def test_an_actor_who_is_watched_to_stop_early_and_is_judged_is_caught(monkeypatch):
    def stopped_by_the_judged(rows, parts, _seed, _left_out):
        return [speaker_independent(rows, LOSO)[0]] * parts

    everybody = Split.training_examples
    monkeypatch.setattr("ser_assets.learning.models.networks.models.validation_parts", stopped_by_the_judged)
    monkeypatch.setattr(
        Split,
        "training_examples",
        lambda split, examples: examples if split is SPLIT else everybody(split, examples),
    )
    assert "model.onnx" in parts_that_saw_test_rows(
        functools.partial(MODELS["neural_network"].load_class().brief, 1), EXAMPLES, SPLIT
    )


class ScaledByWhatIsAsked(RandomForest):
    """Standardises by the rows that it is asked about, all at once."""

    def predict_proba(self, examples, bias=None):
        values = examples["functionals"].values
        scaled = (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)
        return super().predict_proba(with_functionals(examples, scaled), bias)


def test_a_model_that_scales_by_all_that_it_is_asked_about_is_caught():
    assert parts_that_saw_test_rows(functools.partial(ScaledByWhatIsAsked.brief, 1), EXAMPLES, SPLIT) == ["answers"]
