"""Contours tell how a clip goes on; rhythm tells how it is broken up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_assets.audio.features.contours import energy_contour, f0_contour, rhythm
from ser_assets.audio.features.names import ENERGY_CONTOUR, F0_CONTOUR, RHYTHM

FRAMES_PER_SECOND = 100.0


def melody(f0: np.ndarray) -> dict[str, float]:
    return dict(zip(F0_CONTOUR, f0_contour(np.asarray(f0, np.float32)), strict=True))


def rhythm_of(voiced: str, level: np.ndarray | None = None) -> dict[str, float]:
    """`voiced`: a letter for 0.1 s, v for voice."""
    mask = np.repeat([letter == "v" for letter in voiced], 10)
    level = np.zeros(len(mask)) if level is None else level
    return dict(zip(RHYTHM, rhythm(mask, level, FRAMES_PER_SECOND, len(mask) / FRAMES_PER_SECOND), strict=True))


def test_a_level_that_falls_is_all_in_the_first_cosine():
    contour = dict(zip(ENERGY_CONTOUR, energy_contour(20 * np.cos(np.pi * (np.arange(200) + 0.5) / 200)), strict=True))
    first = contour.pop("log_energy_contour_1")
    assert first == pytest.approx(20 * np.sqrt(32), rel=0.02)
    assert max(map(abs, contour.values())) < 0.03 * first


@given(
    st.lists(st.floats(-80, 0), min_size=1, max_size=50),
    st.floats(-50, 50),
)
def test_a_shift_of_the_level_changes_no_contour(level, shift):
    np.testing.assert_allclose(energy_contour(np.array(level) + shift), energy_contour(np.array(level)), atol=1e-6)


def test_a_rising_melody_rises():
    rising = melody(np.geomspace(100, 200, 101))
    assert rising["log_f0_contour_1"] < -1
    assert rising["log_f0_range"] == pytest.approx(0.8 * np.log(2), rel=0.01)
    assert rising["log_f0_rise_mean"] == pytest.approx(np.log(2) / 100, rel=0.01)
    assert (rising["log_f0_fall_mean"], rising["log_f0_rising_share"]) == (0, 1)
    assert rising["log_f0_first_fifth"] == pytest.approx(-0.4 * np.log(2), rel=0.02)
    assert rising["log_f0_last_fifth"] == pytest.approx(0.4 * np.log(2), rel=0.02)
    assert rising["log_f0_peak_position"] == pytest.approx(1, abs=0.01)
    assert rising["log_f0_peak_height"] == pytest.approx(np.log(2) / 2, rel=0.01)


def test_a_pause_is_bridged_but_no_step_of_the_melody():
    bridged = melody(np.concatenate([np.full(20, 100), np.zeros(20), np.full(20, 200)]))
    assert bridged["log_f0_rise_mean"] == 0
    assert bridged["log_f0_peak_height"] == pytest.approx(np.log(2) / 2)


@pytest.mark.parametrize("f0", [np.zeros(50), [100], [100, 0, 120, 0, 90]])
def test_too_little_voice_has_no_melody(f0):
    assert set(melody(f0).values()) == {0}


@given(st.lists(st.just(0) | st.integers(65, 800), min_size=1, max_size=60), st.floats(0.5, 2))
def test_a_higher_voice_with_the_same_melody_has_the_same_contour(f0, factor):
    # Whole hertz: which of two tones a rounding error apart is the higher, no number can tell.
    np.testing.assert_allclose(f0_contour(np.array(f0) * factor), f0_contour(np.array(f0)), atol=1e-6)


def test_segments_are_counted_and_timed():
    told = rhythm_of("vv.vvvv...")
    assert told["voiced_segment_seconds_mean"] == pytest.approx(0.3)
    assert told["voiced_segment_seconds_std"] == pytest.approx(0.1)
    assert told["unvoiced_segment_seconds_mean"] == pytest.approx(0.2)
    assert told["unvoiced_segments_per_second"] == pytest.approx(2)


def test_a_pause_is_thirty_decibels_under_the_peak():
    level = np.repeat([0.0, -31, 0, -29, -80], 20)
    told = rhythm_of("v" * 10, level)
    assert told["pauses_per_second"] == pytest.approx(2)
    assert told["pause_seconds_mean"] == pytest.approx(0.2)


@pytest.mark.parametrize("rate", [3, 5])
def test_syllables_are_counted_by_their_peaks(rate):
    level = 10 * np.sin(2 * np.pi * rate * np.arange(200) / FRAMES_PER_SECOND)
    assert rhythm_of("v" * 20, level)["energy_peaks_per_second"] == pytest.approx(rate)


def test_what_never_comes_lasts_nothing():
    told = rhythm_of("...")
    assert told["voiced_segment_seconds_mean"] == told["voiced_segment_seconds_std"] == told["pauses_per_second"] == 0
