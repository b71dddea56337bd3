import functools

import numpy as np
import pandas as pd
import pytest

from ser_assets.learning.data.final_models import FINAL
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.evaluation.evaluate import CURVE_COLUMNS, PREDICTION_COLUMNS, FinalFit, evaluate
from ser_assets.learning.evaluation.scores import score_table
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.models.inference import load_model
from ser_assets.learning.protocols.fold_schemes import LOSO
from ser_assets.learning.protocols.protocols import speaker_independent
from ser_assets_tests.factories.examples import made_up_examples

EXAMPLES = made_up_examples(("01", "02", "03"))
SPLITS = speaker_independent(EXAMPLES.rows, LOSO)


class Remembering:
    """A model that only remembers who it was fitted on, and guesses evenly."""

    name = "remembering"
    reads = "functionals"
    learning_curve_ = None
    validation_predictions_ = None

    def __init__(self, heard=None):
        self.heard = heard if heard is not None else []

    def fit(self, training):
        self.heard.append(training.actors)
        return self

    def predict_proba(self, examples):
        return np.full((len(examples), 8), 1 / 8)


class Learning(Remembering):
    """The same with a learning curve of one epoch."""

    name = "learning"
    learning_curve_ = pd.DataFrame({"epoch": [1], "subset": ["training"], "loss": [2.0], "accuracy": [0.1]})


def test_every_original_is_evaluated_once_with_its_labels():
    predictions = evaluate(Remembering, EXAMPLES, SPLITS).predictions
    originals = EXAMPLES.rows[EXAMPLES.rows["variant"] == 0]
    columns = ["take_id", "actor", "emotion"]
    pd.testing.assert_frame_equal(predictions[columns], originals[columns].reset_index(drop=True))
    assert list(predictions.columns) == [*PREDICTION_COLUMNS, *probability_columns(EXAMPLES.emotions)]
    assert set(predictions["protocol"]) == {"speaker_independent"}
    assert set(predictions["fold_scheme"]) == {"loso"}


def test_every_fold_is_fitted_afresh_without_its_judged_actor():
    heard = []
    evaluate(lambda: Remembering(heard), EXAMPLES, SPLITS)
    assert heard == [("02", "03"), ("01", "03"), ("01", "02")]


def test_it_tells_which_rows_a_model_was_really_given():
    given = evaluate(Remembering, EXAMPLES, SPLITS).training_rows
    assert list(given.columns) == ["model", "protocol", "fold_scheme", "fold", "corpus", "take_id", "variant"]
    first = given[given["fold"] == "1"]
    wanted = EXAMPLES.rows.iloc[SPLITS[0].training]
    assert first["take_id"].tolist() == wanted["take_id"].tolist()
    assert first["variant"].tolist() == wanted["variant"].tolist()


@pytest.mark.parametrize("name", ["random_forest", "neural_network"])
def test_worker_processes_judge_alike(name):
    factory = functools.partial(MODELS[name].load_class().brief, 1)
    here, there = evaluate(factory, EXAMPLES, SPLITS), evaluate(factory, EXAMPLES, SPLITS, workers=2)
    for one, other in zip(here, there, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_model_that_is_kept_hears_everybody_and_is_saved(tmp_path):
    heard = []

    class Saving(Remembering):
        def save(self, folder):
            (folder / "heard").write_text(" ".join(self.heard[-1]))

    judgement = evaluate(lambda: Saving(heard), EXAMPLES, SPLITS, [FinalFit(tmp_path, speaker_normalised=False)])
    assert (tmp_path / "heard").read_text() == "01 02 03"
    assert len(judgement.predictions) == (EXAMPLES.rows["variant"] == 0).sum()


@pytest.mark.parametrize("is_calibrated", [False, True])
def test_a_model_that_is_kept_learns_from_the_evidence_it_is_kept_for(tmp_path, is_calibrated):
    factory = functools.partial(MODELS["random_forest"].load_class().brief, 1)
    judgement = evaluate(factory, EXAMPLES, SPLITS[:1], [FinalFit(tmp_path, is_calibrated)])
    assert load_model(tmp_path).facts_["speaker_normalised"] == is_calibrated
    kept = judgement.validation_predictions[judgement.validation_predictions["fold"] == FINAL]
    assert set(kept["protocol"]) == {"speaker_normalised" if is_calibrated else "speaker_independent"}


def test_what_is_held_out_in_training_is_never_of_a_judged_actor():
    validation_predictions = evaluate(
        functools.partial(MODELS["random_forest"].load_class().brief, 1), EXAMPLES, SPLITS
    ).validation_predictions
    judged_in = {split.fold: set(EXAMPLES.rows["actor"].iloc[split.test]) for split in SPLITS}
    assert set(validation_predictions["fold"]) == set(judged_in)
    assert all(
        actor not in judged_in[fold]
        for fold, actor in zip(validation_predictions["fold"], validation_predictions["actor"], strict=True)
    )


def test_learning_curves_say_which_fold_they_are_from():
    curves = evaluate(Learning, EXAMPLES, SPLITS).learning_curves
    assert list(curves.columns) == list(CURVE_COLUMNS)
    assert curves["fold"].tolist() == ["1", "2", "3"]


def test_a_model_without_epochs_has_an_empty_curve_with_the_same_columns():
    curves = evaluate(Remembering, EXAMPLES, SPLITS).learning_curves
    assert curves.empty
    assert list(curves.columns) == list(CURVE_COLUMNS)


def test_progress_is_told_from_none_to_all():
    told = []
    evaluate(Remembering, EXAMPLES, SPLITS, progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_even_guesses_score_as_chance():
    scores = score_table(evaluate(Remembering, EXAMPLES, SPLITS).predictions, draws=20).set_index("metric")["value"]
    assert scores["uar"] == pytest.approx(1 / 8)
    assert scores["roc_auc"] == pytest.approx(1 / 2)
    assert scores["log_loss"] == pytest.approx(np.log(8))


def test_nothing_to_judge_on_is_refused():
    with pytest.raises(ValueError, match="no split"):
        evaluate(Remembering, EXAMPLES, [])
