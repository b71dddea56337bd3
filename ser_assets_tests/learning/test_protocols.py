import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.corpus.ravdess import ACTORS
from ser_assets.learning.protocols import (
    FOLD_SCHEMES,
    LeakError,
    Split,
    leak_proof,
    speaker_independent,
    validation_parts,
)
from ser_assets_tests.learning.corpora import made_up_examples, made_up_rows

ANY_ACTORS = st.lists(st.sampled_from(ACTORS), min_size=2, max_size=8, unique=True).map(tuple)


@st.composite
def corpora(draw):
    """Any few takes of any few actors, some with copies, some with the same recording under two names."""
    clips = []
    for actor in draw(ANY_ACTORS):
        for take in range(draw(st.integers(1, 4))):
            recording = draw(st.integers(0, 40))
            clips += [
                {"take_id": f"{take}-{actor}", "variant": variant, "actor": actor, "recording": str(recording)}
                for variant in range(draw(st.integers(1, 3)))
            ]
    return pd.DataFrame(draw(st.permutations(clips)))


def both_sides(split):
    return split.rows.iloc[split.training], split.rows.iloc[split.judged]


def split_of(rows, training, judged):
    return Split("by hand", "any", "1", np.array(training, int), np.array(judged, int), rows)


@pytest.mark.parametrize("scheme", FOLD_SCHEMES)
def test_a_scheme_judges_every_actor_once(scheme):
    assert sorted(actor for fold in FOLD_SCHEMES[scheme] for actor in fold) == list(ACTORS)


@settings(deadline=None)
@given(rows=corpora(), scheme=st.sampled_from(sorted(FOLD_SCHEMES)))
def test_no_split_ever_leaks(rows, scheme):
    try:
        splits = speaker_independent(rows, scheme)
    except ValueError:
        return
    for split in splits:
        training, judged = both_sides(split)
        for column in ("actor", "take_id", "recording"):
            assert not set(training[column]) & set(judged[column])
        assert (judged["variant"] == 0).all()


@settings(deadline=None)
@given(actors=ANY_ACTORS, scheme=st.sampled_from(["emobox6", "loso"]))
def test_every_original_is_judged_once_and_never_by_a_model_that_was_shown_it(actors, scheme):
    rows = made_up_rows(actors, takes_each=1)
    try:
        splits = speaker_independent(rows, scheme)
    except ValueError as refused:
        assert "leaves none to train on" in str(refused)  # noqa: PT017
        return
    judged = sorted(position for split in splits for position in split.judged)
    assert judged == list(np.flatnonzero(rows["variant"] == 0))
    assert all(len(split.training) + len(split.judged) <= len(rows) for split in splits)


@settings(deadline=None)
@given(rows=corpora(), parts=st.integers(1, 4), seed=st.integers(0, 99))
def test_no_validation_part_leaks(rows, parts, seed):
    try:
        splits = list(validation_parts(rows, parts, seed))
    except LeakError:
        return
    assert len(splits) == parts
    for split in splits:
        training, judged = both_sides(split)
        assert not set(training["actor"]) & set(judged["actor"])
        assert not set(training["recording"]) & set(judged["recording"])


def test_folds_are_restricted_to_the_actors_at_hand():
    splits = speaker_independent(made_up_rows(("01", "02", "03", "04", "05", "06")), "luna5")
    assert [sorted(set(both_sides(split)[1]["actor"])) for split in splits] == [
        ["02", "05"],
        ["03", "06"],
        ["01", "04"],
    ]
    assert [split.fold for split in splits] == ["1", "2", "5"]


def test_copies_are_trained_on_and_never_judged():
    split = speaker_independent(made_up_rows(("01", "02")), "loso")[0]
    training, judged = both_sides(split)
    assert (training["variant"] > 0).any()
    assert (judged["variant"] == 0).all()


def test_a_split_hands_out_its_examples():
    examples = made_up_examples(("01", "02", "03"))
    split = speaker_independent(examples.rows, "loso")[1]
    assert split.judged_examples(examples).actors == ("02",)
    assert split.training_examples(examples).actors == ("01", "03")


def test_a_split_refuses_examples_it_was_not_made_for():
    examples = made_up_examples(("01", "02"))
    split = speaker_independent(examples.rows, "loso")[0]
    with pytest.raises(ValueError, match="made for other rows"):
        split.judged_examples(examples.subset(np.arange(len(examples))[::-1]))


def test_positions_cannot_be_changed_afterwards():
    split = speaker_independent(made_up_rows(("01", "02")), "loso")[0]
    with pytest.raises(ValueError, match="read-only"):
        split.training[0] = split.judged[0]


class TestWhatIsRefused:
    rows = made_up_rows(("01", "02"))

    def test_an_actor_on_both_sides(self):
        with pytest.raises(LeakError, match="actors 01"):
            split_of(self.rows, [4, 5], [6, 7])

    def test_a_copy_of_what_is_judged(self):
        rows = self.rows.assign(actor=[str(number) for number in range(len(self.rows))])
        original, copy = np.flatnonzero(rows["take_id"] == rows["take_id"][0])
        with pytest.raises(LeakError, match="takes 01-01-01-01-01-01"):
            split_of(rows, [copy], [original])

    def test_the_same_recording_under_two_names(self):
        rows = self.rows.assign(recording="the very same")
        with pytest.raises(LeakError, match="recordings the very same"):
            speaker_independent(rows, "loso")

    def test_only_a_few_offenders_are_listed(self):
        originals = np.flatnonzero(self.rows["variant"] == 0)
        with pytest.raises(LeakError, match="and 27 more"):
            split_of(self.rows, originals, originals)

    @pytest.mark.parametrize(
        ("training", "judged", "message"),
        [
            ([], [0], "left to train on"),
            ([0], [], "nothing is judged"),
            ([0], [99], "does not exist"),
            ([-1], [0], "does not exist"),
            ([0, 0], [20], "names a row twice"),
            ([20], [1], "copies would be judged"),
        ],
    )
    def test_positions_that_make_no_split(self, training, judged, message):
        with pytest.raises(ValueError, match=message):
            split_of(self.rows, training, judged)

    def test_a_single_actor(self):
        with pytest.raises(ValueError, match="at least two actors; only 03 is materialised"):
            speaker_independent(made_up_rows(("03",)))

    def test_no_actor(self):
        with pytest.raises(ValueError, match="at least two actors; none is materialised"):
            speaker_independent(self.rows.iloc[:0])

    def test_actors_that_one_fold_holds_together(self):
        with pytest.raises(
            ValueError, match="leaves none to train on; materialise another actor or judge with folds 'loso'"
        ):
            speaker_independent(made_up_rows(("02", "05")), "luna5")

    def test_an_actor_that_no_fold_knows(self):
        with pytest.raises(ValueError, match="no fold for actor 25"):
            speaker_independent(made_up_rows(("01", "25")))

    def test_an_unknown_scheme(self):
        with pytest.raises(ValueError, match="unknown folds 'random'"):
            speaker_independent(self.rows, "random")


class TestValidation:
    def test_about_one_actor_in_five_is_left_out(self):
        (split,) = validation_parts(made_up_rows(ACTORS[:16]), parts=1, seed=1)
        assert len(set(both_sides(split)[1]["actor"])) == 3

    def test_parts_leave_out_different_actors(self):
        first, second = validation_parts(made_up_rows(ACTORS[:10]), parts=2, seed=1)
        assert not set(both_sides(first)[1]["actor"]) & set(both_sides(second)[1]["actor"])

    def test_the_same_seed_gives_the_same_parts(self):
        once, again = (
            [split.judged.tolist() for split in validation_parts(made_up_rows(ACTORS[:9]), 3, seed=7)] for _ in range(2)
        )
        assert once == again

    def test_a_single_actor_leaves_nobody_to_leave_out(self):
        assert list(validation_parts(made_up_rows(("01",)), parts=2, seed=1)) == [None, None]


def test_the_leak_proof_has_a_row_for_each_fold_and_nothing_shared():
    proof = leak_proof(speaker_independent(made_up_rows(("01", "02", "03")), "loso"))
    assert proof["judged_actors"].tolist() == ["01", "02", "03"]
    assert proof["training_actors"].tolist() == ["02 03", "01 03", "01 02"]
    assert (proof[["shared_actors", "shared_takes", "shared_recordings"]] == 0).all(axis=None)
