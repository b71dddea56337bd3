import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import CALIBRATION_BINS, reliability, score_table
from ser_assets_tests.factories.examples import made_up_predictions

P = [f"p_{emotion}" for emotion in EMOTIONS]


def answers(given):
    """One take for each (top probability, right or wrong), of two actors in turn."""
    rows = []
    for number, (confidence, right) in enumerate(given):
        chances = np.full(len(EMOTIONS), (1 - confidence) / (len(EMOTIONS) - 1))
        chances[0 if right else 1] = confidence
        rows.append(
            ["guess", "random_split", "", "1", f"take {number}", f"{number % 2 + 1:02d}", EMOTIONS[0], *chances]
        )
    return pd.DataFrame(rows, columns=["model", "protocol", "fold_scheme", "fold", "take_id", "actor", "emotion", *P])


def calibration_error(predictions):
    return score_table(predictions, draws=10).set_index("metric")["value"]["calibration_error"]


def test_who_is_right_as_often_as_sure_has_no_calibration_error():
    three_of_four = [(0.75, True)] * 3 + [(0.75, False)]
    one_of_two = [(0.5, True), (0.5, False)]
    assert calibration_error(answers(three_of_four + one_of_two)) == pytest.approx(0, abs=1e-12)


def test_who_is_always_sure_and_always_wrong_has_the_largest_calibration_error():
    assert calibration_error(answers([(1.0, False)] * 6)) == 1


def test_too_sure_in_one_bin_does_not_make_up_for_too_unsure_in_another():
    assert calibration_error(answers([(0.9, False), (0.3, True)])) == pytest.approx((0.9 + 0.7) / 2)


def test_too_sure_about_one_actor_makes_up_for_too_unsure_about_another_in_the_same_bin():
    assert calibration_error(answers([(0.5, True), (0.5, False)])) == pytest.approx(0)


# For other numbers of bins some edges of scikit-learn are off by a rounding error, and made-up takes lie on edges.
@given(seed=st.integers(0, 10_000), takes_each=st.integers(1, 5), bins=st.sampled_from([1, 2, 4, 8, 15, 16]))
@settings(deadline=None, max_examples=30)
def test_reliability_is_the_calibration_curve_of_scikit_learn(seed, takes_each, bins):
    predictions = made_up_predictions(("01", "02"), takes_each, seed)
    probabilities = predictions[P].to_numpy()
    right = probabilities.argmax(axis=1) == predictions["emotion"].map(EMOTIONS.index)
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=bins)
    table = reliability(predictions, bins)
    np.testing.assert_allclose(table["accuracy"], accuracy, rtol=0, atol=1e-12)
    np.testing.assert_allclose(table["confidence"], confidence, rtol=0, atol=1e-12)


def test_the_calibration_error_is_the_mean_distance_of_reliability():
    predictions = made_up_predictions(("01", "02", "03"), takes_each=5)
    table = reliability(predictions)
    distance = (table["accuracy"] - table["confidence"]).abs()
    assert table["takes"].sum() == len(predictions)
    assert calibration_error(predictions) == pytest.approx(np.average(distance, weights=table["takes"]), abs=1e-12)


@pytest.mark.parametrize("edge", range(3, CALIBRATION_BINS + 1))
def test_a_bin_holds_its_upper_edge_and_not_its_lower_one(edge):
    confidence = edge / CALIBRATION_BINS
    table = reliability(answers([(confidence, True), (np.nextafter(confidence, 2), True)]))
    assert table["high"].iloc[0] == confidence
    assert table["takes"].tolist() == ([1, 1] if edge < CALIBRATION_BINS else [2])


def test_empty_bins_are_left_out():
    table = reliability(answers([(0.95, True), (0.85, False), (0.25, True)]), bins=10)
    assert table["low"].tolist() == [0.2, 0.8, 0.9]
    assert table["high"].tolist() == [0.3, 0.9, 1.0]
    assert table["accuracy"].tolist() == [1, 0, 1]
    assert table["takes"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.iloc[:0], "no prediction"),
        (lambda table: table.assign(p_sad=np.nan), "not finite"),
        (lambda table: pd.concat([table, table.assign(fold_scheme="emobox6")]), "several"),
    ],
)
def test_predictions_that_tell_no_reliability_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        reliability(change(answers([(0.9, True)])))
