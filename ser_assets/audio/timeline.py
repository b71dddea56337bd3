"""When decoded frames start, and what their timestamps leave out between them."""

from typing import NamedTuple

import numpy as np

# A gap is about a frame long at least, and stays: what later frames catch up is jitter.
LEAST_GAP_FRAMES = 0.9
LEAST_GAP_SECONDS = 0.01


class Frame(NamedTuple):
    """Decoded samples, shape (channels, samples), their rate in Hz, and when they start, in seconds; NaN if unknown."""

    samples: np.ndarray
    sampling_rate: int
    start: float


def gaps_before(starts: np.ndarray, lengths: np.ndarray, sampling_rate: int) -> np.ndarray:
    """How many samples the timestamps leave out before each frame, shape (frames,), float64 of whole numbers.

    None before the first: a track that starts late in a film is no longer than its sound. A frame that starts late
    counts only as far as all later frames are late, too. Where more than half of the frames had a gap, the timestamps
    are not in the unit that they claim, and none counts.

    Args:
        starts: when each frame starts, in seconds, shape (frames,); NaN where that is unknown.
        lengths: samples of each frame, shape (frames,).
        sampling_rate: in Hz.
    """
    gaps = np.zeros(len(starts))
    known = np.flatnonzero(np.isfinite(starts))
    if len(known) < 2:
        return gaps
    played = np.cumsum(lengths) - lengths
    late = starts[known] * sampling_rate - played[known]
    stays_late = np.minimum.accumulate(late[::-1])[::-1]
    left_out = np.diff(stays_late)
    least = np.maximum(LEAST_GAP_FRAMES * lengths[known[1:] - 1], LEAST_GAP_SECONDS * sampling_rate)
    is_gap = left_out >= least
    if 2 * is_gap.sum() <= len(is_gap):
        gaps[known[1:][is_gap]] = np.rint(left_out[is_gap])
    return gaps
