import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.corpus.ravdess import ACTORS, EMOTIONS, FOLD_SCHEMES
from ser_assets.learning.protocols.fold_schemes import GROUPS5, LOSO, fold_schemes
from ser_assets.learning.protocols.names import PROTOCOL_NAMES
from ser_assets.learning.protocols.protocols import (
    PROTOCOLS,
    TooFewTakesError,
    dropped_folds,
    make_splits,
    notebook_split,
    permuted_labels,
    random_split,
    random_split_leaky,
    speaker_independent,
    speaker_normalised,
    validation_parts,
)
from ser_assets.learning.protocols.splits import (
    COLUMN_OF,
    LeakError,
    LeakyRandomSplit,
    NotebookSplit,
    RandomSplit,
    SpeakerIndependentSplit,
)
from ser_assets_tests.factories.examples import EMOBOX6, LUNA5, made_up_examples, made_up_rows

SCHEMES = (LUNA5, EMOBOX6, LOSO, GROUPS5)
ANY_ACTORS = st.lists(st.sampled_from(ACTORS), min_size=2, max_size=8, unique=True).map(tuple)


@st.composite
def corpora(draw):
    """Any few takes of any few actors, some with copies, some with the same recording under two names."""
    clips = []
    for actor in draw(ANY_ACTORS):
        for take in range(draw(st.integers(1, 8))):
            recording = draw(st.integers(0, 400))
            emotion = draw(st.sampled_from(EMOTIONS[:3]))
            clips += [
                {
                    "take_id": f"{take}-{actor}",
                    "variant": variant,
                    "actor": actor,
                    "audio_hash": str(recording),
                    "emotion": emotion,
                }
                for variant in range(draw(st.integers(1, 3)))
            ]
    return pd.DataFrame(draw(st.permutations(clips)))


def both_sides(split):
    return split.rows.iloc[split.training], split.rows.iloc[split.test]


def split_of(rows, training, test):
    return SpeakerIndependentSplit("by hand", "any", "1", np.array(training, int), np.array(test, int), rows)


def test_the_folds_are_those_that_were_published():
    luna5 = [{2, 5, 14, 15, 16}, {3, 6, 7, 13, 18}, {10, 11, 12, 19, 20}, {8, 17, 21, 23, 24}, {1, 4, 9, 22}]
    emobox6 = [{1, 11, 20, 21}, {4, 10, 12, 14}, {8, 9, 19, 23}, {3, 5, 7, 24}, {2, 15, 16, 18}, {6, 13, 17, 22}]
    assert [set(map(int, fold)) for fold in FOLD_SCHEMES["luna5"]] == luna5
    assert [set(map(int, fold)) for fold in FOLD_SCHEMES["emobox6"]] == emobox6


def test_every_protocol_is_named_in_the_settings():
    assert tuple(PROTOCOLS) == PROTOCOL_NAMES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_judges_every_actor_once(scheme):
    assert sorted(actor for fold in scheme.folds(ACTORS) for actor in fold) == list(ACTORS)


OTHERS = ("Anna B", "ben", "Çağrı", "d'Or", "1", "10", "2")


@pytest.mark.parametrize("scheme", [LOSO, GROUPS5])
def test_speakers_of_any_names_and_number_are_evaluated_once(scheme):
    for count in range(2, len(OTHERS) + 1):
        splits = speaker_independent(made_up_rows(OTHERS[:count], takes_each=1), scheme)
        test = [set(both_sides(split)[1]["actor"]) for split in splits]
        assert sorted(actor for actors in test for actor in actors) == sorted(OTHERS[:count])
        assert len(splits) == (count if scheme == LOSO else min(5, count))
        assert dropped_folds(OTHERS[:count], scheme) == []


def test_groups_are_dealt_in_turn_by_name_so_that_none_has_more_than_one_speaker_more():
    splits = speaker_independent(made_up_rows(OTHERS, takes_each=1), GROUPS5)
    assert [sorted(set(both_sides(split)[1]["actor"])) for split in splits] == [
        ["1", "d'Or"],
        ["10", "Çağrı"],
        ["2"],
        ["Anna B"],
        ["ben"],
    ]


@settings(deadline=None, max_examples=200)
@given(rows=corpora(), protocol=st.sampled_from(sorted(PROTOCOLS)), seed=st.integers(0, 99))
def test_no_split_ever_leaks(rows, protocol, seed):
    try:
        splits = make_splits(rows, [protocol], SCHEMES, seed)
    except ValueError:
        return
    promised = {"random_split": ("take_id", "audio_hash"), "random_split_leaky": ()}
    for split in splits:
        training, test = both_sides(split)
        for column in promised.get(protocol, ("actor", "take_id", "audio_hash")):
            assert not set(training[column]) & set(test[column])
        assert (test["variant"] == 0).all()
        assert isinstance(split, LeakyRandomSplit) == (protocol == "random_split_leaky")


@settings(deadline=None, max_examples=200)
@given(
    rows=corpora(),
    kind=st.sampled_from([SpeakerIndependentSplit, RandomSplit]),
    training=st.lists(st.integers(-1, 12), max_size=6),
    test=st.lists(st.integers(-1, 12), max_size=6),
)
def test_no_split_made_by_hand_leaks_either(rows, kind, training, test):
    try:
        split = kind("by hand", "any", "1", np.array(training, int), np.array(test, int), rows)
    except ValueError:
        return
    trained_on, heard = both_sides(split)
    for name in split.disjoint:
        assert not set(trained_on[COLUMN_OF[name]]) & set(heard[COLUMN_OF[name]])
    assert (heard["variant"] == 0).all()


@settings(deadline=None)
@given(actors=ANY_ACTORS, scheme=st.sampled_from([EMOBOX6, LOSO, GROUPS5]))
def test_every_original_is_evaluated_once_and_never_by_a_model_that_was_shown_it(actors, scheme):
    rows = made_up_rows(actors, takes_each=1)
    try:
        splits = speaker_independent(rows, scheme)
    except ValueError as refused:
        assert "leaves none to train on" in str(refused)  # noqa: PT017
        return
    test = sorted(position for split in splits for position in split.test)
    assert test == list(np.flatnonzero(rows["variant"] == 0))
    assert all(len(split.training) + len(split.test) <= len(rows) for split in splits)


@settings(deadline=None)
@given(rows=corpora(), parts=st.integers(1, 4), seed=st.integers(0, 99))
def test_no_validation_part_leaks(rows, parts, seed):
    try:
        splits = list(validation_parts(rows, parts, seed))
    except LeakError:
        return
    assert 1 <= len(splits) <= parts
    for split in splits:
        training, test = both_sides(split)
        assert not set(training["actor"]) & set(test["actor"])
        assert not set(training["audio_hash"]) & set(test["audio_hash"])


def test_folds_are_restricted_to_the_actors_at_hand():
    splits = speaker_independent(made_up_rows(("01", "02", "03", "04", "05", "06")), LUNA5)
    assert [sorted(set(both_sides(split)[1]["actor"])) for split in splits] == [
        ["02", "05"],
        ["03", "06"],
        ["01", "04"],
    ]
    assert [split.fold for split in splits] == ["1", "2", "5"]


def test_copies_are_trained_on_and_never_judged():
    split = speaker_independent(made_up_rows(("01", "02")), LOSO)[0]
    training, test = both_sides(split)
    assert (training["variant"] > 0).any()
    assert (test["variant"] == 0).all()


def test_a_split_hands_out_its_examples():
    examples = made_up_examples(("01", "02", "03"))
    split = speaker_independent(examples.rows, LOSO)[1]
    assert split.test_examples(examples).actors == ("02",)
    assert split.training_examples(examples).actors == ("01", "03")


def test_a_split_refuses_examples_it_was_not_made_for():
    examples = made_up_examples(("01", "02"))
    split = speaker_independent(examples.rows, LOSO)[0]
    with pytest.raises(ValueError, match="made for other rows"):
        split.test_examples(examples.subset(np.arange(len(examples))[::-1]))


def test_positions_cannot_be_changed_afterwards():
    split = speaker_independent(made_up_rows(("01", "02")), LOSO)[0]
    with pytest.raises(ValueError, match="read-only"):
        split.training[0] = split.test[0]


def test_a_split_looks_again_at_what_it_hands_out():
    examples = made_up_examples(("01", "02", "03"))
    split = speaker_independent(examples.rows, LOSO)[0]
    examples.rows["audio_hash"] = "the very same"
    with pytest.raises(LeakError, match="recordings the very same"):
        split.training_examples(examples)


def test_a_change_of_the_table_does_not_change_the_split():
    rows = made_up_rows(("01", "02"))
    split = speaker_independent(rows, LOSO)[0]
    rows["actor"] = "03"
    assert set(split.rows["actor"]) == {"01", "02"}


class TestRandomSplits:
    rows = made_up_rows(("01", "02", "03"), takes_each=8, copies_of_neutral=2)

    def test_a_fifth_of_the_takes_is_judged_emotion_by_emotion(self):
        (split,) = random_split(self.rows)
        _, test = both_sides(split)
        takes = self.rows["take_id"].nunique()
        assert len(test) == -(-takes // 5)
        emotions = self.rows.iloc[split.test]["emotion"].value_counts()
        assert emotions.max() - emotions.min() <= 1

    def test_copies_of_what_is_judged_are_on_neither_side(self):
        (split,) = random_split(self.rows)
        training, test = both_sides(split)
        left_out = self.rows.drop(index=[*split.training, *split.test])
        assert len(left_out)
        assert set(left_out["take_id"]) <= set(test["take_id"])
        assert (training["variant"] > 0).any()

    def test_a_judged_recording_under_another_name_is_not_trained_on(self):
        rows = self.rows.assign(audio_hash=self.rows["audio_hash"].str.replace(" 03", " 02"))
        (split,) = random_split(rows)
        training, test = both_sides(split)
        assert not set(training["audio_hash"]) & set(test["audio_hash"])

    def test_actors_are_on_both_sides_and_the_split_says_so(self):
        (split,) = random_split(self.rows)
        assert split.shared()["actors"] == ["01", "02", "03"]
        assert split.disjoint == ("takes", "recordings")

    def test_the_leaky_one_trains_on_copies_of_what_it_judges_and_judges_originals(self):
        (split,) = random_split_leaky(self.rows)
        training, test = both_sides(split)
        assert isinstance(split, LeakyRandomSplit)
        assert split.disjoint == ()
        assert split.shared()["takes"]
        assert set(training.loc[training["variant"] > 0, "take_id"]) & set(test["take_id"])
        assert (test["variant"] == 0).all()

    def test_the_notebooks_own_tests_copies_too(self):
        split = notebook_split(self.rows)
        _, test = both_sides(split)
        assert isinstance(split, NotebookSplit)
        assert (test["variant"] > 0).any()
        assert len(split.training) + len(split.test) == len(self.rows)

    @pytest.mark.parametrize("protocol", [random_split, random_split_leaky])
    def test_the_order_of_the_rows_changes_nothing_and_the_seed_does(self, protocol):
        def test(rows, seed):
            return set(both_sides(protocol(rows, seed)[0])[1]["take_id"])

        assert test(self.rows, 1) == test(self.rows.iloc[::-1], 1)
        assert test(self.rows, 1) != test(self.rows, 2)

    def test_too_few_takes_are_told(self):
        with pytest.raises(TooFewTakesError, match="16 clips of 8 emotions are too few"):
            random_split(made_up_rows(("01", "02"), takes_each=1))

    def test_so_is_an_emotion_of_a_single_take(self):
        rows = self.rows.drop(index=self.rows.index[(self.rows["emotion"] == "sad")][1:])
        for protocol in (random_split, random_split_leaky):
            with pytest.raises(TooFewTakesError, match="of 8 emotions are too few"):
                protocol(rows)


class TestSidesAsTheyAreHandedOut:
    examples = made_up_examples(("01", "02", "03"))

    def test_a_calibrated_split_hands_out_scores_within_each_speaker(self):
        split = speaker_normalised(self.examples.rows, LOSO)[0]
        for side in (split.training_examples(self.examples), split.test_examples(self.examples)):
            assert side.speaker_normalised
            originals = side["functionals"].values[side.rows["variant"] == 0]
            np.testing.assert_allclose(originals.mean(axis=0), 0, atol=1e-5)

    def test_it_has_the_folds_of_the_plain_one(self):
        plain, speaker_normalised = (
            make_splits(self.examples.rows, [name], [LOSO], 42)
            for name in ("speaker_independent", "speaker_normalised")
        )
        assert [split.test.tolist() for split in plain] == [split.test.tolist() for split in speaker_normalised]

    def test_a_take_that_leaks_has_the_same_wrong_label_on_both_sides(self, monkeypatch):
        whole = self.examples.with_labels_permuted(1)
        split = permuted_labels(self.examples.rows, LOSO, seed=1)[0]
        leaked = np.union1d(split.training, split.test[:4])
        monkeypatch.setattr(type(split), "disjoint", ())
        leaky = dataclasses.replace(split, training=leaked)
        assert (leaky.training_examples(self.examples).labels == whole.labels[leaked]).all()

    def test_permuted_labels_are_handed_out_on_both_sides(self):
        split = permuted_labels(self.examples.rows, LOSO, seed=1)[0]
        whole = self.examples.with_labels_permuted(1)
        assert (split.test_examples(self.examples).labels == whole.labels[split.test]).all()
        assert (split.training_examples(self.examples).labels == whole.labels[split.training]).all()


class TestAllProtocolsOfARun:
    rows = made_up_rows(("01", "02", "03"), takes_each=8)

    def test_folds_by_actor_are_made_for_each_scheme_and_random_ones_have_none(self):
        protocols = ["speaker_independent", "speaker_normalised", "random_split", "random_split_leaky"]
        found = [(split.protocol, split.fold_scheme) for split in make_splits(self.rows, protocols, [LUNA5, LOSO], 42)]
        by_actor = [("luna5", 3), ("loso", 3)]
        assert found == [
            *(
                (protocol, fold_scheme)
                for protocol in protocols[:2]
                for fold_scheme, count in by_actor
                for _ in range(count)
            ),
            ("random_split", ""),
            ("random_split_leaky", ""),
        ]

    def test_the_seed_reaches_what_is_drawn(self):
        def drawn(protocol, seed):
            splits = make_splits(self.rows, [protocol], [LOSO], seed)
            return [split.test.tolist() for split in splits], getattr(splits[0], "seed", None)

        for protocol in ("random_split", "random_split_leaky", "permuted_labels"):
            assert drawn(protocol, 1) == drawn(protocol, 1)
            assert drawn(protocol, 1) != drawn(protocol, 2)

    def test_an_unknown_protocol_is_refused(self):
        with pytest.raises(ValueError, match="unknown protocol by_clip"):
            make_splits(self.rows, ["by_clip"], [LUNA5], 42)

    def test_folds_without_an_actor_are_named(self):
        assert dropped_folds(["01", "02", "03"], LUNA5) == ["3", "4"]
        assert dropped_folds(ACTORS, EMOBOX6) == []


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

    def test_the_mp4_and_the_wav_of_one_take(self):
        rows = pd.DataFrame(
            {
                "take_id": "01-05-01-01-01-03",
                "variant": 0,
                "actor": "03",
                "audio_hash": ["hash of the mp4", "hash of the wav"],
                "emotion": "angry",
            }
        )
        with pytest.raises(LeakError, match="takes 01-05-01-01-01-03"):
            RandomSplit("random_split", "", "1", np.array([0]), np.array([1]), rows)

    def test_the_same_recording_under_two_names(self):
        rows = self.rows.assign(audio_hash="the very same")
        with pytest.raises(LeakError, match="recordings the very same"):
            speaker_independent(rows, LOSO)

    def test_only_a_few_offenders_are_listed(self):
        originals = np.flatnonzero(self.rows["variant"] == 0)
        with pytest.raises(LeakError, match="and 27 more"):
            split_of(self.rows, originals, originals)

    @pytest.mark.parametrize(
        ("training", "test", "message"),
        [
            ([], [0], "left to train on"),
            ([0], [], "nothing is evaluated"),
            ([0], [99], "does not exist"),
            ([-1], [0], "does not exist"),
            ([0, 0], [20], "names a row twice"),
            ([20], [1], "copies would be evaluated"),
        ],
    )
    def test_positions_that_make_no_split(self, training, test, message):
        with pytest.raises(ValueError, match=message):
            split_of(self.rows, training, test)

    def test_a_single_actor(self):
        with pytest.raises(ValueError, match="at least two actors; only 03 is materialized"):
            speaker_independent(made_up_rows(("03",)), LOSO)

    def test_no_actor(self):
        with pytest.raises(ValueError, match="at least two actors; none is materialized"):
            speaker_independent(self.rows.iloc[:0], LOSO)

    def test_actors_that_one_fold_holds_together(self):
        with pytest.raises(
            ValueError, match="leaves none to train on; materialize another actor or evaluate with folds 'loso'"
        ):
            speaker_independent(made_up_rows(("02", "05")), LUNA5)

    def test_an_actor_that_no_fold_knows(self):
        with pytest.raises(
            ValueError,
            match=r"luna5 has no fold for actor 25: .* folds 'groups5' or 'loso' \(SER_FOLD_SCHEMES=groups5\)",
        ):
            speaker_independent(made_up_rows(("01", "25")), LUNA5)

    def test_an_unknown_scheme(self):
        with pytest.raises(ValueError, match="unknown fold scheme 'random'; there are luna5, emobox6, loso, groups5"):
            fold_schemes(["loso", "random"], FOLD_SCHEMES)


class TestValidation:
    def test_about_one_actor_in_five_is_left_out(self):
        (split,) = validation_parts(made_up_rows(ACTORS[:16]), parts=1, seed=1)
        assert len(set(both_sides(split)[1]["actor"])) == 3

    def test_parts_leave_out_different_actors(self):
        first, second = validation_parts(made_up_rows(ACTORS[:10]), parts=2, seed=1)
        assert not set(both_sides(first)[1]["actor"]) & set(both_sides(second)[1]["actor"])

    def test_another_seed_leaves_out_others(self):
        def left_out(seed):
            (split,) = validation_parts(made_up_rows(ACTORS[:10]), parts=1, seed=seed)
            return set(both_sides(split)[1]["actor"])

        assert len({frozenset(left_out(seed)) for seed in range(4)}) > 1

    def test_the_same_seed_gives_the_same_parts(self):
        once, again = (
            [split.test.tolist() for split in validation_parts(made_up_rows(ACTORS[:9]), 3, seed=7)] for _ in range(2)
        )
        assert once == again

    def test_a_single_actor_leaves_nobody_to_leave_out(self):
        assert list(validation_parts(made_up_rows(("01",)), parts=2, seed=1)) == [None, None]


def test_everybody_is_left_out_once_and_nobody_twice():
    rows = made_up_rows(ACTORS[:8])
    left_out = [actor for split in validation_parts(rows, 5, seed=0) for actor in set(rows["actor"].iloc[split.test])]
    assert sorted(left_out) == sorted(ACTORS[:8])


def test_where_actors_are_heard_on_both_sides_takes_are_left_out_with_their_copies():
    rows = made_up_rows(ACTORS[:3], takes_each=4)
    for split in validation_parts(rows, 3, seed=0, left_out="take_id"):
        training, test = rows.iloc[split.training], rows.iloc[split.test]
        assert not set(training["take_id"]) & set(test["take_id"])
        assert set(training["actor"]) & set(test["actor"])
        assert len(test) == pytest.approx((rows["variant"] == 0).sum() / 5, abs=1)


@pytest.mark.parametrize(
    ("make", "left_out"), [(partial(speaker_independent, fold_scheme=LUNA5), "actor"), (random_split, "take_id")]
)
def test_a_protocol_has_left_out_to_validate_on_what_it_will_not_have_heard_when_judged(make, left_out):
    examples = made_up_examples(ACTORS[:6], takes_each=6)
    for split in make(examples.rows):
        assert split.training_examples(examples).left_out == left_out


def test_an_actor_of_whom_there_are_only_copies_is_not_left_out_to_validate_on():
    rows = made_up_rows(("01", "02", "03"))
    rows = rows[(rows["actor"] != "02") | (rows["variant"] > 0)].reset_index(drop=True)
    left_out = [set(rows["actor"].iloc[split.test]) for split in validation_parts(rows, 4, seed=0)]
    assert set.union(*left_out) == {"01", "03"}


@pytest.mark.parametrize("emotions_each", [1, 2])
def test_labels_are_permuted_only_where_speakers_have_several(emotions_each):
    rows = made_up_rows(ACTORS[:4], 2)
    own = {actor: EMOTIONS[2 * place : 2 * place + emotions_each] for place, actor in enumerate(ACTORS[:4])}
    rows = rows[[emotion in own[actor] for actor, emotion in zip(rows["actor"], rows["emotion"], strict=True)]]
    if emotions_each > 1:
        assert len(permuted_labels(rows, LOSO)) == 4
    else:
        with pytest.raises(TooFewTakesError, match="of speakers who perform one emotion only"):
            permuted_labels(rows, LOSO)
