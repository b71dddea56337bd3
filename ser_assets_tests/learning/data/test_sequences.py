import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.data.sequences import fix_length, limit_dynamic_range, network_input
from ser_assets.learning.models.networks.spec_augment import SpecAugment
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


@given(frames=st.lists(st.integers(1, 300), min_size=1, max_size=4), seed=st.integers(0, 99))
@settings(deadline=None)
def test_varied_clips_have_the_frames_of_the_settings_and_leave_the_clips_alone(frames, seed):
    clips = [network_input(sequence(each), False) for each in frames]
    before = [clip.copy() for clip in clips]
    order = np.arange(len(clips))[::-1]
    views = SpecAugment(clips, SequenceSettings(frames=64))(order, np.random.default_rng(seed))
    assert views.shape == (len(clips), 64, BANDS + 4)
    assert views.dtype == np.float32
    for clip, unchanged in zip(clips, before, strict=True):
        np.testing.assert_array_equal(clip, unchanged)


def test_without_shift_and_masks_a_varied_clip_only_starts_elsewhere():
    clips = [network_input(sequence(frames), False) for frames in (20, 30)]
    plain = SequenceSettings(frames=20, band_shift=0, freq_mask=0, time_mask=0)
    [view] = SpecAugment(clips, plain)(np.array([0]), np.random.default_rng(3))
    start = int(np.flatnonzero((clips[0] == view[0]).all(axis=1))[0])
    np.testing.assert_array_equal(view, np.roll(clips[0], -start, axis=0))


def test_masks_are_stretches_of_bands_and_frames_up_to_the_settings():
    clip = network_input(sequence(40), False) + 100
    masked = SequenceSettings(frames=40, band_shift=0, freq_mask=4, time_mask=6)
    for view in SpecAugment([clip], masked)(np.zeros(50, int), np.random.default_rng(1)):
        hidden_frames = np.flatnonzero((view == 0).all(axis=1))
        hidden_bands = np.flatnonzero((view == 0).all(axis=0))
        assert len(hidden_frames) <= 6
        assert len(hidden_bands) <= 4
        assert (np.diff(hidden_frames) == 1).all()
        assert (np.diff(hidden_bands) == 1).all()
        assert ((view == 0).sum(axis=1) <= 4)[np.setdiff1d(np.arange(40), hidden_frames)].all()


def test_a_shift_moves_the_bands_and_repeats_the_outermost():
    clip = np.tile(np.arange(1, BANDS + 5, dtype=np.float32), (20, 1))
    shifted = SequenceSettings(frames=20, band_shift=2, freq_mask=0, time_mask=0)
    views = SpecAugment([clip], shifted)(np.zeros(40, int), np.random.default_rng(1))
    assert {float(view[0, 5]) for view in views} == {4.0, 5.0, 6.0, 7.0, 8.0}
    np.testing.assert_array_equal(views[:, :, BANDS:], np.broadcast_to(clip[:, BANDS:], (40, 20, 4)))
    assert views[:, :, :BANDS].max() == BANDS
