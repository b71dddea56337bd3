import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.sequences import SequenceSettings, filled, under_peak, varied


def sequence(frames, bands=16):
    return np.random.default_rng(frames).normal(-40, 10, (frames, bands)).astype(np.float32)


@given(gain_db=st.floats(-40, 40))
@settings(deadline=None)
def test_level_does_not_matter(gain_db):
    clip = sequence(30)
    np.testing.assert_allclose(under_peak(clip + np.float32(gain_db)), under_peak(clip), atol=1e-4)


def test_nothing_lies_further_than_80_db_under_the_peak():
    clip = sequence(30)
    clip[3] = -500
    assert under_peak(clip).min() == -80
    assert under_peak(clip).max() == 0


def test_a_short_clip_is_repeated_until_it_fills_the_frames():
    clip = sequence(10)
    np.testing.assert_array_equal(filled(clip, 25), np.concatenate([clip, clip, clip[:5]]))


def test_the_middle_of_a_long_clip_is_kept():
    clip = sequence(30)
    np.testing.assert_array_equal(filled(clip, 20), clip[5:25])


@given(frames=st.integers(1, 300), seed=st.integers(0, 99))
@settings(deadline=None)
def test_a_varied_clip_has_the_frames_asked_for_and_leaves_the_clip_alone(frames, seed):
    clip = sequence(frames)
    before = clip.copy()
    view = varied(clip, SequenceSettings(frames=64), np.random.default_rng(seed))
    assert view.shape == (64, 16)
    assert view.dtype == np.float32
    np.testing.assert_array_equal(clip, before)


def test_without_shift_and_masks_a_varied_clip_only_starts_elsewhere():
    clip = sequence(20)
    plain = SequenceSettings(frames=20, band_shift=0, masked_bands=0, masked_frames=0)
    view = varied(clip, plain, np.random.default_rng(3))
    start = int(np.flatnonzero((clip == view[0]).all(axis=1))[0])
    np.testing.assert_array_equal(view, np.roll(clip, -start, axis=0))
