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


def spoken(seconds: float = 2.0, seed: int = 0, rate: int = 16000) -> np.ndarray:
    """Syllables of other vowels, pitches and lengths for each seed, with breath under them."""
    rng = np.random.default_rng(seed)
    parts, f0 = [], rng.uniform(90, 230)
    while sum(map(len, parts)) < seconds * rate:
        formants = (rng.uniform(300, 850), rng.uniform(900, 2200), rng.uniform(2400, 3000))
        own = vowel(f0 * rng.uniform(0.8, 1.25), formants, rng.uniform(0.1, 0.3), rate, rng.uniform(0.7, 1.4))
        parts.append(own * np.hanning(len(own)) * rng.uniform(0.4, 1))
    sound = np.concatenate(parts)[: int(seconds * rate)]
    return (sound + 0.001 * rng.standard_normal(len(sound))).astype(np.float32)
