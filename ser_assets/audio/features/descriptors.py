"""What one frame sounds like, in one number or a few: librosa's spectral shape descriptors on a shared spectrum.

Every function agrees with the function of the same name in `librosa.feature` (McFee et al. 2015,
doi 10.25080/Majora-7b98e3ed-003), without computing again what its neighbour needs too.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ser_assets.audio.features.names import CONTRAST_BANDS
from ser_assets.audio.features.spectrum import POWER_FLOOR, Spectrum, decibels

CONTRAST_LOWEST_HZ = 200.0
CONTRAST_SHARE = 0.02
CONTRAST_RANGE_DB = 80.0
ROLLOFF_SHARE = 0.85
ROLLOFF_BLOCK = 32
CROSSING_THRESHOLD = 1e-10


class Shape(NamedTuple):
    """Location and spread of each frame's spectrum, in Hz; each of shape (frames,), 0 in a silent frame."""

    centroid: np.ndarray
    bandwidth: np.ndarray
    rolloff: np.ndarray


def spectral_shape(of: Spectrum) -> Shape:
    """Mean and standard deviation of frequency weighted by magnitude, and the frequency under which 85 % of it lies.

    The length of the frames is a multiple of 64.
    """
    magnitude, frequencies = of.magnitude, of.frequencies
    total, first, second = (magnitude.astype(np.float64) @ np.vander(frequencies, 3, increasing=True)).T
    total = np.where(total < np.finfo(np.float32).tiny, 1, total)
    centroid = first / total
    bandwidth = np.sqrt(np.maximum(second / total - centroid**2, 0))
    return Shape(centroid, bandwidth, frequencies[_bins_under(magnitude, ROLLOFF_SHARE)])


def flatness(of: Spectrum) -> np.ndarray:
    """Geometric over arithmetic mean of the power, from 0 (a tone) to 1 (white noise or silence), shape (frames,)."""
    power = of.power.clip(POWER_FLOOR, np.inf)
    return np.exp(np.mean(np.log(power), axis=1)) / np.mean(power, axis=1)


def contrast(of: Spectrum) -> np.ndarray:
    """Peak over valley in dB in seven octave bands from 0-200 Hz up, shape (frames, 7).

    Peak and valley are the means of a band's strongest and weakest 2 % of bins (Jiang et al. 2002,
    doi 10.1109/ICME.2002.1035731). A band above half the sampling rate is 0.
    """
    peak = np.ones((len(of.magnitude), CONTRAST_BANDS), np.float32)
    valley = np.ones_like(peak)
    for band, (first, last, extreme) in enumerate(_contrast_bands(of.sampling_rate, of.frame_length)):
        ordered = np.sort(of.magnitude[:, first:last], axis=1)
        share = np.full(extreme, 1 / extreme, np.float32)
        valley[:, band] = ordered[:, :extreme] @ share
        peak[:, band] = ordered[:, -extreme:] @ share
    return decibels(peak, CONTRAST_RANGE_DB) - decibels(valley, CONTRAST_RANGE_DB)


def zero_crossing_rate(samples: np.ndarray, frame_length: int, hop: int) -> np.ndarray:
    """Share of a frame's samples whose sign differs from that of the sample before, shape (1 + samples // hop,).

    Frames are centred and reach over the ends of the clip as if its first and last sample were held.
    """
    negative = samples < -CROSSING_THRESHOLD
    crossings = 1 + np.flatnonzero(negative[1:] != negative[:-1])
    first = np.arange(1 + len(samples) // hop) * hop - frame_length // 2
    before, after = np.searchsorted(crossings, [first + 1, first + frame_length])
    return (after - before) / frame_length


def root_mean_square(frames: np.ndarray) -> np.ndarray:
    """Effective amplitude of each frame, shape (frames,)."""
    return np.sqrt(np.einsum("ts,ts->t", frames, frames) / frames.shape[1])


def _bins_under(magnitude: np.ndarray, share: float) -> np.ndarray:
    """How many bins of each frame it takes from the lowest up until only one more reaches this share of their sum.

    Summed block by block, and only in the block where the share is reached bin by bin: a running sum over all bins
    takes longer.
    """
    blocks = magnitude[:, :-1].reshape(len(magnitude), -1, ROLLOFF_BLOCK)
    sums = blocks @ np.ones(ROLLOFF_BLOCK, magnitude.dtype)
    running = np.cumsum(sums, axis=1)
    wanted = np.float32(share) * (running[:, -1] + magnitude[:, -1])
    full = np.count_nonzero(running < wanted[:, None], axis=1)
    frame, block = np.arange(len(magnitude)), np.minimum(full, blocks.shape[1] - 1)
    within = wanted - (running[frame, block] - sums[frame, block])
    reached = np.cumsum(blocks[frame, block], axis=1)
    return block * ROLLOFF_BLOCK + np.count_nonzero(reached < within[:, None], axis=1)


@cache
def _contrast_bands(sampling_rate: int, frame_length: int) -> list[tuple[int, int, int]]:
    """First bin, bin after the last, and number of extreme bins of each band under half the sampling rate."""
    frequencies = np.fft.rfftfreq(frame_length, 1 / sampling_rate)
    edges = np.concatenate([[0], CONTRAST_LOWEST_HZ * 2.0 ** np.arange(CONTRAST_BANDS)])
    bands = []
    for band in range(CONTRAST_BANDS):
        within = np.flatnonzero((frequencies >= edges[band]) & (frequencies <= edges[band + 1]))
        if edges[band] >= frequencies[-1] or len(within) == 0:
            break
        first, last = within[0] - (band > 0), within[-1] + 1
        if band == CONTRAST_BANDS - 1:
            last = len(frequencies)
        extreme = max(1, round(CONTRAST_SHARE * (last - first)))
        bands.append((first, last if band == CONTRAST_BANDS - 1 else last - 1, extreme))
    return bands
