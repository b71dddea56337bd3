import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.data.examples import Features
from ser_assets.learning.data.feature_sets import LARGEST_SCORE
from ser_assets.learning.data.sequences import MelSequences
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.learning.speakers.profile import ProfileError, SpeakerProfile, normalise_speakers
from ser_assets_tests.factories.examples import NAMES, made_up_examples, with_functionals, with_sequences

EXAMPLES = made_up_examples(("01", "02", "03"))


def of(examples, actor, originals_only=True):
    rows = examples.rows
    return np.flatnonzero((rows["actor"] == actor) & ((rows["variant"] == 0) | (not originals_only)))


def scores_of(examples):
    return normalise_speakers(examples)["functionals"].values


def statistics(usual):
    return [each for name in sorted(usual) for _, each in sorted(usual[name].items())]


@pytest.mark.parametrize("actor", ["01", "02", "03"])
def test_the_originals_of_each_speaker_have_mean_zero_and_deviation_one(actor):
    scores = normalise_speakers(EXAMPLES)
    own = of(scores, actor)
    np.testing.assert_allclose(scores["functionals"].values[own].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scores["functionals"].values[own].std(axis=0), 1, atol=1e-4)
    frames = np.vstack([scores["mel_sequences"].values[row][:, :-2] for row in own])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-3)
    melody = np.vstack([scores["mel_sequences"].values[row][:, -2:] for row in own])
    pitch = melody[melody[:, 1] > 0, 0]
    np.testing.assert_allclose([pitch.mean(), pitch.std()], [0, 1], atol=1e-3)


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(0.5, 4), offset=st.floats(-20, 20))
def test_how_a_speaker_differs_from_the_others_is_gone(gain, offset):
    other = EXAMPLES["functionals"].values.copy()
    other[of(EXAMPLES, "02", originals_only=False)] *= gain
    other[of(EXAMPLES, "02", originals_only=False)] += offset
    moved = with_functionals(EXAMPLES, other)
    np.testing.assert_allclose(scores_of(moved), scores_of(EXAMPLES), atol=2e-3)


def test_no_label_is_looked_at():
    relabelled = EXAMPLES.with_labels_permuted(seed=1)
    np.testing.assert_array_equal(scores_of(relabelled), scores_of(EXAMPLES))


def test_one_speaker_says_nothing_about_another():
    alone = normalise_speakers(EXAMPLES.subset(of(EXAMPLES, "02", originals_only=False)))
    together = normalise_speakers(EXAMPLES).subset(of(EXAMPLES, "02", originals_only=False))
    np.testing.assert_array_equal(alone["functionals"].values, together["functionals"].values)
    for one, other in zip(alone["mel_sequences"].values, together["mel_sequences"].values, strict=True):
        np.testing.assert_array_equal(one, other)


def test_augmented_copies_are_scored_and_do_not_shape_the_profile():
    louder = EXAMPLES["functionals"].values.copy()
    copies = np.flatnonzero(EXAMPLES.rows["variant"] > 0)
    louder[copies] += 1
    scores, before = normalise_speakers(with_functionals(EXAMPLES, louder)), normalise_speakers(EXAMPLES)
    originals = np.flatnonzero(EXAMPLES.rows["variant"] == 0)
    np.testing.assert_array_equal(scores["functionals"].values[originals], before["functionals"].values[originals])
    assert (scores["functionals"].values[copies] > before["functionals"].values[copies]).all()


def test_copies_that_sound_like_another_speaker_are_scored_among_themselves():
    another = EXAMPLES.subset(np.flatnonzero(EXAMPLES.rows["variant"] == 0))
    deeper = with_functionals(another, another["functionals"].values * 3 + 7)
    rows = another.rows.assign(variant=1, voice=another.rows["actor"] + ", deeper")
    both = dataclasses.replace(
        another,
        rows=pd.concat([another.rows, rows], ignore_index=True),
        sets=Features.join([another, deeper]).sets,
    )
    scores = scores_of(both)
    np.testing.assert_allclose(scores[len(another) :], scores[: len(another)], atol=1e-4)


def flat(value, clips=3):
    first = next(EXAMPLES.batches(clips))
    return with_functionals(first, np.full((clips, len(first["functionals"].names)), value))


def test_what_never_varies_in_a_speaker_becomes_zero_and_nothing_flies_off():
    profile = SpeakerProfile.learn(flat(5))
    assert (profile.normalise(flat(5, 1))["functionals"].values == 0).all()
    assert (profile.normalise(flat(1e9, 1))["functionals"].values == LARGEST_SCORE).all()
    assert profile.clips == 3


class TestFewClips:
    PRIOR = SpeakerPrior.learn(EXAMPLES)

    def test_of_many_clips_the_speaker_alone_counts(self):
        own = EXAMPLES.subset(of(EXAMPLES, "02"))
        often = Features.join([own] * 200)
        alone, blended = SpeakerProfile.learn(often), self.PRIOR.profile(often)
        for one, other in zip(statistics(alone.usual), statistics(blended.usual), strict=True):
            np.testing.assert_allclose(other.mean, one.mean, atol=0.05)
            np.testing.assert_allclose(other.deviation, one.deviation, rtol=0.05)

    def test_of_one_clip_the_mean_lies_between_it_and_the_others(self):
        clip = EXAMPLES.subset(of(EXAMPLES, "02")[:1])
        mean = self.PRIOR.profile(clip).usual["functionals"]["clips"].mean
        own, others = clip["functionals"].values[0], self.PRIOR.usual["functionals"]["clips"].mean
        low, high = np.minimum(own, others), np.maximum(own, others)
        assert ((low - 1e-5 <= mean) & (mean <= high + 1e-5)).all()

    def test_of_one_clip_the_deviation_is_that_of_the_others(self):
        wide = with_functionals(EXAMPLES, EXAMPLES["functionals"].values * 100)
        for examples in (EXAMPLES, wide):
            prior = SpeakerPrior.learn(examples)
            deviation = prior.profile(examples.subset(of(examples, "02")[:1])).usual["functionals"]["clips"].deviation
            np.testing.assert_allclose(deviation, prior.usual["functionals"]["clips"].deviation, rtol=1e-5)

    def test_a_speaker_without_a_voice_has_the_pitch_of_the_others(self):
        silent = [sequence.copy() for sequence in EXAMPLES["mel_sequences"].values[:3]]
        for sequence in silent:
            sequence[:, -2:] = 0
        clips = with_sequences(EXAMPLES.subset(np.arange(3)), silent)
        pitch, usual = (each["mel_sequences"]["pitch"] for each in (self.PRIOR.profile(clips).usual, self.PRIOR.usual))
        np.testing.assert_allclose([*pitch.mean, *pitch.deviation], [*usual.mean, *usual.deviation], rtol=1e-5)

    def test_what_tells_speakers_apart_is_believed_sooner(self):
        rng = np.random.default_rng(0)
        apart = EXAMPLES["functionals"].values.copy()
        apart[:, 0] = EXAMPLES.rows["actor"].astype(int) * 10 + rng.normal(0, 1, len(apart))
        apart[:, 1] = rng.normal(0, 1, len(apart))
        strength = SpeakerPrior.learn(with_functionals(EXAMPLES, apart)).strength["functionals"]["clips"]
        assert strength[0] < 0.2 < 2 < strength[1]

    def test_a_prior_read_again_makes_the_same_profiles(self, tmp_path):
        self.PRIOR.save(tmp_path / "prior.npz")
        again, clips = SpeakerPrior.load(tmp_path / "prior.npz"), EXAMPLES.subset(np.arange(4))
        profiles = again.profile(clips), self.PRIOR.profile(clips)
        for one, other in zip(*(statistics(each.usual) for each in profiles), strict=True):
            np.testing.assert_array_equal(one.mean, other.mean)
            np.testing.assert_array_equal(one.deviation, other.deviation)


class TestProfileFiles:
    def test_a_profile_read_again_gives_the_same_scores(self, tmp_path):
        profile, clips = SpeakerProfile.learn(EXAMPLES.subset(of(EXAMPLES, "02"))), EXAMPLES.subset(of(EXAMPLES, "02"))
        profile.save(tmp_path / "profile.json")
        again = SpeakerProfile.load(tmp_path / "profile.json")
        np.testing.assert_array_equal(
            again.normalise(clips)["functionals"].values, profile.normalise(clips)["functionals"].values
        )
        sequences = [each.normalise(clips)["mel_sequences"].values[0] for each in (again, profile)]
        np.testing.assert_array_equal(*sequences)
        assert again.clips == profile.clips

    @pytest.mark.parametrize("text", ["", "{}", "[1]", "\x00\x01"])
    def test_another_file_is_named_and_refused(self, tmp_path, text):
        (tmp_path / "notes.txt").write_text(text)
        with pytest.raises(ProfileError, match=r"notes\.txt is no speaker profile"):
            SpeakerProfile.load(tmp_path / "notes.txt")

    def test_so_is_one_that_is_not_there(self, tmp_path):
        with pytest.raises(ProfileError, match=r"mine\.json cannot be read: No such file"):
            SpeakerProfile.load(tmp_path / "mine.json")

    def test_a_damaged_profile_is_named_and_refused(self, tmp_path):
        SpeakerProfile.learn(flat(5)).save(tmp_path / "profile.json")
        text = (tmp_path / "profile.json").read_text()
        facts = json.loads(text)
        facts["usual"]["functionals"]["clips"]["mean"].pop()
        (tmp_path / "profile.json").write_text(json.dumps(facts))
        with pytest.raises(ProfileError, match=r"profile\.json: the profile is damaged"):
            SpeakerProfile.load(tmp_path / "profile.json")

    def test_one_of_another_version_is_refused_with_the_remedy(self, tmp_path):
        (tmp_path / "profile.json").write_text('{"format": "ser-assets speaker profile 1", "clips": 3}')
        message = r"profile\.json: it has the format 'ser-assets speaker profile 1': make it again with `enrol-speaker`"
        with pytest.raises(ProfileError, match=message):
            SpeakerProfile.load(tmp_path / "profile.json")

    @pytest.mark.parametrize("bias", [[[0.0] * 8], [1000.0] * 8, [float("nan")] * 8, [None] * 8, "loud"])
    def test_so_is_one_with_a_bias_that_no_model_can_have(self, tmp_path, bias):
        SpeakerProfile.learn(flat(5)).save(tmp_path / "profile.json")
        facts = json.loads((tmp_path / "profile.json").read_text())
        (tmp_path / "profile.json").write_text(json.dumps(facts | {"bias": {"a model": bias}}))
        with pytest.raises(ProfileError, match=r"profile\.json"):
            SpeakerProfile.load(tmp_path / "profile.json")

    @pytest.mark.parametrize(
        "change",
        [
            lambda facts: facts["usual"]["mel_sequences"]["pitch"].update(mean=[], deviation=[]),
            lambda facts: facts["usual"]["mel_sequences"]["pitch"].update(mean=1.0, deviation=1.0),
            lambda facts: facts["usual"]["mel_sequences"]["bands"]["deviation"].__setitem__(0, float("inf")),
            lambda facts: facts.update(clips=-3),
            lambda facts: facts["usual"]["mel_sequences"]["pitch"].update(columns=[]),
        ],
    )
    def test_so_is_one_with_a_part_that_cannot_be(self, tmp_path, change):
        SpeakerProfile.learn(flat(5)).save(tmp_path / "profile.json")
        facts = json.loads((tmp_path / "profile.json").read_text())
        change(facts)
        (tmp_path / "profile.json").write_text(json.dumps(facts))
        with pytest.raises(ProfileError, match=r"profile\.json: the profile is damaged"):
            SpeakerProfile.load(tmp_path / "profile.json")

    def test_a_profile_for_other_bands_is_refused(self):
        profile = SpeakerProfile.learn(flat(5))
        own = flat(5)["mel_sequences"]
        narrow = MelSequences(own.names[1:], tuple(sequence[:, 1:] for sequence in own.values))
        with pytest.raises(ProfileError, match="other features"):
            profile.normalise(flat(5).with_set("mel_sequences", narrow))

    def test_a_profile_for_other_functionals_is_refused(self):
        profile = SpeakerProfile.learn(flat(5))
        with pytest.raises(ProfileError, match="other features"):
            profile.normalise(with_functionals(flat(5), flat(5)["functionals"].values, NAMES[::-1]))


def test_what_is_calibrated_already_is_refused():
    with pytest.raises(ValueError, match="speaker-normalised already"):
        normalise_speakers(normalise_speakers(EXAMPLES))


def test_a_speaker_of_whom_there_are_only_copies_is_refused_by_name():
    without = EXAMPLES.subset(np.setdiff1d(np.arange(len(EXAMPLES)), of(EXAMPLES, "02")))
    with pytest.raises(ValueError, match="no clip of voice 02"):
        normalise_speakers(without)
