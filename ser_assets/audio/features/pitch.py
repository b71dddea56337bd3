"""Fundamental frequency by Boersma's autocorrelation method, whole clip at once.

Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound", IFA Proceedings 17: 97-110; the method of Praat's `To Pitch (ac)`, whose costs are the defaults here.
"""

from functools import cache
from math import gcd
from typing import NamedTuple

import numpy as np

from ser_assets.audio.features.spectrum import centred_frames

FLOOR_HZ = 65.0
CEILING_HZ = 800.0
PERIODS_PER_WINDOW = 3
HIGHEST_HZ = 11025.0
LAG_RATE = 22050
CANDIDATES = 6

VOICING_THRESHOLD = 0.45
SILENCE_THRESHOLD = 0.03
OCTAVE_COST = 0.01
OCTAVE_JUMP_COST = 0.35
VOICING_CHANGE_COST = 0.14
COSTS_TIME_STEP = 0.01


class Pitch(NamedTuple):
    """What the voice does in each frame; both float32 of shape (frames,), 0 in frames without voice.

    `f0` is the fundamental frequency in Hz. `strength` is the autocorrelation at its period, up to 1 for a perfect
    repetition: the share of the energy that is harmonic (Boersma's harmonic strength).
    """

    f0: np.ndarray
    strength: np.ndarray


def fundamental_frequency(
    samples: np.ndarray,
    sampling_rate: int,
    *,
    hop: int = 256,
    floor_hz: float = FLOOR_HZ,
    ceiling_hz: float = CEILING_HZ,
) -> Pitch:
    """Fundamental frequency of a voice over time, and how strongly it repeats.

    Args:
        samples: float32, mono, of shape (samples,), not empty.
        sampling_rate: in Hz.
        hop: time step in samples; frame i is centred on sample i * hop.
        floor_hz: lowest frequency looked for; the window holds three of its periods.
        ceiling_hz: highest frequency looked for.

    Returns:
        1 + samples // hop frames.

    Raises:
        ValueError: not 0 < floor_hz < ceiling_hz < a quarter of the sampling rate.
    """
    if not 0 < floor_hz < ceiling_hz < sampling_rate / 4:
        raise ValueError(f"no voice to look for from {floor_hz} to {ceiling_hz} Hz at {sampling_rate} Hz")
    frames = centred_frames(samples, 2 * round(PERIODS_PER_WINDOW * sampling_rate / floor_hz / 2), hop)
    correlation = _autocorrelation(frames, sampling_rate, floor_hz, ceiling_hz)
    octave, height = _candidates(correlation, floor_hz, ceiling_hz)
    strength = height - _octave_cost(octave, floor_hz, ceiling_hz)
    loudness = np.maximum(frames.max(axis=1), -frames.min(axis=1))
    relative = loudness / max(float(loudness.max()), np.finfo(np.float32).tiny)
    silence = np.maximum(0, 2 - relative * (1 + VOICING_THRESHOLD) / SILENCE_THRESHOLD)
    strength[:, 0] = VOICING_THRESHOLD + silence
    chosen = _best_path(octave, strength, COSTS_TIME_STEP * sampling_rate / hop)
    octave, height = (np.take_along_axis(values, chosen[:, None], axis=1)[:, 0] for values in (octave, height))
    f0 = np.where(chosen > 0, floor_hz * 2**octave, 0)
    return Pitch(f0.astype(np.float32), np.where(chosen > 0, height, 0).astype(np.float32))


def _autocorrelation(frames: np.ndarray, sampling_rate: int, floor_hz: float, ceiling_hz: float) -> np.ndarray:
    """Autocorrelation of each frame at `_lags`, 1 for a perfect repetition, 0 in a silent frame.

    The inverse transform of the power spectrum, cut off or filled up with zeros so that its samples come at LAG_RATE,
    divided by the window's own (Boersma's equation 9). Power is real, and so its inverse a cosine transform.
    """
    from scipy.fft import dct, rfft

    length = frames.shape[1]
    correlator = _correlator(length, sampling_rate, floor_hz, ceiling_hz)
    windowed = np.zeros((len(frames), correlator.size), np.float32)
    np.subtract(frames, frames.mean(axis=1, keepdims=True), out=windowed[:, :length])
    windowed[:, :length] *= correlator.window
    power = np.square(np.abs(rfft(windowed, axis=1, overwrite_x=True)))
    power[:, 0] = power[:, correlator.bins :] = 0
    energy = power.sum(axis=1, keepdims=True)
    lags = _lags(floor_hz, ceiling_hz)
    correlation = dct(power, type=1, n=correlator.size_at_lag_rate // 2 + 1, axis=1, overwrite_x=True)
    correlation = correlation[:, lags[0] : lags[-1] + 1]
    # Below normal floats the ratio is no number to rely on, and its parts overflow.
    energy[energy <= np.finfo(np.float32).tiny] = np.inf
    return correlation * (1 / energy) * correlator.weight


def _lags(floor_hz: float, ceiling_hz: float) -> np.ndarray:
    """Lags in units of 1 / LAG_RATE seconds, one more at either end than the periods looked for."""
    return np.arange(int(LAG_RATE / ceiling_hz) - 1, int(LAG_RATE / floor_hz) + 3)


class _Correlator(NamedTuple):
    """What frames of one length are correlated with.

    `window`: Hann, float32. `size` of the transform and `size_at_lag_rate` of its inverse span the same seconds, and
    are even. `bins` of the spectrum are used. `weight`, float32 of shape (lags,), makes up for the window's own
    correlation.
    """

    window: np.ndarray
    size: int
    size_at_lag_rate: int
    bins: int
    weight: np.ndarray


@cache
def _correlator(length: int, sampling_rate: int, floor_hz: float, ceiling_hz: float) -> _Correlator:
    from scipy.fft import irfft, next_fast_len, rfft

    window = np.hanning(length + 2)[1:-1]
    common = gcd(sampling_rate, LAG_RATE)
    step, step_at_lag_rate = 2 * sampling_rate // common, 2 * LAG_RATE // common
    steps = next_fast_len(-(-(length + int(sampling_rate / floor_hz) + 3) // step), real=True)
    size, size_at_lag_rate = steps * step, steps * step_at_lag_rate
    bins = min(int(HIGHEST_HZ * size / sampling_rate), (size + 1) // 2)
    power = np.abs(rfft(window, size)) ** 2
    own = irfft(power, size_at_lag_rate)[_lags(floor_hz, ceiling_hz)] * size_at_lag_rate / size
    own /= np.square(window).sum()
    weight = (1 / (2 * own)).astype(np.float32)
    return _Correlator(window.astype(np.float32), size, size_at_lag_rate, bins, weight)


def _candidates(correlation: np.ndarray, floor_hz: float, ceiling_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """The strongest peaks of each frame, less their octave cost: octaves above the floor, and height.

    Returns:
        Two arrays of shape (frames, CANDIDATES + 1). Column 0 is left for "no voice"; height is -inf where a frame
        has fewer peaks.
    """
    at, before, after = correlation[:, 1:-1], correlation[:, :-2], correlation[:, 2:]
    peaks = np.flatnonzero((at > VOICING_THRESHOLD / 2) & (at > before) & (at >= after))
    frame, position = np.divmod(peaks, at.shape[1])
    peak, left, right = (values[frame, position] for values in (at, before, after))
    shift = (right - left) / (2 * (2 * peak - left - right))
    height = np.minimum(peak + (right - left) * shift / 4, 1)
    octaves = np.log2(LAG_RATE / floor_hz / (_lags(floor_hz, ceiling_hz)[position + 1] + shift))

    # Strengths differ by less than 2, so that one key sorts by frame and by strength within a frame.
    order = np.argsort(2 * frame + _octave_cost(octaves, floor_hz, ceiling_hz) - height)
    frame, octaves, height = frame[order], octaves[order], height[order]
    rank = np.arange(len(frame)) - np.searchsorted(frame, np.arange(len(correlation)))[frame]
    kept = rank < CANDIDATES
    octave = np.zeros((len(correlation), CANDIDATES + 1), np.float32)
    heights = np.full_like(octave, -np.inf)
    octave[frame[kept], rank[kept] + 1] = octaves[kept]
    heights[frame[kept], rank[kept] + 1] = height[kept]
    return octave, heights


def _octave_cost(octave: np.ndarray, floor_hz: float, ceiling_hz: float) -> np.ndarray:
    return OCTAVE_COST * (np.log2(ceiling_hz / floor_hz) - octave)


def _best_path(octave: np.ndarray, strength: np.ndarray, cost_scale: float) -> np.ndarray:
    """Column of the best candidate in each frame: the sum of strengths less the costs of changing (Viterbi)."""
    octave, strength = np.ascontiguousarray(octave.T), np.ascontiguousarray(strength.T)
    cost = OCTAVE_JUMP_COST * np.abs(octave[:, None, :-1] - octave[:, 1:])
    cost[0] = cost[:, 0] = VOICING_CHANGE_COST
    cost[0, 0] = 0
    gain = strength[:, 1:] - cost_scale * cost
    best = _best_sums(strength[:, 0], gain)
    path = [int(best[:, -1].argmax())]
    for before in reversed((best[:, None, :-1] + gain).argmax(axis=0).T.tolist()):
        path.append(before[path[-1]])
    return np.array(path[::-1])


def _best_sums(first: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The best sum with which a path can come to each candidate, shape (candidates, 1 + steps).

    Two steps at a time make a problem of half the length, whose answers are every other one of these: numpy is called
    twice the logarithm of the steps, not once for each.

    Args:
        first: what each candidate of the first frame is worth, shape (candidates,).
        gain: what a step is worth, shape (candidates before, candidates after, steps).
    """
    steps = gain.shape[2]
    if steps == 0:
        return first[:, None]
    odd, even = gain[:, :, ::2].copy(), gain[:, :, 1::2].copy()
    best = np.empty((len(first), 1 + steps), gain.dtype)
    best[:, ::2] = _best_sums(first, (odd[:, :, None, : even.shape[2]] + even).max(axis=1))
    best[:, 1::2] = (best[:, None, :steps:2] + odd).max(axis=0)
    return best
