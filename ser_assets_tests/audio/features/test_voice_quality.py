"""Descriptors of a frame are what their definitions say."""

import numpy as np
import pytest

from ser_assets.audio.features.names import functional_group, functional_names
from ser_assets.audio.features.pitch import fundamental_frequency
from ser_assets.audio.features.spectrum import Spectrum, centred_frames, spectrum
from ser_assets.audio.features.voice_quality import (
    Tilt,
    cepstral_peak_prominence,
    harmonics_to_noise,
    level_at,
    spectral_flux,
    spectral_tilt,
)
from ser_assets.corpus.demo.espeak import speak
from ser_assets_tests.factories.signals import RATE, noise, noisy, vowel

INNER = slice(4, -4)


def clip(samples: np.ndarray, rate: int = RATE) -> Spectrum:
    return spectrum(centred_frames(samples, 1024, 256), rate)


def falling(decibel_per_kilohertz: float) -> Spectrum:
    """One frame whose power falls off along a straight line."""
    kilohertz = np.fft.rfftfreq(1024, 1 / RATE) / 1000
    return Spectrum(10 ** (-decibel_per_kilohertz * kilohertz[None].astype(np.float32) / 20), RATE, 1024)


@pytest.mark.parametrize("fall", [0, 3, 12])
def test_the_slopes_of_a_straight_line_are_its_slope(fall):
    tilt = spectral_tilt(falling(fall))
    for slope in tilt[2:]:
        assert slope.item() == pytest.approx(-fall, abs=0.01)
    assert tilt.hammarberg_index.item() == pytest.approx(2 * fall, abs=0.1)


def test_the_alpha_ratio_is_the_energy_above_one_kilohertz_over_that_below():
    time = np.arange(RATE) / RATE
    tones = np.sin(2 * np.pi * 500 * time) + 0.1 * np.sin(2 * np.pi * 3000 * time)
    tilt = spectral_tilt(clip(tones.astype(np.float32)))
    np.testing.assert_allclose(tilt.alpha_ratio[INNER], -20, atol=0.1)
    np.testing.assert_allclose(tilt.hammarberg_index[INNER], 20, atol=0.5)


def test_a_steady_sound_has_no_flux_and_a_changing_one_has():
    time = np.arange(RATE) / RATE
    steady = np.sin(2 * np.pi * 500 * time).astype(np.float32)
    step = np.where(time < 0.5, steady, np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
    assert spectral_flux(clip(steady))[INNER].max() < 0.01
    assert abs(np.argmax(spectral_flux(clip(step))[INNER]) + 4 - 0.5 * RATE / 256) < 3


def test_as_much_harmonic_as_noise_is_zero_decibels():
    assert harmonics_to_noise(np.array([0.5, 0.99, 10 / 11])) == pytest.approx([0, 19.96, 10], abs=0.01)
    assert harmonics_to_noise(np.array([0, 1])) == pytest.approx([-30, 40], abs=0.01)


def test_the_mean_of_harmonics_to_noise_is_praats():
    parselmouth = pytest.importorskip("parselmouth")
    spoken = noisy(speak("Dogs are sitting by the door", voice="en-us+f3"), 30)
    harmonicity = parselmouth.Sound(spoken.astype(float), RATE).to_harmonicity_ac(
        minimum_pitch=65, periods_per_window=4.5
    )
    praat = harmonicity.values[harmonicity.values > -100].mean()
    pitch = fundamental_frequency(spoken, RATE)
    assert harmonics_to_noise(pitch.strength[pitch.f0 > 0]).mean() == pytest.approx(praat, abs=1)


@pytest.mark.parametrize("f0", [80, 120, 220, 400])
def test_the_cepstral_peak_stands_out_of_a_voice_and_not_of_noise(f0):
    voice, hiss = (cepstral_peak_prominence(clip(sound))[INNER] for sound in (noisy(vowel(f0), 30), noise()))
    assert np.percentile(voice, 5) > np.percentile(hiss, 75)
    assert np.median(voice) > np.median(hiss) + 4


def test_the_level_of_a_harmonic_is_read_where_it_lies():
    time = np.arange(RATE) / RATE
    tones = np.sin(2 * np.pi * 310 * time) + 0.1 * np.sin(2 * np.pi * 620 * time)
    frames = clip(tones.astype(np.float32))
    inner = np.arange(len(frames.power))[INNER]
    first, second = (level_at(frames, np.full(len(inner), hertz), inner) for hertz in (310.0, 620.0))
    np.testing.assert_allclose(first - second, 20, atol=1.5)


def test_a_frequency_that_the_recording_does_not_reach_has_the_level_of_its_upper_end():
    frames = clip(noise())
    every = np.arange(len(frames.power))
    np.testing.assert_array_equal(
        level_at(frames, np.full(len(every), 99999.0), every), frames.log_power[:, -3:].max(1)
    )


def test_the_names_of_the_tilt_are_those_of_its_functionals() -> None:
    voiced = [name for name in functional_names() if functional_group(name) == "tilt" and name.endswith("_voiced_mean")]
    assert [name.removesuffix("_voiced_mean") for name in voiced][: len(Tilt._fields)] == list(Tilt._fields)
