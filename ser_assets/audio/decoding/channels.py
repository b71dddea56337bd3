"""How much two channels of a recording have in common: one voice on both, or another on each."""

import numpy as np

RATE = 8000
MOST_LAG_SECONDS = 0.02
AUDIBLE_DB = 25.0


def channel_likeness(samples: np.ndarray, sampling_rate: int) -> float | None:
    """Highest correlation of the two loudest channels, whatever its sign, at lags of up to 20 ms; 0 to 1.

    None where there is one channel, or only one within 25 dB of the loudest: it matters for the sound alone.

    `samples`: float32, shape (channels, samples), at `sampling_rate` Hz.
    """
    from ser_assets.audio.decoding.mono import resample

    if len(samples) < 2:
        return None
    centred = samples - samples.mean(axis=1, keepdims=True)
    power = np.square(centred).mean(axis=1)
    second, first = np.argsort(power)[-2:]
    if power[second] <= power[first] * 10 ** (-AUDIBLE_DB / 10):
        return None
    if np.array_equal(samples[first], samples[second]):
        return 1.0
    one, other = (resample(centred[channel], sampling_rate, RATE) for channel in (first, second))
    lags = round(MOST_LAG_SECONDS * RATE)
    size = len(one) + lags
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    highest = np.abs(np.concatenate([product[: lags + 1], product[-lags:]])).max()
    norm = np.linalg.norm(one) * np.linalg.norm(other)
    return float(highest / norm) if norm > 0 else None
