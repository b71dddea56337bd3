import numpy as np
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.data.examples import Examples
from ser_assets_tests.factories.examples import made_up_examples, with_functionals, with_sequences


def changed(examples, **parts):
    whole = {name: getattr(examples, name) for name in ("rows", "emotions", "sets")}
    return Examples(**(whole | parts))


def test_labels_point_into_the_order_of_the_emotions():
    examples = made_up_examples(("01",))
    assert [EMOTIONS[label] for label in examples.labels] == list(examples.rows["emotion"])


def test_a_subset_keeps_rows_numbers_and_sequences_together():
    examples = made_up_examples(("01", "02"))
    part = examples.subset(np.array([5, 2]))
    assert list(part.rows["take_id"]) == [examples.rows["take_id"][5], examples.rows["take_id"][2]]
    assert list(part.rows.index) == [0, 1]
    np.testing.assert_array_equal(part["functionals"].values, examples["functionals"].values[[5, 2]])
    assert part["mel_sequences"].values[1] is examples["mel_sequences"].values[2]


def test_actors_are_named_once_and_sorted():
    assert made_up_examples(("07", "02")).actors == ("02", "07")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (lambda e: {"rows": e.rows.drop(columns="audio_hash")}, "lack the columns audio_hash"),
        (lambda e: {"sets": {**e.sets, "functionals": e["functionals"].take(slice(-1))}}, "need the same clips"),
        (lambda e: {"sets": {**e.sets, "mel_sequences": e["mel_sequences"].take(slice(-1))}}, "need the same clips"),
        (lambda e: {"rows": e.rows[:-1]}, "rows do not fit"),
        (lambda e: {"rows": e.rows.assign(emotion="bored")}, "unknown emotions: bored"),
        (lambda e: {"rows": e.rows.assign(take_id="01-01-01-01-01-01")}, "there twice"),
        (lambda e: with_functionals(e, e["functionals"].values * np.nan), "functionals are not finite in 18 clips"),
        (lambda e: with_sequences(e, [v * np.nan for v in e["mel_sequences"].values]), "mel_sequences are not finite"),
        (lambda e: {"emotions": (*e.emotions, "Calm")}, "must differ by more than case: .*Calm"),
    ],
)
def test_parts_that_no_model_can_learn_from_are_refused(part, message):
    examples = made_up_examples(("01",))
    with pytest.raises(ValueError, match=message):
        changed(examples, **part(examples))


def test_permuted_labels_are_dealt_out_within_each_actor():
    examples = made_up_examples(("01", "02"), takes_each=4)
    permuted = examples.with_labels_permuted(seed=3)
    assert (permuted.labels != examples.labels).mean() > 0.5
    originals = examples.rows["variant"] == 0
    for actor in ("01", "02"):
        own = originals & (examples.rows["actor"] == actor)
        assert sorted(permuted.labels[own]) == sorted(examples.labels[own])


def test_a_copy_takes_the_permuted_label_of_its_take():
    permuted = made_up_examples(("01", "02")).with_labels_permuted(seed=3)
    assert (permuted.rows.groupby("take_id")["emotion"].nunique() == 1).all()


def test_the_same_seed_permutes_the_same_way_whatever_the_order_of_the_rows():
    examples = made_up_examples(("01", "02"))
    backwards = np.arange(len(examples))[::-1]
    once = examples.with_labels_permuted(seed=3).subset(backwards)
    again = examples.subset(backwards).with_labels_permuted(seed=3)
    np.testing.assert_array_equal(once.labels, again.labels)
    assert (once.labels != examples.with_labels_permuted(seed=4).subset(backwards).labels).any()
