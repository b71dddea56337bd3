"""When decoded frames start, and what their timestamps leave out between them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ser_assets.audio.decoding.errors import DecodeError
from ser_assets.rejections import Problem

LONGEST_SECONDS = 120.0
# A gap is about a frame long at least, and stays: what later frames catch up is jitter.
LEAST_GAP_FRAMES = 0.9
LEAST_GAP_SECONDS = 0.01


class Frame(NamedTuple):
    """Decoded samples, shape (channels, samples), their rate in Hz, and when they start, in seconds; NaN if unknown."""

    samples: np.ndarray
    sampling_rate: int
    start: float


def joined(frames: Sequence[Frame]) -> np.ndarray:
    """The samples of all frames, shape (channels, samples), with silence where their timestamps have gaps.

    Raises:
        DecodeError: there are none, they change their rate, channels or format, or last over `LONGEST_SECONDS`.
    """
    if not frames:
        raise DecodeError("holds no samples")
    if len({(frame.sampling_rate, frame.samples.shape[0], frame.samples.dtype) for frame in frames}) > 1:
        raise DecodeError("changes its sampling rate, its channels or its sample format midway")
    first, lengths = frames[0], np.array([frame.samples.shape[1] for frame in frames])
    gaps = gaps_before(np.array([frame.start for frame in frames]), lengths, first.sampling_rate)
    if lengths.sum() + gaps.sum() > LONGEST_SECONDS * first.sampling_rate > 0:
        detail = f"is longer than {LONGEST_SECONDS:.0f} s, the most for one utterance, with the pauses in timestamps"
        raise DecodeError(detail, Problem.TOO_LONG)
    # Unsigned samples of 8 bits have their silence in the middle.
    silence = 128 if first.samples.dtype == np.uint8 else 0
    parts = []
    for frame, gap in zip(frames, gaps.tolist(), strict=True):
        if gap:
            parts.append(np.full((first.samples.shape[0], int(gap)), silence, first.samples.dtype))
        parts.append(frame.samples)
    return np.concatenate(parts, axis=1)


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
