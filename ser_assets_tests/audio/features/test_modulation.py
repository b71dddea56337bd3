"""A swing of the loudness is found in the column of its rate and in the band where it swings."""

import numpy as np
import pytest

from ser_assets.audio.features.extract import extract_features
from ser_assets.audio.features.modulation import modulation
from ser_assets.audio.features.names import MODULATION
from ser_assets.audio.features.spectrum import centred_frames, mel_power, spectrum
from ser_assets_tests.factories.signals import RATE, noise


def swings(samples: np.ndarray, rate: int = RATE) -> dict[str, float]:
    mel = mel_power(spectrum(centred_frames(samples, 1024, 256), rate))
    return dict(zip(MODULATION, modulation(mel, rate / 256), strict=True))


@pytest.mark.parametrize(
    ("rate", "column"),
    [(1, "0_5_to_1_5"), (2, "1_5_to_2_5"), (3.2, "2_5_to_4"), (4.5, "4_to_6"), (7.5, "6_to_9"), (11, "9_to_13")],
)
def test_modulated_noise_has_its_peak_at_its_rate(rate, column):
    hiss = noise(3.0)
    found = swings(hiss * (1 + 0.8 * np.sin(2 * np.pi * rate * np.arange(len(hiss)) / RATE)).astype(np.float32))
    for band in range(1, 9):
        in_band = {name: value for name, value in found.items() if name.startswith(f"modulation_band_{band}_")}
        assert max(in_band, key=in_band.__getitem__) == f"modulation_band_{band}_{column}_hz"


def test_a_swing_of_the_treble_is_not_one_of_the_bass():
    time = np.arange(3 * RATE) / RATE
    treble = np.sin(2 * np.pi * 6000 * time) * (1 + 0.8 * np.sin(2 * np.pi * 5 * time))
    found = swings((0.1 * treble).astype(np.float32) + noise(3.0, level=0.01))
    in_column = [found[f"modulation_band_{band}_4_to_6_hz"] for band in range(1, 9)]
    assert np.argmax(in_column) >= 6


def test_loudness_does_not_count():
    hiss = noise(1.0)
    np.testing.assert_allclose(list(swings(1e-4 * hiss).values()), list(swings(hiss).values()), atol=1e-3)


def test_what_is_steady_or_too_short_to_swing_lies_at_the_floor():
    floor = pytest.approx(np.log(1e-3))
    assert all(value == floor for value in swings(np.zeros(RATE, np.float32)).values())
    assert all(value == floor for value in swings(noise(1.0)[:200]).values())


def test_a_recording_longer_than_the_shortest_transform_is_measured_too():
    assert np.isfinite(extract_features(noise(8.0), RATE).functionals).all()
