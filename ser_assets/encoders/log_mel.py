"""Whisper's front end: log-mel spectrograms of speech at 16 kHz."""

import functools
from typing import Final

import numpy as np

from ser_assets.audio.features.filter_banks import mel_filters

SAMPLING_RATE: Final = 16000
"""Of what an encoder reads, in Hz."""
FRAME: Final = 400
HOP: Final = 160
"""Samples from one frame to the next: 10 ms."""
BANDS: Final = 80
DYNAMIC_RANGE: Final = 8.0
"""Powers of ten under the loudest bin of a window at which quieter ones are cut."""


def log_mel(samples: np.ndarray, bands: int = BANDS) -> np.ndarray:
    """Log-mel spectrogram as Whisper was trained on, without padding to 30 s.

    Radford et al. 2022, arXiv 2212.04356; `whisper.audio.log_mel_spectrogram` of the published code.

    Args:
        samples: float32 (samples,) at 16 kHz, more than 200 of them.
        bands: mel bands of the encoder.

    Returns:
        float32 (bands, samples // 160), about -1 to 1.

    Examples:
        >>> log_mel(np.zeros(16000, np.float32)).shape
        (80, 100)
    """
    padded = np.pad(samples.astype(np.float64), FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][: len(samples) // HOP]
    power = np.square(np.abs(np.fft.rfft(frames * _window(), axis=1)))
    # In 64 bits: the order of a sum depends on threads, and integers in an encoder make much of the last of 32 bits.
    levels = np.log10(np.maximum(_filters(bands) @ power.T, 1e-10))
    scaled: np.ndarray = (np.maximum(levels, levels.max() - DYNAMIC_RANGE) + 4.0) / 4.0
    return scaled.astype(np.float32)


@functools.cache
def _filters(bands: int) -> np.ndarray:
    return mel_filters(SAMPLING_RATE, FRAME, bands).astype(np.float64)


@functools.cache
def _window() -> np.ndarray:
    """Periodic Hann window."""
    return np.hanning(FRAME + 1)[:-1]
