"""From the channels of a recording to one, and from its sampling rate to another."""

from pathlib import Path

import numpy as np

from ser_assets.audio.decoding.decode import decode

# Channels without sound cost the mean of n channels 20 log10(n) dB. What costs more than this besides cancels.
CANCELLATION_DB = 0.5
MOST_OFFSET = 0.05


def to_mono(samples: np.ndarray) -> np.ndarray:
    """Mix channels, shape (channels, samples), to one, shape (samples,), both float32.

    The mean of the channels; where it is further under the loudest channel than if all others were mute (opposite
    phases cancel), that channel alone. A constant offset is taken away where it is over 5 % of the effective amplitude:
    no recording of RAVDESS has one of 2 %.
    """
    mono = samples[0] if samples.shape[0] == 1 else _mixed(samples)
    offset = float(mono.mean(dtype=np.float64))
    if abs(offset) > MOST_OFFSET * float(mono.std(dtype=np.float64)):
        return mono - np.float32(offset)
    return mono


def _mixed(samples: np.ndarray) -> np.ndarray:
    mixed = samples.mean(axis=0, dtype=np.float32)
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    least = power.max() / len(samples) ** 2 * 10 ** (-CANCELLATION_DB / 10)
    if np.square(mixed, dtype=np.float64).mean() < least:
        return samples[int(power.argmax())]
    return mixed


def load_mono(path: Path, sampling_rate: int) -> np.ndarray:
    """Decode a file to one float32 channel, shape (samples,), at `sampling_rate` Hz.

    Resampled with soxr at its high quality setting. Raises `DecodeError` as `decode` does.
    """
    recording = decode(path)
    return resample(to_mono(recording.samples), recording.sampling_rate, sampling_rate)


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 `samples`, shape (samples,), between two rates in Hz."""
    import soxr

    if from_rate == to_rate:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)
