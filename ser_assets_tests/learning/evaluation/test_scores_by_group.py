import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.bootstrap import FEWEST_ACTORS
from ser_assets.learning.evaluation.scores import (
    GROUPINGS,
    recall_by_actor,
    recall_by_emotion,
    score_table,
    scores_by_group,
)
from ser_assets_tests.factories.examples import made_up_predictions, made_up_rows

P = [f"p_{emotion}" for emotion in EMOTIONS]
ACTORS = ("01", "02", "03", "05", "07", "09")
"""Actor 02 is the only woman."""


def labels_of(actors, takes_each):
    """Every second take is strong, every third says the other sentence; neutral is never strong."""
    rows = made_up_rows(actors, takes_each, copies_of_neutral=0)
    number = np.arange(len(rows))
    return rows[["take_id", "gender"]].assign(
        intensity=np.where((number % 2 == 1) & (rows["emotion"] != "neutral"), "strong", "normal"),
        statement=np.where(number % 3 == 1, "Dogs are sitting by the door", "Kids are talking by the door"),
    )


def scored(predictions, takes, draws=50):
    return scores_by_group(predictions, takes, draws).set_index(["grouping", "group", "metric"]).sort_index()


@given(seed=st.integers(0, 10_000), takes_each=st.integers(1, 4))
@settings(deadline=None, max_examples=10)
def test_a_group_scores_as_scikit_learn_scores_its_takes_alone(seed, takes_each):
    predictions, takes = made_up_predictions(ACTORS, takes_each, seed), labels_of(ACTORS, takes_each)
    table, labelled = scored(predictions, takes, draws=5), predictions.merge(takes, on="take_id")
    for grouping in GROUPINGS:
        assert set(table.loc[grouping].index.unique("group")) == set(labelled[grouping])
        for group, inside in labelled.groupby(grouping):
            truth, guess = inside["emotion"].map(EMOTIONS.index), inside[P].to_numpy().argmax(axis=1)
            uar = metrics.recall_score(truth, guess, labels=truth.unique(), average="macro", zero_division=0)
            assert table.loc[(grouping, group, "uar"), "value"] == pytest.approx(uar, abs=1e-12)
            accuracy = metrics.accuracy_score(truth, guess)
            assert table.loc[(grouping, group, "accuracy"), "value"] == pytest.approx(accuracy, abs=1e-12)
            assert (table.loc[(grouping, group), "takes"] == len(inside)).all()
            assert (table.loc[(grouping, group), "actors"] == inside["actor"].nunique()).all()


def test_emotions_and_actors_are_scored_as_their_recalls():
    predictions = made_up_predictions(ACTORS)
    table = scored(predictions, labels_of(ACTORS, 2))["value"]
    uar = table.xs("uar", level="metric")
    by_emotion = recall_by_emotion(predictions).set_index("emotion")["recall"].to_dict()
    assert uar["emotion"].to_dict() == pytest.approx(by_emotion)
    by_actor = recall_by_actor(predictions).set_index("actor")
    assert uar["actor"].to_dict() == pytest.approx(by_actor["uar"].to_dict())
    accuracy = table.xs("accuracy", level="metric")["actor"].to_dict()
    assert accuracy == pytest.approx(by_actor["accuracy"].to_dict())


def test_a_group_of_all_takes_has_the_score_and_the_interval_of_all():
    predictions = made_up_predictions(ACTORS)
    takes = labels_of(ACTORS, 2).assign(intensity="normal")
    group = scored(predictions, takes, draws=200).loc["intensity", "normal"]
    whole = score_table(predictions, draws=200).set_index("metric").loc[["accuracy", "uar"]]
    numbers = ["value", "low", "high", "actors", "takes"]
    pd.testing.assert_frame_equal(group[numbers], whole[numbers], check_names=False, check_dtype=False)


def test_in_a_draw_a_group_scores_as_if_its_actors_were_there_that_often():
    predictions, takes = made_up_predictions(ACTORS, takes_each=3), labels_of(ACTORS, 3)
    table = scored(predictions, takes, draws=1)
    men = [actor for actor in ACTORS if actor != "02"]
    drawn = np.random.default_rng(42).multinomial(len(men), np.full(len(men), 1 / len(men)), size=1)[0]
    repeated = pd.concat(
        [predictions[predictions["actor"] == man] for man, n in zip(men, drawn, strict=True) for _ in range(n)]
    )
    truth, guess = repeated["emotion"].map(EMOTIONS.index), repeated[P].to_numpy().argmax(axis=1)
    expected = {"uar": metrics.balanced_accuracy_score(truth, guess), "accuracy": metrics.accuracy_score(truth, guess)}
    for metric, value in expected.items():
        row = table.loc[("gender", "male", metric)]
        assert row["low"] == row["high"] == pytest.approx(value, abs=1e-12)


def test_only_a_group_of_enough_actors_has_an_interval():
    table = scored(made_up_predictions(ACTORS), labels_of(ACTORS, 2))
    has_interval = table[["low", "high"]].notna().all(axis=1)
    assert table["value"].notna().all()
    assert (has_interval == (table["actors"] >= FEWEST_ACTORS)).all()
    assert not has_interval["actor"].any()
    assert not has_interval["gender", "female"].any()
    assert has_interval["gender", "male"].all()


def test_an_emotion_that_a_group_never_performed_is_left_out_of_its_uar():
    predictions, takes = made_up_predictions(ACTORS), labels_of(ACTORS, 2)
    strong = predictions[predictions["take_id"].isin(takes.query("intensity == 'strong'")["take_id"])]
    recalls = recall_by_emotion(strong).set_index("emotion")["recall"]
    assert np.isnan(recalls["neutral"])
    assert scored(predictions, takes)["value"]["intensity", "strong", "uar"] == pytest.approx(recalls.mean())


def test_groups_stand_in_their_order_and_hold_every_take_once():
    predictions = made_up_predictions(ACTORS).sample(frac=1, random_state=1)
    table = scores_by_group(predictions, labels_of(ACTORS, 2), draws=10).query("metric == 'uar'")
    assert table["grouping"].unique().tolist() == [*GROUPINGS]
    assert table.query("grouping == 'emotion'")["group"].tolist() == [*EMOTIONS]
    assert table.query("grouping == 'actor'")["group"].tolist() == [*ACTORS]
    assert (table.groupby("grouping")["takes"].sum() == len(predictions)).all()


def test_every_model_and_protocol_is_scored_on_its_own():
    predictions = made_up_predictions(ACTORS)
    other = made_up_predictions(ACTORS, seed=1).assign(model="other", protocol="random_split", fold_scheme="")
    takes = labels_of(ACTORS, 2)
    table = scores_by_group(pd.concat([other, predictions]), takes, draws=50)
    alone = scores_by_group(predictions, takes, draws=50)
    assert table["model"].unique().tolist() == ["other", "guess"]
    pd.testing.assert_frame_equal(table.query("model == 'guess'").reset_index(drop=True), alone)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda takes: takes.iloc[1:], "nothing is known of take 01-01-01-01-01-01"),
        (lambda takes: pd.concat([takes, takes.iloc[:1]]), "not unique"),
    ],
)
def test_unknown_takes_and_those_that_are_there_twice_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        scores_by_group(made_up_predictions(ACTORS), change(labels_of(ACTORS, 2)))


def test_predictions_that_cannot_be_scored_are_not_grouped():
    with pytest.raises(ValueError, match="not finite"):
        scores_by_group(made_up_predictions(ACTORS).assign(p_sad=np.inf), labels_of(ACTORS, 2))
