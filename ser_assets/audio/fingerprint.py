"""A rough fingerprint of a sound: nearly the same at another level, rate, coding or start, and for no other sound.

After Haitsma and Kalker (2002), "A highly robust audio fingerprinting system", ISMIR: a bit says whether the energy
falls from one band to the next faster than it did a moment before.
"""

import base64
from collections.abc import Sequence
from functools import cache

import numpy as np

RATE = 8000
HOP = 160
WINDOW = 1024
BITS = 32
LOWEST_HZ = 300.0
HIGHEST_HZ = 2000.0
ACTIVE_BELOW_PEAK_DB = 30.0
# Two sounds are compared at these distances, in steps of 20 ms, and only if they last about as long.
MOST_LAG = 5
LENGTH_SHARE = 0.03
LENGTH_SECONDS = 0.1
FEWEST_FRAMES = 30
# Share of bits that differ at most. It is 0.09 after MP3 at 128 kbit/s, 0.12 after AAC, 0.17 half a step aside, 0.19
# after Opus at 24 kbit/s; 0.30 or more between takes of RAVDESS, 0.29 in TESS (2 speakers, one carrier phrase), 0.39 in
# ASED and nEMO.
MOST_DIFFERENT = 0.22
# A first look at every eighth frame, silence included, goes on to a second one below this share.
FIRST_LOOK_STEP = 8
FIRST_LOOK = 0.36
# What resembles itself some time later, by this share, is a tone or a hum, and resembles all of its kind. Of
# 2357 takes of RAVDESS, TESS, nEMO and ASED, at least 0.36 of the bits differ.
REPEATS = 0.33
REPEATS_AFTER = range(8, 26)
FEWEST_REPEATED = 12


def fingerprint(mono: np.ndarray, sampling_rate: int) -> str:
    """32 bits for each 20 ms, as base64 of little-endian uint32; 0 in frames of silence.

    Empty for what repeats itself within half a second, as no speech does: it looks like others of its kind.

    `mono`: float32, shape (samples,), at `sampling_rate` Hz.
    """
    from scipy.fft import rfft

    from ser_assets.audio.decoding.mono import resample

    samples = resample(mono, sampling_rate, RATE)
    padded = np.pad(samples, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)) @ _bands()
    level = np.log(power + 1e-12 * max(float(power.max()), 1e-20))
    falls = np.diff(level, axis=1)
    bits = np.diff(falls, axis=0, prepend=falls[:1]) > 0
    words = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]
    total = power.sum(axis=1)
    # A word of zeros stands for silence, whatever the chance that a sound has it.
    words[total < total.max() * 10 ** (-ACTIVE_BELOW_PEAK_DB / 10)] = 0
    lags = (lag for lag in REPEATS_AFTER if lag < len(words))
    later = [_difference(words[None, lag:], words[:-lag], FEWEST_REPEATED) for lag in lags]
    return "" if min(later, default=1.0) < REPEATS else base64.b64encode(words.tobytes()).decode()


@cache
def _bands() -> np.ndarray:
    """Which bins belong to which of 33 bands, shape (bins, bands), with soft edges."""
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BITS + 3)
    frequency = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rise = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)


def alike(fingerprints: Sequence[str], seconds: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs of sounds that are the same performance, by their positions.

    Only those are compared whose lengths differ by 3 % or 0.1 s at most; each at distances of up to 100 ms.

    Args:
        fingerprints: as `fingerprint` makes them.
        seconds: the lengths of the sounds.
    """
    order = np.argsort(seconds, kind="stable")
    words = [np.frombuffer(base64.b64decode(fingerprints[place]), "<u4") for place in order]
    lengths = np.asarray(seconds, float)[order]
    last = np.searchsorted(lengths, lengths + np.maximum(LENGTH_SECONDS, LENGTH_SHARE * lengths), side="right")
    padded = np.zeros((len(words), max(map(len, words), default=0) + 2 * MOST_LAG), np.uint32)
    for place, own in enumerate(words):
        padded[place, MOST_LAG : MOST_LAG + len(own)] = own
    seldom = np.ascontiguousarray(padded[:, ::FIRST_LOOK_STEP].T)
    pairs = []
    for place, own in enumerate(words):
        shifted = np.stack([np.roll(padded[place], lag) for lag in range(-MOST_LAG, MOST_LAG + 1)])
        width = (len(own) + 2 * MOST_LAG) // FIRST_LOOK_STEP + 1
        others = seldom[:width, place + 1 : last[place]]
        for other in place + 1 + _worth_a_look(shifted[:, ::FIRST_LOOK_STEP].T[:width], others):
            if _difference(shifted, padded[other]) <= MOST_DIFFERENT:
                first, second = sorted((int(order[place]), int(order[other])))
                pairs.append((first, second))
    return sorted(pairs)


def _worth_a_look(shifted: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some sounds, shape (frames, sounds), may be the same as another: `shifted`, shape (frames, lags)."""
    differ = np.bitwise_count(others[:, None] ^ shifted[:, :, None]).sum(axis=0, dtype=np.uint16)
    most = FIRST_LOOK * BITS * np.count_nonzero(shifted, axis=0)
    return np.flatnonzero((differ <= most[:, None]).any(axis=0))


def _difference(shifted: np.ndarray, other: np.ndarray, fewest: int = FEWEST_FRAMES) -> float:
    """Least share of bits that differ where neither is silent; 1 where that is too short."""
    both = (shifted != 0) & (other != 0)
    frames = both.sum(axis=1)
    differ = (np.bitwise_count(shifted ^ other) * both).sum(axis=1, dtype=np.int64)
    return float(np.where(frames >= fewest, differ / np.maximum(frames, 1) / BITS, 1.0).min())
