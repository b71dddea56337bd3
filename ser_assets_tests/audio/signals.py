"""Sounds of which the answer is known: vowels of given formants, tones in noise of given strength."""

import numpy as np
from scipy.signal import lfilter

RATE = 22050
VOWEL = (700.0, 1220.0, 2600.0, 3500.0, 4500.0)


def vowel(
    f0: float = 120.0,
    formants: tuple[float, ...] = VOWEL,
    seconds: float = 1.0,
    rate: int = RATE,
    glide: float = 1.0,
) -> np.ndarray:
    """Impulses at f0, which glides by a factor, through a resonator of 80 Hz width for each formant and a low-pass."""
    size = int(seconds * rate)
    cycle = np.floor(np.cumsum(f0 * np.linspace(1, glide, size)) / rate)
    sound = np.diff(cycle, prepend=-1.0)
    for frequency in formants:
        pole = np.exp((-80 + 2j * frequency) * np.pi / rate)
        sound = lfilter([1], [1, -2 * pole.real, abs(pole) ** 2], sound)
    sound = lfilter([1], [1, -0.97], sound)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def noise(seconds: float = 1.0, level: float = 0.1, seed: int = 1) -> np.ndarray:
    """White noise."""
    return (level * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def noisy(sound: np.ndarray, ratio_db: float) -> np.ndarray:
    """A sound and white noise so many dB under it."""
    hiss = noise(len(sound) / RATE)[: len(sound)]
    return sound + hiss * np.float32(np.sqrt(np.square(sound).mean() / np.square(hiss).mean()) * 10 ** (-ratio_db / 20))
