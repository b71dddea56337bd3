import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.calibration import LARGEST_SCORE, SpeakerProfile, calibrated
from ser_assets_tests.learning.corpora import made_up_examples

EXAMPLES = made_up_examples(("01", "02", "03"))


def of(examples, actor, originals_only=True):
    rows = examples.rows
    return np.flatnonzero((rows["actor"] == actor) & ((rows["variant"] == 0) | (not originals_only)))


@pytest.mark.parametrize("actor", ["01", "02", "03"])
def test_the_originals_of_each_speaker_have_mean_zero_and_deviation_one(actor):
    scores = calibrated(EXAMPLES)
    own = of(scores, actor)
    np.testing.assert_allclose(scores.functionals[own].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scores.functionals[own].std(axis=0), 1, atol=1e-4)
    frames = np.vstack([scores.sequences[row] for row in own])
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-3)


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(0.5, 4), offset=st.floats(-20, 20))
def test_how_a_speaker_differs_from_the_others_is_gone(gain, offset):
    other = EXAMPLES.functionals.copy()
    other[of(EXAMPLES, "02", originals_only=False)] *= gain
    other[of(EXAMPLES, "02", originals_only=False)] += offset
    moved = dataclasses.replace(EXAMPLES, functionals=other)
    np.testing.assert_allclose(calibrated(moved).functionals, calibrated(EXAMPLES).functionals, atol=2e-3)


def test_no_label_is_looked_at():
    relabelled = EXAMPLES.with_labels_permuted(seed=1)
    np.testing.assert_array_equal(calibrated(relabelled).functionals, calibrated(EXAMPLES).functionals)


def test_one_speaker_says_nothing_about_another():
    alone = calibrated(EXAMPLES.subset(of(EXAMPLES, "02", originals_only=False)))
    together = calibrated(EXAMPLES).subset(of(EXAMPLES, "02", originals_only=False))
    np.testing.assert_array_equal(alone.functionals, together.functionals)
    for one, other in zip(alone.sequences, together.sequences, strict=True):
        np.testing.assert_array_equal(one, other)


def test_augmented_copies_are_scored_and_do_not_shape_the_profile():
    louder = EXAMPLES.functionals.copy()
    copies = np.flatnonzero(EXAMPLES.rows["variant"] > 0)
    louder[copies] += 1
    scores, before = calibrated(dataclasses.replace(EXAMPLES, functionals=louder)), calibrated(EXAMPLES)
    originals = np.flatnonzero(EXAMPLES.rows["variant"] == 0)
    np.testing.assert_array_equal(scores.functionals[originals], before.functionals[originals])
    assert (scores.functionals[copies] > before.functionals[copies]).all()


def test_what_never_varies_in_a_speaker_becomes_zero_and_nothing_flies_off():
    profile = SpeakerProfile.learn(np.full((3, 2), 5.0, np.float32), EXAMPLES.sequences[:3])
    assert profile.score_functionals(np.full((1, 2), 5.0, np.float32)).tolist() == [[0, 0]]
    assert profile.score_functionals(np.full((1, 2), 1e9, np.float32)).tolist() == [[LARGEST_SCORE] * 2]
    assert profile.clips == 3


def test_what_is_calibrated_already_is_refused():
    with pytest.raises(ValueError, match="calibrated already"):
        calibrated(calibrated(EXAMPLES))


def test_a_speaker_of_whom_there_are_only_copies_is_refused_by_name():
    without = EXAMPLES.subset(np.setdiff1d(np.arange(len(EXAMPLES)), of(EXAMPLES, "02")))
    with pytest.raises(ValueError, match="no original clip of actor 02"):
        calibrated(without)
