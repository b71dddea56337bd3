import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.bootstrap import FEWEST_ACTORS
from ser_assets.learning.evaluation.scores import METRICS, score_differences, score_table
from ser_assets_tests.factories.examples import made_up_predictions

P = [f"p_{emotion}" for emotion in EMOTIONS]
ACTORS = tuple(f"{number:02d}" for number in range(1, 9))
NUMBERS = ["difference", "low", "high"]


def called(name, predictions):
    return predictions.assign(model=name)


def much_alike(predictions, share=0.1, seed=1):
    """The same predictions but for a share of the takes, which are guessed anew."""
    random = np.random.default_rng(seed)
    anew = random.random(len(predictions)) < share
    changed = predictions.copy()
    changed.loc[anew, P] = random.dirichlet(np.ones(len(P)), anew.sum())
    return changed


def surer(predictions):
    """The same answers, so the same UAR, with sharper probabilities."""
    sharp = predictions[P].to_numpy() ** 2
    return predictions.assign(**dict(zip(P, (sharp / sharp.sum(axis=1, keepdims=True)).T, strict=True)))


def test_models_that_predict_the_same_differ_by_nothing():
    predictions = made_up_predictions(ACTORS)
    table = score_differences(pd.concat([called("one", predictions), called("two", predictions)]), draws=100)
    assert table["metric"].tolist() == [*METRICS]
    assert (table[NUMBERS] == 0).all(axis=None)


def test_nine_decimals_are_told_so_that_the_interval_of_a_tie_does_not_miss_zero():
    predictions = made_up_predictions(ACTORS)
    table = score_differences(pd.concat([called("one", predictions), called("two", surer(predictions))]), draws=100)
    assert table[NUMBERS].equals(table[NUMBERS].round(9))


def test_the_other_way_round_the_difference_has_the_other_sign():
    predictions = made_up_predictions(ACTORS)
    one, two = called("one", predictions), called("two", surer(predictions))
    forth = score_differences(pd.concat([one, two]), draws=100)
    back = score_differences(pd.concat([two, one]), draws=100)
    assert (forth[["model", "other"]].to_numpy() == back[["other", "model"]].to_numpy()).all()
    assert forth.set_index("metric")["difference"].drop(["accuracy", "uar", "f1_macro", "f1_weighted"]).all()
    np.testing.assert_allclose(forth[NUMBERS], -back[["difference", "high", "low"]], atol=1e-15)


def test_each_pair_stands_once_with_the_higher_uar_first():
    models = {"poor": 2.0, "good": 0.0, "fair": 0.4}
    predictions = pd.concat([called(name, much_alike(made_up_predictions(ACTORS), s)) for name, s in models.items()])
    table = score_differences(predictions, draws=10)
    pairs = table[["model", "other"]].drop_duplicates().apply(tuple, axis=1)
    assert set(pairs) == {("good", "poor"), ("fair", "poor"), ("good", "fair")}
    assert len(table) == len(pairs) * len(METRICS)
    assert (table.query("metric == 'uar'")["difference"] > 0).all()


def test_a_difference_is_that_of_the_scores():
    predictions = made_up_predictions(ACTORS)
    both = pd.concat([called("one", predictions), called("two", much_alike(predictions, share=0.5))])
    value = score_table(both, draws=10).pivot(index="metric", columns="model", values="value")
    table = score_differences(both, draws=10).set_index("metric")
    for metric, row in table.iterrows():
        expected = value.loc[metric, row["model"]] - value.loc[metric, row["other"]]
        assert row["difference"] == pytest.approx(expected, abs=1e-9)
    assert (table["actors"] == len(ACTORS)).all()
    assert (table["takes"] == len(predictions)).all()


def test_in_a_draw_the_difference_is_that_of_the_scores_in_the_same_draw():
    predictions = made_up_predictions(ACTORS)
    both = pd.concat([called("one", predictions), called("two", much_alike(predictions, share=0.5))])
    drawn = score_table(both, draws=1, seed=5).pivot(index="metric", columns="model", values="low")
    for _, row in score_differences(both, draws=1, seed=5).iterrows():
        expected = drawn.loc[row["metric"], row["model"]] - drawn.loc[row["metric"], row["other"]]
        assert row["low"] == row["high"] == pytest.approx(expected, abs=1e-9)


def test_a_paired_interval_is_narrower_than_two_separate_ones_would_allow():
    predictions = made_up_predictions(ACTORS)
    both = pd.concat([called("one", predictions), called("two", much_alike(predictions))])
    alone = score_table(both).assign(width=lambda table: table["high"] - table["low"])
    unpaired = alone.groupby("metric")["width"].apply(lambda widths: np.hypot(*widths))
    paired = score_differences(both).set_index("metric").eval("high - low")
    assert (paired < 0.75 * unpaired[paired.index]).all()


def test_models_judged_on_different_takes_are_not_compared():
    predictions = made_up_predictions(ACTORS)
    missed_one = called("missed one", predictions.iloc[1:])
    table = score_differences(
        pd.concat([called("one", predictions), missed_one, called("two", surer(predictions))]), draws=10
    )
    assert set(table["model"]) | set(table["other"]) == {"one", "two"}


def test_models_are_compared_under_one_protocol_and_on_the_same_folds_only():
    one, two = called("one", made_up_predictions(ACTORS)), called("two", surer(made_up_predictions(ACTORS)))
    apart = pd.concat(
        [one.assign(fold_scheme="luna5"), two.assign(fold_scheme="emobox6"), two.assign(protocol="random_split")]
    )
    assert score_differences(apart, draws=10).empty
    table = score_differences(pd.concat([apart, two.assign(fold_scheme="luna5")]), draws=10)
    assert table[["protocol", "fold_scheme"]].drop_duplicates().to_numpy().tolist() == [
        ["speaker_independent", "luna5"]
    ]


@pytest.mark.parametrize("actors", range(1, FEWEST_ACTORS))
def test_too_few_actors_have_differences_and_no_interval(actors):
    predictions = made_up_predictions(ACTORS[:actors])
    table = score_differences(pd.concat([called("one", predictions), called("two", surer(predictions))]))
    assert table["difference"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_without_a_pair_the_table_is_empty_and_fits_into_a_database_all_the_same():
    predictions = made_up_predictions(ACTORS)
    pair = score_differences(pd.concat([predictions, called("two", predictions)]), draws=10)
    none = score_differences(predictions, draws=10)
    assert none.empty
    assert pa.Schema.from_pandas(none).types == pa.Schema.from_pandas(pair).types


def test_predictions_that_cannot_be_scored_are_not_compared():
    predictions = made_up_predictions(("01", "02"))
    with pytest.raises(ValueError, match="evaluated twice"):
        score_differences(pd.concat([predictions, predictions]))
