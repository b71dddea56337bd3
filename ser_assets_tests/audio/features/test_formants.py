"""Formants are the resonances that a vowel was made with."""

import numpy as np
import pytest

from ser_assets.audio.features.formants import Formants, formants
from ser_assets.audio.features.pitch import fundamental_frequency
from ser_assets.audio.features.spectrum import Spectrum, centred_frames, frame_length_at, spectrum
from ser_assets.corpus.demo.espeak import speak
from ser_assets_tests.factories.signals import RATE, VOWEL, vowel

VOWELS = {
    "a": VOWEL,
    "i": (300.0, 2300.0, 3000.0, 3600.0, 4500.0),
    "u": (320.0, 800.0, 2300.0, 3400.0, 4400.0),
}


def voiced(samples: np.ndarray, rate: int = RATE) -> Spectrum:
    length = frame_length_at(rate)
    heard = fundamental_frequency(samples, rate, hop=length // 4).f0 > 0
    return spectrum(centred_frames(samples, length, length // 4), rate).at(heard)


def medians(found: Formants) -> np.ndarray:
    return np.nanmedian(found.frequency, axis=0)


@pytest.mark.parametrize("f0", [100, 140])
@pytest.mark.parametrize("name", VOWELS)
def test_the_resonators_of_a_synthetic_vowel_are_found(name, f0):
    found = medians(formants(voiced(vowel(f0, VOWELS[name]))))
    assert found == pytest.approx(VOWELS[name][:3], rel=0.08)
    assert found[1:] == pytest.approx(VOWELS[name][1:3], rel=0.03)


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
def test_the_sampling_rate_does_not_matter(rate):
    assert medians(formants(voiced(vowel(rate=rate), rate))) == pytest.approx(VOWEL[:3], rel=0.03)


def test_at_the_lowest_rate_what_it_leaves_of_the_spectrum_is_read():
    assert medians(formants(voiced(vowel(formants=VOWEL[:4], rate=8000), 8000))) == pytest.approx(VOWEL[:3], rel=0.05)


def test_bandwidths_are_about_those_of_the_resonators():
    bandwidth = np.nanmedian(formants(voiced(vowel())).bandwidth, axis=0)
    assert (bandwidth > 40).all()
    assert (bandwidth < 200).all()


def test_a_longer_vocal_tract_lowers_all_formants_alike():
    long, short = (medians(formants(voiced(vowel(formants=tuple(scale * f for f in VOWEL))))) for scale in (0.9, 1.0))
    assert long / short == pytest.approx(0.9, abs=0.05)  # drawn towards the harmonics, which stay


def test_medians_agree_with_praat():
    parselmouth = pytest.importorskip("parselmouth")
    spoken = speak("Dogs are sitting by the door", voice="en-us+f3")
    sound = parselmouth.Sound(spoken.astype(float), RATE)
    praat, pitch = sound.to_formant_burg(maximum_formant=5250), sound.to_pitch_ac(pitch_floor=65, pitch_ceiling=800)
    times = [time for time in praat.xs() if pitch.get_value_at_time(time) > 0]
    expected = [np.nanmedian([praat.get_value_at_time(number, time) for time in times]) for number in (1, 2, 3)]
    assert medians(formants(voiced(spoken))) == pytest.approx(expected, rel=0.04)


def test_no_frames_have_no_formants_and_silence_has_none_either():
    silence = spectrum(centred_frames(np.zeros(RATE, np.float32), 1024, 256), RATE)
    assert np.isnan(formants(silence).frequency).all()
    assert formants(silence.at(np.zeros(0, int))).frequency.shape == (0, 3)
