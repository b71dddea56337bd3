"""Filter banks over the bins of a Fourier transform: mel bands and pitch classes.

Equal to `librosa.filters.mel` and `librosa.filters.chroma` with their defaults (tested), without the seconds that
importing librosa takes.
"""

import numpy as np

_HZ_PER_MEL = 200.0 / 3
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0

_PITCH_CLASSES = 12
_CENTRE_OCTAVE = 5.0
_OCTAVE_WIDTH = 2.0
_SEMITONES_FROM_C_TO_A = 3


def mel_filters(sampling_rate: int, frame_length: int, bands: int) -> np.ndarray:
    """Triangular filters on Slaney's mel scale from 0 Hz to half the rate, each of unit area.

    Slaney 1998, Auditory Toolbox, technical report 1998-010.

    Args:
        sampling_rate: in Hz.
        frame_length: of the transform, in samples.
        bands: number of filters.

    Returns:
        float32 of shape (bands, frame_length // 2 + 1).

    Examples:
        >>> mel_filters(22050, 1024, 64).shape
        (64, 513)
    """
    frequencies = np.fft.rfftfreq(n=frame_length, d=1.0 / sampling_rate)
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(sampling_rate / 2), bands + 2))
    widths = np.diff(edges)
    ramps = np.subtract.outer(edges, frequencies)
    weights = np.zeros((bands, len(frequencies)), dtype=np.float32)
    for band in range(bands):
        rising, falling = -ramps[band] / widths[band], ramps[band + 2] / widths[band + 1]
        weights[band] = np.maximum(0, np.minimum(rising, falling))
    weights *= (2.0 / (edges[2:] - edges[:-2]))[:, np.newaxis]
    return weights


def chroma_filters(sampling_rate: int, frame_length: int, tuning: float = 0.0) -> np.ndarray:
    """Filters of the 12 pitch classes from C: Gaussian around each class, and over octaves around the fifth.

    Ellis 2007, "Chroma feature analysis and synthesis".

    Args:
        sampling_rate: in Hz.
        frame_length: of the transform, in samples.
        tuning: deviation from A = 440 Hz in semitones.

    Returns:
        float32 of shape (12, frame_length // 2 + 1).
    """
    frequencies = np.linspace(0, sampling_rate, frame_length, endpoint=False)[1:]
    a0 = 440.0 * 2.0 ** (tuning / _PITCH_CLASSES) / 16
    semitones = _PITCH_CLASSES * np.log2(frequencies / a0)
    # The bin at 0 Hz lies an octave and a half below the next one, which makes its filter broad.
    semitones = np.concatenate(([semitones[0] - 1.5 * _PITCH_CLASSES], semitones))
    widths = np.concatenate((np.maximum(semitones[1:] - semitones[:-1], 1.0), [1]))
    distance = np.subtract.outer(semitones, np.arange(0, _PITCH_CLASSES, dtype="d")).T
    half = np.round(float(_PITCH_CLASSES) / 2)
    distance = np.remainder(distance + half + 10 * _PITCH_CLASSES, _PITCH_CLASSES) - half
    weights = np.exp(-0.5 * (2 * distance / np.tile(widths, (_PITCH_CLASSES, 1))) ** 2)
    weights /= np.sum(np.abs(weights) ** 2, axis=0, keepdims=True) ** 0.5
    octaves = np.exp(-0.5 * (((semitones / _PITCH_CLASSES - _CENTRE_OCTAVE) / _OCTAVE_WIDTH) ** 2))
    weights *= np.tile(octaves, (_PITCH_CLASSES, 1))
    weights = np.roll(weights, -_SEMITONES_FROM_C_TO_A, axis=0)
    return np.ascontiguousarray(weights[:, : 1 + frame_length // 2], dtype=np.float32)


def _hz_to_mel(frequency: float) -> float:
    if frequency < _LOG_FROM_HZ:
        return frequency / _HZ_PER_MEL
    return float(_LOG_FROM_MEL + np.log(frequency / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mels: np.ndarray) -> np.ndarray:
    frequencies = _HZ_PER_MEL * mels
    high = mels >= _LOG_FROM_MEL
    frequencies[high] = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels[high] - _LOG_FROM_MEL))
    return frequencies
