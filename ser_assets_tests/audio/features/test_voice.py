"""What a voice sounds like does not depend on its loudness, and is 0 where there is no voice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.audio.features.extract import extract_features
from ser_assets.audio.features.names import functional_group, functional_names
from ser_assets_tests.factories.signals import RATE, noise, noisy, vowel

WITHOUT_LEVEL = ("tilt", "harmonicity", "formants", "harmonics", "contour", "rhythm", "modulation")
PAUSE = noise(0.2, level=1e-4)
SENTENCE = np.concatenate(
    [vowel(seconds=0.4, glide=1.2), PAUSE, noise(0.1, level=0.02), vowel(180, seconds=0.3, glide=0.7)]
)


def named(samples: np.ndarray, *groups: str) -> dict[str, float]:
    clip = dict(zip(functional_names(), extract_features(samples, RATE).functionals.tolist(), strict=True))
    return {name: value for name, value in clip.items() if not groups or functional_group(name) in groups}


def differing(one: dict[str, float], other: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Functionals that differ by more than rounding; a frame at the border of voicing moves a percentile by 0.1 %."""
    return {
        name: (one[name], other[name]) for name in one if one[name] != pytest.approx(other[name], rel=3e-3, abs=2e-3)
    }


@given(gain=st.floats(1e-4, 10))
@settings(max_examples=15, deadline=None)
def test_gain_changes_nothing_but_the_level(gain):
    plain = named(SENTENCE, *WITHOUT_LEVEL)
    assert len(plain) == 302
    assert differing(plain, named(np.float32(gain) * SENTENCE, *WITHOUT_LEVEL)) == {}


def test_what_only_a_voice_has_is_zero_without_one():
    hiss = named(noise(), "formants", "harmonics", "tilt", "harmonicity", "voiced_mfcc")
    without = ("_unvoiced_", "spectral_flux_", "cepstral_peak_prominence_")
    voiced = {n: v for n, v in hiss.items() if "_voiced_" in n or not any(part in n for part in without)}
    assert set(voiced.values()) == {0}
    assert hiss["alpha_ratio_unvoiced_mean"] > 0


def test_what_only_voiceless_frames_have_is_zero_where_all_is_voice():
    sung = named(vowel(), "tilt", "voiced_mfcc")
    assert {value for name, value in sung.items() if "_unvoiced_" in name} == {0}
    assert sung["alpha_ratio_voiced_mean"] < 0


def test_the_voice_is_described_apart_from_the_hiss_beside_it():
    both = named(np.concatenate([vowel(seconds=0.5), noise(0.5)]))
    alone = named(vowel(seconds=0.5))
    assert both["alpha_ratio_voiced_p50"] == pytest.approx(alone["alpha_ratio_voiced_p50"], abs=1)
    assert both["mfcc_02_voiced_mean"] == pytest.approx(alone["mfcc_02_voiced_mean"], abs=10)
    assert both["mfcc_02_unvoiced_mean"] < both["mfcc_02_voiced_mean"] - 50


@pytest.mark.parametrize("ratio", [5, 15, 25])
def test_the_harmonics_stand_over_the_noise_by_as_much_as_was_mixed(ratio):
    time = np.arange(RATE) / RATE
    sung = 0.1 * sum(np.sin(2 * np.pi * 200 * number * time) / number for number in range(1, 9))
    mixed = named(noisy(sung.astype(np.float32), ratio))
    assert mixed["harmonics_to_noise_p50"] == pytest.approx(ratio, abs=1)


def test_a_trembling_voice_takes_larger_steps():
    f0 = 120 * (1 + 0.1 * np.sign(np.sin(2 * np.pi * 6 * np.arange(RATE) / RATE)))
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    trembling = 0.1 * sum(np.sin(number * phase) / number for number in range(1, 9)).astype(np.float32)
    assert named(trembling)["log_f0_step_size_mean"] > 10 * named(vowel())["log_f0_step_size_mean"]


def test_two_formants_and_their_ratio_tell_vowels_apart():
    open_vowel, close = named(vowel()), named(vowel(formants=(300.0, 2300.0, 3000.0, 3600.0, 4500.0)))
    assert open_vowel["formant_1_p50"] == pytest.approx(np.log(700), abs=0.03)
    assert open_vowel["formant_2_to_formant_1_p50"] == pytest.approx(np.log(1220 / 700), abs=0.05)
    assert close["formant_2_to_formant_1_p50"] == pytest.approx(np.log(2300 / 300), abs=0.1)


def test_a_vowel_with_a_strong_first_formant_has_weak_harmonics_above_it():
    clip = named(vowel(f0=200, formants=(200.0, 2300.0, 3000.0, 3600.0, 4500.0)))
    assert clip["level_harmonic_1_to_harmonic_2_p50"] > 6
    assert clip["level_harmonic_1_to_formant_1_p50"] == pytest.approx(0, abs=0.1)
    assert clip["level_harmonic_1_to_formant_3_p50"] == pytest.approx(clip["level_formant_1_to_formant_3_p50"], abs=0.1)
