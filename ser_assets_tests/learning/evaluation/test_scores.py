import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.bootstrap import FEWEST_ACTORS, bootstrap_counts, percentile_interval
from ser_assets.learning.evaluation.scores import (
    METRICS,
    confusion_matrix,
    recall_by_actor,
    recall_by_emotion,
    score_table,
)
from ser_assets_tests.factories.examples import made_up_predictions

P = [f"p_{emotion}" for emotion in EMOTIONS]
ACTORS = tuple(f"{number:02d}" for number in range(1, 25))
FEW = ACTORS[:FEWEST_ACTORS]


def values(predictions, column="value"):
    return score_table(predictions, draws=50).set_index("metric")[column]


def expected_calibration_error(truth, probabilities, bins=15):
    """Guo et al. 2017, equation 3, take by take."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    error = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            error += inside.sum() / len(truth) * abs(right[inside].mean() - confidence[inside].mean())
    return error


def by_scikit_learn(predictions):
    """All metrics; the means over emotions by hand, because scikit-learn refuses a ranking where one is missing."""
    truth = predictions["emotion"].map(EMOTIONS.index).to_numpy()
    probabilities = predictions[P].to_numpy()
    guess = probabilities.argmax(axis=1)
    performed = np.unique(truth)
    return {
        "accuracy": metrics.accuracy_score(truth, guess),
        "uar": metrics.recall_score(truth, guess, labels=performed, average="macro"),
        "f1_macro": metrics.f1_score(truth, guess, average="macro"),
        "f1_weighted": metrics.f1_score(truth, guess, average="weighted"),
        "roc_auc": np.mean([metrics.roc_auc_score(truth == label, probabilities[:, label]) for label in performed]),
        "log_loss": metrics.log_loss(truth, probabilities, labels=range(len(EMOTIONS))),
        "calibration_error": expected_calibration_error(truth, probabilities),
    }


@given(
    seed=st.integers(0, 10_000),
    actors=st.integers(1, 5),
    takes_each=st.integers(1, 4),
    missing=st.sets(st.sampled_from(EMOTIONS), max_size=6),
)
@settings(deadline=None, max_examples=30)
def test_values_are_those_of_scikit_learn(seed, actors, takes_each, missing):
    predictions = made_up_predictions(tuple(f"{number:02d}" for number in range(1, actors + 1)), takes_each, seed)
    performed = predictions[~predictions["emotion"].isin(missing)]
    ours, theirs = values(performed), by_scikit_learn(performed)
    for metric in METRICS:
        assert ours[metric] == pytest.approx(theirs[metric], abs=1e-12), metric


def test_with_all_emotions_the_means_are_those_that_scikit_learn_takes_itself():
    predictions = made_up_predictions(("01", "02", "03"))
    truth, probabilities = predictions["emotion"].map(EMOTIONS.index), predictions[P].to_numpy()
    ours = values(predictions)
    uar = metrics.balanced_accuracy_score(truth, probabilities.argmax(axis=1))
    area = metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    assert ours["uar"] == pytest.approx(uar, abs=1e-12)
    assert ours["roc_auc"] == pytest.approx(area, abs=1e-12)


def test_a_bootstrap_draw_scores_as_if_its_actors_were_there_that_often():
    predictions = made_up_predictions(FEW, takes_each=3)
    drawn = np.random.default_rng(42).multinomial(len(FEW), np.full(len(FEW), 1 / len(FEW)), size=1)[0]
    repeated = [
        predictions[predictions["actor"] == actor] for actor, n in zip(FEW, drawn, strict=True) for _ in range(n)
    ]
    table = score_table(predictions, draws=1, seed=42).set_index("metric")
    expected = by_scikit_learn(pd.concat(repeated))
    for metric in METRICS:
        assert table["low"][metric] == table["high"][metric] == pytest.approx(expected[metric], abs=1e-12), metric


@pytest.mark.parametrize("actors", [FEW, ACTORS[:20]])
def test_an_interval_holds_its_value(actors):
    table = score_table(made_up_predictions(actors), draws=500)
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()
    assert (table["actors"] == len(actors)).all()
    assert (table["takes"] == 16 * len(actors)).all()


@pytest.mark.parametrize(("actors", "lowest", "highest"), [(6, 0.83, 0.88), (24, 0.91, 0.95)])
def test_intervals_cover_as_much_less_than_95_percent_as_is_said(actors, lowest, highest):
    scores = np.random.default_rng(0).normal(size=(2000, actors))
    drawn = scores @ bootstrap_counts(actors, 500, 42).T / actors
    intervals = np.array([percentile_interval(each) for each in drawn])
    covers = (intervals[:, 0] <= 0) & (intervals[:, 1] >= 0)
    assert lowest < covers.mean() < highest


@pytest.mark.parametrize("actors", range(1, FEWEST_ACTORS))
def test_too_few_actors_have_scores_and_no_interval(actors):
    table = score_table(made_up_predictions(ACTORS[:actors]))
    assert table["value"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_more_actors_make_a_narrower_interval():
    few = score_table(made_up_predictions(FEW))
    many = score_table(made_up_predictions(ACTORS))
    assert (many["high"] - many["low"]).mean() < (few["high"] - few["low"]).mean()


def test_the_same_seed_gives_the_same_table():
    predictions = made_up_predictions(FEW)
    pd.testing.assert_frame_equal(score_table(predictions), score_table(predictions))


def test_the_order_of_the_takes_does_not_matter():
    predictions = made_up_predictions(FEW)
    shuffled = predictions.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(score_table(predictions, draws=50), score_table(shuffled, draws=50))


def test_every_model_has_a_row_for_every_metric():
    both = pd.concat([made_up_predictions(("01", "02"), model=model) for model in ("one", "two")])
    table = score_table(both, draws=10)
    assert table.groupby("model", sort=False)["metric"].apply(list).to_dict() == {"one": [*METRICS], "two": [*METRICS]}


def test_perfect_predictions_score_perfectly_in_every_draw():
    predictions = made_up_predictions(FEW)
    predictions[P] = np.eye(len(EMOTIONS))[predictions["emotion"].map(EMOTIONS.index)]
    table = score_table(predictions, draws=20).set_index("metric")[["value", "low", "high"]]
    assert np.allclose(table.drop(index=["log_loss", "calibration_error"]), 1)
    assert np.allclose(table.loc[["log_loss", "calibration_error"]], 0)


def test_an_emotion_nobody_performed_is_left_out_of_the_means():
    predictions = made_up_predictions(("01", "02")).query("emotion != 'disgust'")
    scores = values(predictions)
    recalls = recall_by_emotion(predictions).set_index("emotion")["recall"]
    assert np.isnan(recalls["disgust"])
    assert scores["uar"] == pytest.approx(recalls.mean())
    assert scores.notna().all()


def test_a_single_emotion_cannot_be_ranked_against_others():
    assert np.isnan(values(made_up_predictions(("01", "02")).query("emotion == 'sad'"))["roc_auc"])


def test_the_confusion_matrix_has_performed_emotions_as_rows():
    predictions = made_up_predictions(("01",)).query("emotion == 'angry'").iloc[:1].copy()
    predictions[P] = np.eye(len(EMOTIONS))[[EMOTIONS.index("happy")]]
    counts = confusion_matrix(predictions)
    assert counts[EMOTIONS.index("angry"), EMOTIONS.index("happy")] == 1
    assert counts.sum() == 1


def test_recall_by_actor_is_the_score_of_that_actor_alone():
    predictions = made_up_predictions(("01", "02"), takes_each=4)
    alone = values(predictions.query("actor == '02'"))
    row = recall_by_actor(predictions).set_index("actor").loc["02"]
    assert row["uar"] == pytest.approx(alone["uar"])
    assert row["accuracy"] == pytest.approx(alone["accuracy"])
    assert row["takes"] == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[:0], "no prediction"),
        (lambda table: table.assign(p_sad=np.nan), "not finite"),
        (lambda table: pd.concat([table, table]), "evaluated twice"),
    ],
)
def test_predictions_that_cannot_be_scored_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        score_table(change(made_up_predictions(("01", "02"))))
