"""Modulation spectrum: how fast the loudness of each part of the spectrum swings, from slow phrases to roughness.

Band-wise, as in Houtgast and Steeneken 1985, doi 10.1121/1.392224; speech swings most at 2 to 6 Hz, its syllables.
"""

import numpy as np

from ser_assets.audio.features.names import MODULATION_BANDS, MODULATION_EDGES_HZ
from ser_assets.audio.features.spectrum import MEL_BANDS, decibels

DYNAMIC_RANGE_DB = 80.0
SHORTEST_TRANSFORM = 512
POWER_FLOOR = 1e-3


def modulation(mel: np.ndarray, frames_per_second: float) -> np.ndarray:
    """Modulation power of eight groups of eight mel bands, the lowest first, at eight ranges of rates.

    The group's mean level in dB over time, without its own mean and under a Hann window, is transformed.

    Args:
        mel: power in mel bands, shape (frames, 64); the level is taken over its upper 80 dB.
        frames_per_second: at least 40; what lies above half of it is not measured.

    Returns:
        The numbers that `MODULATION` names: natural logarithms of mean power in dB², not under ln 0.001.
    """
    from scipy.fft import rfft, rfftfreq

    loudest = max(float(mel.max()), float(np.finfo(np.float32).tiny))
    level = decibels(mel / np.float32(loudest), DYNAMIC_RANGE_DB)
    width = MEL_BANDS // MODULATION_BANDS
    level = level.reshape(len(level), MODULATION_BANDS, width) @ np.full(width, 1 / width, level.dtype)
    swing = (level - level.mean(axis=0)) * np.hanning(len(level))[:, None]
    size = max(SHORTEST_TRANSFORM, len(swing))
    power = np.abs(rfft(swing, size, axis=0)) ** 2 / len(swing)
    starts = np.searchsorted(rfftfreq(size, 1 / frames_per_second), MODULATION_EDGES_HZ)
    sums = np.add.reduceat(power[: starts[-1]], starts[:-1])
    return np.log(sums / np.diff(starts)[:, None] + POWER_FLOOR).T.ravel()
