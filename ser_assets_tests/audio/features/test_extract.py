"""A measurement has the same named, finite columns for every clip there can be."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ser_assets.audio.features.extract import extract_features
from ser_assets.audio.features.names import STATISTICS, functional_group, functional_names
from ser_assets.audio.features.summarise import statistics

RATE = 22050


def voice(f0: float = 200, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    phase = 2 * np.pi * f0 * np.arange(int(seconds * rate)) / rate
    return (0.1 * sum(np.sin(number * phase) / number for number in range(1, 9))).astype(np.float32)


def named(samples: np.ndarray, rate: int = RATE) -> dict[str, float]:
    return dict(zip(functional_names(), extract_features(samples, rate).functionals.tolist(), strict=True))


def test_there_are_1659_functionals_and_the_notebooks_26():
    names = functional_names()
    assert len(set(names)) == len(names) == 1659
    assert Counter(map(functional_group, names)) == {
        "mfcc": 210,
        "mfcc_delta": 210,
        "mfcc_delta2": 210,
        "mel": 448,
        "chroma": 84,
        "contrast": 49,
        "shape": 28,
        "waveform": 21,
        "pitch": 14,
        "timing": 3,
        "tilt": 84,
        "harmonicity": 23,
        "formants": 56,
        "harmonics": 42,
        "voiced_mfcc": 80,
        "contour": 24,
        "rhythm": 9,
        "modulation": 64,
    }


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("mfcc_03_std", "mfcc"),
        ("log_mel_17_p95", "mel"),
        ("log_f0_mean", "pitch"),
        ("log_f0_step_p05", "pitch"),
        ("centroid_p50", "shape"),
        ("duration_seconds", "timing"),
        ("voiced_share", "timing"),
        ("alpha_ratio_voiced_std", "tilt"),
        ("spectral_slope_500_to_1500_hz_unvoiced_mean", "tilt"),
        ("harmonics_to_noise_p50", "harmonicity"),
        ("cepstral_peak_prominence_mean", "harmonicity"),
        ("formant_1_mean", "formants"),
        ("formant_3_bandwidth_p95", "formants"),
        ("level_harmonic_1_to_formant_3_p50", "harmonics"),
        ("mfcc_01_unvoiced_std", "voiced_mfcc"),
        ("log_f0_contour_2", "contour"),
        ("energy_peaks_per_second", "rhythm"),
        ("modulation_band_3_4_to_6_hz", "modulation"),
    ],
)
def test_functionals_have_names_that_say_what_they_are(name, group):
    assert functional_group(name) == group


def test_the_numbers_are_what_their_names_say():
    clip = named(voice(f0=200, seconds=1.5))
    assert clip["duration_seconds"] == pytest.approx(1.5, abs=1e-3)
    assert clip["log_f0_p50"] == pytest.approx(np.log(200), abs=0.005)
    assert clip["log_f0_step_std"] == pytest.approx(0, abs=0.01)
    assert clip["voiced_share"] == pytest.approx(1, abs=0.05)
    assert clip["voiced_segments_per_second"] == pytest.approx(1 / 1.5, abs=1e-3)
    assert clip["log_mel_01_p05"] < clip["log_mel_05_p05"]
    assert clip["log_energy_p50"] == pytest.approx(10 * np.log10(np.mean(voice() ** 2)), abs=0.1)


def test_a_louder_clip_differs_only_in_its_level():
    soft, loud = named(voice()), named(10 * voice())
    assert loud["log_energy_mean"] - soft["log_energy_mean"] == pytest.approx(20, abs=0.01)
    for name in ("centroid_mean", "log_f0_mean", "chroma_g_mean", "zero_crossing_rate_mean", "log_energy_step_std"):
        assert loud[name] == pytest.approx(soft[name], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("samples", [1, 2, 255, 1000, 5000])
def test_every_length_at_every_rate_can_be_measured(rate, samples):
    measurement = extract_features(voice(rate=rate)[:samples], rate)
    assert measurement.functionals.shape == (len(functional_names()),)
    assert np.isfinite(measurement.functionals).all()
    assert measurement.mel.shape[1] == 64


def test_silence_is_finite_and_has_no_pitch():
    clip = named(np.zeros(RATE, np.float32))
    assert np.isfinite(list(clip.values())).all()
    assert all(clip[name] == 0 for name in clip if functional_group(name) == "pitch")
    assert clip["voiced_share"] == clip["voiced_segments_per_second"] == 0
    assert clip["log_energy_mean"] == -100


@given(arrays.arrays(np.float32, st.integers(1, 4000), elements=st.floats(-1, 1, width=32)))
@settings(max_examples=25, deadline=None)
def test_any_waveform_gives_finite_functionals_twice_the_same(samples):
    first, second = extract_features(samples, RATE), extract_features(samples, RATE)
    assert np.isfinite(first.functionals).all()
    assert np.isfinite(first.mel).all()
    np.testing.assert_array_equal(first.functionals, second.functionals)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_floats_are_measured_as_float32(dtype):
    measurement = extract_features(voice().astype(dtype), RATE)
    assert measurement.functionals.dtype == measurement.mel.dtype == np.float32


def test_the_mel_sequence_has_a_frame_every_512_samples_in_decibels():
    mel = extract_features(voice(seconds=2), RATE).mel
    assert mel.shape == (-(-(1 + 2 * RATE // 256) // 2), 64)
    assert mel.dtype == np.float32
    louder = extract_features(10 * voice(seconds=2), RATE).mel
    np.testing.assert_allclose(louder[5, :10] - mel[5, :10], 20, atol=0.01)
    assert (extract_features(np.zeros(RATE), RATE).mel == -100).all()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0), "without samples"),
        (np.zeros((2, 100)), "one row of samples"),
        (np.array([0.0, np.nan]), "not finite"),
        (np.array([0.0, np.inf]), "not finite"),
    ],
)
def test_what_is_no_clip_is_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        extract_features(samples, RATE)


def test_a_rate_too_low_for_speech_is_refused():
    with pytest.raises(ValueError, match="at least 8000"):
        extract_features(voice(), 4000)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 40)),
        elements=st.floats(-1e3, 1e3, allow_subnormal=False),
    )
)
def test_statistics_are_numpys(rows):
    expected = [rows.mean(axis=1), rows.std(axis=1), *np.percentile(rows, [5, 25, 50, 75, 95], axis=1)]
    np.testing.assert_allclose(statistics(rows), np.column_stack(expected), rtol=1e-9, atol=1e-9)


def test_what_is_not_a_number_does_not_count_and_statistics_of_nothing_are_zero():
    rows = np.array([[3.0, np.nan, 1.0, 7.0], [np.nan] * 4])
    np.testing.assert_allclose(statistics(rows), [statistics(rows[:1, [0, 2, 3]])[0], [0] * len(STATISTICS)])
