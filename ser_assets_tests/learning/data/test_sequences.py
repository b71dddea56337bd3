import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.data.sequences import fix_length, limit_dynamic_range, network_input
from ser_assets.learning.models.networks.spec_augment import spec_augment
from ser_assets.learning.models.settings import SequenceSettings

BANDS = 16


def sequence(frames, bands=BANDS):
    """Mel bands, then F0 (every third frame has no voice) and harmonicity."""
    rng = np.random.default_rng(frames)
    voiced = np.arange(frames) % 3 > 0
    f0 = np.where(voiced, rng.uniform(100, 300, frames), 0)
    return np.column_stack([rng.normal(-40, 10, (frames, bands)), f0, 0.8 * voiced]).astype(np.float32)


@given(gain_db=st.floats(-40, 40))
@settings(deadline=None)
def test_level_does_not_matter_to_raw_channels(gain_db):
    louder = sequence(30)
    louder[:, :BANDS] += np.float32(gain_db)
    np.testing.assert_allclose(network_input(louder, False), network_input(sequence(30), False), atol=1e-3)


def test_nor_does_the_colour_of_a_microphone():
    coloured = sequence(30)
    coloured[:, :BANDS] += np.linspace(-5, 5, BANDS, dtype=np.float32)
    np.testing.assert_allclose(network_input(coloured, False), network_input(sequence(30), False), atol=1e-3)


def test_the_melody_is_told_above_a_fixed_pitch_and_above_the_median_of_the_clip():
    clip = sequence(30)
    octave_up = clip.copy()
    octave_up[:, -2] *= 2
    low, high = network_input(clip, False), network_input(octave_up, False)
    voiced = clip[:, -2] > 0
    np.testing.assert_allclose(high[voiced, BANDS] - low[voiced, BANDS], np.log(2), atol=1e-5)
    np.testing.assert_allclose(high[:, BANDS + 1], low[:, BANDS + 1], atol=1e-5)
    assert (low[~voiced, BANDS:] == 0).all()


def test_calibrated_bands_stay_as_they_are():
    clip = sequence(30)
    np.testing.assert_array_equal(network_input(clip, True)[:, :BANDS], clip[:, :BANDS])


@pytest.mark.parametrize("speaker_normalised", [True, False])
def test_a_clip_without_a_voice_has_no_melody(speaker_normalised):
    clip = sequence(30)
    clip[:, -2:] = 0
    assert (network_input(clip, speaker_normalised)[:, BANDS:] == 0).all()


def test_nothing_lies_further_than_80_db_under_the_peak():
    mel = sequence(30)[:, :BANDS]
    mel[3] = -500
    assert limit_dynamic_range(mel).min() == mel.max() - 80
    assert limit_dynamic_range(mel).max() == mel.max()


def test_a_short_clip_is_repeated_until_it_fills_the_frames():
    clip = sequence(10)
    np.testing.assert_array_equal(fix_length(clip, 25), np.concatenate([clip, clip, clip[:5]]))


def test_the_middle_of_a_long_clip_is_kept():
    clip = sequence(30)
    np.testing.assert_array_equal(fix_length(clip, 20), clip[5:25])


@given(frames=st.integers(1, 300), seed=st.integers(0, 99))
@settings(deadline=None)
def test_a_varied_clip_has_the_frames_asked_for_and_leaves_the_clip_alone(frames, seed):
    clip = network_input(sequence(frames), False)
    before = clip.copy()
    view = spec_augment(clip, SequenceSettings(frames=64), np.random.default_rng(seed))
    assert view.shape == (64, BANDS + 4)
    assert view.dtype == np.float32
    np.testing.assert_array_equal(clip, before)


def test_without_shift_and_masks_a_varied_clip_only_starts_elsewhere():
    clip = network_input(sequence(20), False)
    plain = SequenceSettings(frames=20, band_shift=0, freq_mask=0, time_mask=0)
    view = spec_augment(clip, plain, np.random.default_rng(3))
    start = int(np.flatnonzero((clip == view[0]).all(axis=1))[0])
    np.testing.assert_array_equal(view, np.roll(clip, -start, axis=0))
