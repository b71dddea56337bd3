"""Formants: the resonances of the vocal tract, by linear prediction of the spectra of a whole clip at once.

Each spectrum up to 5250 Hz is taken for that of a signal of twice that rate (selective linear prediction: Makhoul 1975,
"Spectral linear prediction: properties and applications", IEEE Trans. ASSP 23: 283-296). Pre-emphasis, one pair of
poles for a formant of 1050 Hz and the reading of the poles are those of Praat's `To Formant (burg)`.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ser_assets.audio.features.names import FORMANTS
from ser_assets.audio.features.spectrum import Spectrum

HIGHEST_HZ = 5250.0
HERTZ_PER_FORMANT = 1050.0
PRE_EMPHASIS_FROM_HZ = 50.0
MARGIN_BELOW_HZ = 90.0
MARGIN_ABOVE_HZ = 50.0
NARROWEST_HZ = 10.0
WIDEST_HZ = 1000.0
WHITE_NOISE = 1e-6


class Formants(NamedTuple):
    """Frequency and bandwidth in Hz, each float64 of shape (frames, 3), lowest first, NaN where there is no formant."""

    frequency: np.ndarray
    bandwidth: np.ndarray


def formants(of: Spectrum) -> Formants:
    """The three lowest formants of each frame; only those of voiced frames mean anything.

    A pole at angle w and radius r is a formant at w / 2pi times the rate, -ln(r) / pi times the rate wide. Poles wider
    than 1000 Hz shape the spectrum without being formants; no formant counts as narrower than 10 Hz.
    """
    bins = min(round(HIGHEST_HZ / of.frequencies[1]) + 1, len(of.frequencies))
    top = float(of.frequencies[bins - 1])
    order = 2 * round(top / HERTZ_PER_FORMANT)
    correlation = of.power[:, :bins].astype(np.float64) @ _cosines(bins, top, order)
    predictor = _predictor(correlation)
    companion = np.zeros((len(predictor), order, order))
    companion[:, 0] = -predictor
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    poles = np.linalg.eigvals(companion)
    frequency = np.angle(poles) * top / np.pi
    bandwidth = -np.log(np.maximum(np.abs(poles), np.finfo(float).tiny)) * 2 * top / np.pi
    bandwidth = np.maximum(bandwidth, NARROWEST_HZ)
    is_formant = (frequency > MARGIN_BELOW_HZ) & (frequency < top - MARGIN_ABOVE_HZ) & (bandwidth < WIDEST_HZ)
    frequency, bandwidth = (np.where(is_formant, values, np.nan) for values in (frequency, bandwidth))
    lowest = np.argsort(frequency, axis=1)[:, :FORMANTS]
    return Formants(*(np.take_along_axis(values, lowest, axis=1) for values in (frequency, bandwidth)))


@cache
def _cosines(bins: int, top_hz: float, order: int) -> np.ndarray:
    """From a power spectrum up to `top_hz` to the autocorrelation of the pre-emphasised signal, (bins, order + 1)."""
    angle = np.pi * np.arange(bins) / (bins - 1)
    emphasis = np.abs(1 - np.exp(-np.pi * PRE_EMPHASIS_FROM_HZ / top_hz - 1j * angle)) ** 2
    emphasis[[0, -1]] /= 2
    return emphasis[:, None] * np.cos(np.outer(angle, np.arange(order + 1)))


def _predictor(correlation: np.ndarray) -> np.ndarray:
    """Prediction coefficients 1 to `order` by the Levinson-Durbin recursion, all frames in step.

    Args:
        correlation: shape (frames, order + 1), for lags 0 to `order`; zeros for a silent frame.

    Returns:
        Shape (frames, order).
    """
    power = correlation[:, :1] * (1 + WHITE_NOISE)
    correlation = np.divide(correlation, power, out=np.zeros_like(correlation), where=power > 0).T.copy()
    order, frames = correlation.shape[0] - 1, correlation.shape[1]
    predictor = np.zeros((order, frames))
    error = np.ones(frames)
    for last in range(order):
        known = predictor[:last]
        ahead = correlation[last + 1] + np.einsum("it,it->t", known, correlation[last:0:-1])
        reflection = -ahead / error
        predictor[:last] = known + reflection * known[::-1]
        predictor[last] = reflection
        error *= 1 - reflection**2
    return predictor.T
