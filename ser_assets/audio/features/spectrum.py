"""From samples to spectra: frames, one Fourier transform, filter banks, decibels and deltas. No statistics over frames.

Time runs along the first axis of every array here: `(frames, bins)`.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from ser_assets.audio.features.filter_banks import chroma_filters, mel_filters
from ser_assets.audio.features.names import MEL_BANDS

FRAME_SECONDS = 1024 / 22050
POWER_FLOOR = 1e-10
FLOOR_DB = -100.0
DELTA_WIDTH = 9
MEL_GROUPS = 4


@dataclass(frozen=True)
class Spectrum:
    """Magnitudes of a clip's short-time Fourier transform.

    Attributes:
        magnitude: float32 of shape (frames, frame_length // 2 + 1), not scaled by the window's sum.
        sampling_rate: in Hz.
        frame_length: of the Hann window and the transform, in samples.
    """

    magnitude: np.ndarray
    sampling_rate: int
    frame_length: int

    @cached_property
    def power(self) -> np.ndarray:
        """Squared magnitudes, float32 of shape (frames, bins)."""
        return np.square(self.magnitude)

    @cached_property
    def log_power(self) -> np.ndarray:
        """Power in dB relative to 1, not under -100 dB, float32 of shape (frames, bins)."""
        return decibels(self.power)

    @cached_property
    def frequencies(self) -> np.ndarray:
        """Centre of each bin in Hz, float64 of shape (bins,)."""
        return np.fft.rfftfreq(self.frame_length, 1 / self.sampling_rate)

    def normalised(self) -> "Spectrum":
        """The same spectrum with its largest magnitude at 1, so that the level of the clip does not count."""
        loudest = max(float(self.magnitude.max()), float(np.finfo(np.float32).tiny))
        return replace(self, magnitude=self.magnitude / np.float32(loudest))

    def at(self, frames: np.ndarray) -> "Spectrum":
        """Some of its frames: a mask of shape (frames,), or their numbers."""
        return replace(self, magnitude=self.magnitude[frames])


def frame_length_at(sampling_rate: int) -> int:
    """Frame length in samples: the power of two nearest to 46.4 ms on a logarithmic scale (1024 at 22.05 kHz)."""
    return 2 ** round(np.log2(FRAME_SECONDS * sampling_rate))


def centred_frames(samples: np.ndarray, frame_length: int, hop: int) -> np.ndarray:
    """Overlapping frames, centred on every `hop`-th sample, the signal padded with zeros at both ends.

    Returns:
        A read-only view of shape (1 + samples // hop, frame_length).
    """
    silence = np.zeros(frame_length // 2, samples.dtype)
    padded = np.concatenate([silence, samples, silence])
    return np.lib.stride_tricks.sliding_window_view(padded, frame_length)[::hop]


def spectrum(frames: np.ndarray, sampling_rate: int) -> Spectrum:
    """Transform frames under a periodic Hann window, as `librosa.stft` does, in single precision.

    Args:
        frames: float32 of shape (frames, frame_length), frame_length even.
        sampling_rate: in Hz.
    """
    from scipy.fft import rfft

    frame_length = frames.shape[1]
    transform = rfft(frames * _hann(frame_length), axis=1, overwrite_x=True)
    return Spectrum(np.abs(transform), sampling_rate, frame_length)


def mel_power(of: Spectrum, bands: int = MEL_BANDS) -> np.ndarray:
    """Power in mel bands (Slaney's scale and area, from 0 Hz to half the rate), float32 of shape (frames, bands)."""
    filters = _mel_filters(of.sampling_rate, of.frame_length, bands)
    return np.concatenate([of.power[:, bins] @ weights for bins, weights in filters], axis=1)


def chroma(of: Spectrum, tuning: float = 0.0) -> np.ndarray:
    """Power of the 12 pitch classes from C, in each frame relative to the strongest, float32 (frames, 12).

    Args:
        of: the spectrum.
        tuning: deviation from A = 440 Hz in semitones.
    """
    raw = of.power @ _chroma_filters(of.sampling_rate, of.frame_length, tuning)
    peak = raw.max(axis=1, keepdims=True)
    return raw / np.where(peak < np.finfo(np.float32).tiny, 1, peak)


def decibels(power: np.ndarray, dynamic_range: float | None = None) -> np.ndarray:
    """Power in dB relative to 1, not under -100 dB, nor further than `dynamic_range` dB under the array's maximum."""
    # Clipped from both sides, which numpy does in half the time.
    log = 10 * np.log10(power.clip(POWER_FLOOR, np.inf))
    return log.clip(FLOOR_DB if dynamic_range is None else max(FLOOR_DB, log.max() - dynamic_range), np.inf)


def cepstrum(log_mel: np.ndarray, coefficients: int) -> np.ndarray:
    """Mel-frequency cepstral coefficients: orthonormal DCT-II over the last axis of log-mel spectra in dB."""
    return log_mel @ _cosines(log_mel.shape[-1], coefficients)


def deltas(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second time derivative as in `librosa.feature.delta`: a line and a parabola fitted to 9 frames.

    The n-th derivative of a fitted polynomial of degree n is a constant, so the four frames at either end, where the
    window would reach over the edge, take the value of the first or last whole window.

    Args:
        frames: shape (frames, features); a clip under 9 frames is lengthened by repeating its last frame.

    Returns:
        Two float32 arrays of the shape of `frames`, in units per frame and per squared frame.
    """
    half, missing = DELTA_WIDTH // 2, max(0, DELTA_WIDTH - len(frames))
    if missing:
        frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    windows = np.lib.stride_tricks.sliding_window_view(frames, DELTA_WIDTH, axis=0)
    whole = np.clip(np.arange(len(frames) - missing) - half, 0, len(windows) - 1)
    slope, curvature = (windows @ weights for weights in _derivative_weights())
    return slope[whole], curvature[whole]


@cache
def _hann(length: int) -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


@cache
def _mel_filters(sampling_rate: int, frame_length: int, bands: int) -> list[tuple[slice, np.ndarray]]:
    """Filters of neighbouring bands, a few groups of them: the bins that they reach, and weights (bins, bands)."""
    groups = []
    for weights in np.array_split(mel_filters(sampling_rate, frame_length, bands), MEL_GROUPS):
        reached = np.flatnonzero(weights.any(axis=0))
        bins = slice(reached[0], reached[-1] + 1) if len(reached) else slice(0)
        groups.append((bins, np.ascontiguousarray(weights[:, bins].T)))
    return groups


@cache
def _chroma_filters(sampling_rate: int, frame_length: int, tuning: float) -> np.ndarray:
    return np.ascontiguousarray(chroma_filters(sampling_rate, frame_length, tuning).T)


@cache
def _cosines(bands: int, coefficients: int) -> np.ndarray:
    from scipy.fft import dct

    return np.ascontiguousarray(dct(np.eye(bands), norm="ortho")[:, :coefficients], dtype=np.float32)


@cache
def _derivative_weights() -> tuple[np.ndarray, np.ndarray]:
    offsets = np.arange(DELTA_WIDTH) - DELTA_WIDTH // 2
    slope = np.linalg.pinv(np.vander(offsets, 2, increasing=True))[1]
    curvature = 2 * np.linalg.pinv(np.vander(offsets, 3, increasing=True))[2]
    return slope.astype(np.float32), curvature.astype(np.float32)
