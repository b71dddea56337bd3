"""Silence, always measured against the level of the clip itself: a quiet speaker is not a silent one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser_assets.audio.features.descriptors import root_mean_square
from ser_assets.audio.features.spectrum import centred_frames

FRAME_LENGTH = 2048
HOP_LENGTH = 512
SILENT_PEAK = 1e-3
QUIETEST = 1e-20
CLICK_BLOCK_SECONDS = 0.005
CLICKS_SECONDS = 0.05
# Levels in search of a loud event: windows of four hops.
HOP_SECONDS = 512 / 22050
HOPS_A_WINDOW = 4
# A loud event stands this far over all else, and is short, or steady as a beep is. Voices are neither: in 1200 takes of
# RAVDESS, at least 0.79 s are within 20 dB of the loudest frame, and at most 53 % of those within 3 dB.
EVENT_DB = 20.0
EVENT_SECONDS = 0.6
STEADY_DB = 3.0
STEADY_SHARE = 0.75
STEADY_SECONDS = 2.0
# Beside it there is an utterance: sound of some length that goes up and down, other than a hum or the noise of a room.
UTTERANCE_SECONDS = 0.4
UTTERANCE_DB = 15.0
UTTERANCE_RANGE_DB = 6.0
FAINTEST_DB = -60.0

TrimMode = Literal["ends", "everywhere"]


@dataclass(frozen=True)
class Trimmed:
    """A clip without its silence: float32 `samples`, shape (samples,).

    `trim_skipped` if too little would be left; `loud_event` if something short, such as a beep, is far over the voice.
    """

    samples: np.ndarray
    trim_skipped: bool
    loud_event: bool = False


def is_silent(samples: np.ndarray, sampling_rate: int) -> bool:
    """Whether a recording holds nothing but silence and clicks, once its offset is taken away.

    Silence has no sample above -60 dB of full scale; what is above it for less than 50 ms in all, in blocks of 5 ms,
    is a click. The video-only files of RAVDESS carry a track at -91 dB; its quietest actor peaks at -22 dB.

    Args:
        samples: shape (channels, samples) or (samples,).
        sampling_rate: in Hz.

    Examples:
        >>> is_silent(np.zeros((2, 22050), np.float32), 22050)
        True
    """
    if samples.size == 0:
        return True
    centred = np.abs(samples - samples.mean(axis=-1, keepdims=True))
    loud = np.atleast_2d(centred).max(axis=0) >= SILENT_PEAK
    block = max(1, int(CLICK_BLOCK_SECONDS * sampling_rate))
    blocks = np.add.reduceat(loud, np.arange(0, len(loud), block)) > 0
    return bool(blocks.sum() * block < CLICKS_SECONDS * sampling_rate)


def trim(
    samples: np.ndarray,
    sampling_rate: int,
    *,
    mode: TrimMode = "ends",
    top_db: float = 30.0,
    minimum_seconds: float = 0.3,
) -> Trimmed:
    """Cut the frames that lie more than `top_db` dB under the loudest frame, at the ends or everywhere.

    `samples`: float32, shape (samples,). Frames are RMS over 2048 samples, 512 apart, as in `librosa.effects`; unlike
    there, the level of the clip does not count, however low. Where a short loud event (a beep, a click, a door) stands
    far over an utterance, frames are measured against the utterance, in both modes; the event stays where it lies
    inside of what is kept, and the clip is marked. A clip that would become shorter than `minimum_seconds`, and one of
    digital silence, comes back whole and marked.

    Examples:
        >>> samples = np.zeros(22050, np.float32)
        >>> samples[8192:16384] = 0.5
        >>> trimmed = trim(samples, 22050)
        >>> trimmed.samples.shape, trimmed.trim_skipped
        ((9728,), False)
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return Trimmed(samples, trim_skipped=True)
    level = _levels(samples / peak, FRAME_LENGTH, HOP_LENGTH)
    utterance = _level_beside_an_event(samples / peak, sampling_rate)
    loud = _decibels(level, utterance or level.max()) > -top_db
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False)) * HOP_LENGTH
    intervals = np.minimum(edges, len(samples)).reshape(-1, 2)
    if mode == "ends":
        intervals = np.array([[intervals[0, 0], intervals[-1, 1]]])
    kept = np.concatenate([samples[start:stop] for start, stop in intervals])
    if len(kept) < minimum_seconds * sampling_rate:
        return Trimmed(samples, trim_skipped=True, loud_event=utterance is not None)
    return Trimmed(kept, trim_skipped=False, loud_event=utterance is not None)


def _level_beside_an_event(samples: np.ndarray, sampling_rate: int) -> float | None:
    """Level (RMS) of the utterance beside a loud event; None where there are not both.

    Frames last as long at every sampling rate, so that what is an event at one is an event at all.
    """
    hop = max(1, round(HOP_SECONDS * sampling_rate))
    level = _levels(samples, HOPS_A_WINDOW * hop, hop)
    decibels = _decibels(level, level.max())
    event = decibels > -EVENT_DB
    seconds, steady = event.sum() * HOP_SECONDS, (decibels > -STEADY_DB).sum() / event.sum()
    if not (seconds <= EVENT_SECONDS or (seconds <= STEADY_SECONDS and steady >= STEADY_SHARE)):
        return None
    # Frames that overlap it hold some of it.
    rest = decibels[np.convolve(event, np.ones(2 * HOPS_A_WINDOW + 1), "same") == 0]
    if not len(rest):
        return None
    utterance = float(np.percentile(rest, 90))
    audible = rest[rest > utterance - 2 * UTTERANCE_DB]
    lasts = (rest > utterance - UTTERANCE_DB).sum() * HOP_SECONDS >= UTTERANCE_SECONDS
    varies = np.ptp(np.percentile(audible, (10, 90))) >= UTTERANCE_RANGE_DB
    return level.max() * 10 ** (utterance / 20) if utterance > FAINTEST_DB and lasts and varies else None


def _levels(samples: np.ndarray, frame_length: int, hop_length: int) -> np.ndarray:
    """RMS of frames, in double precision, as librosa's decibels have it: a frame at the threshold falls on its side."""
    return root_mean_square(centred_frames(samples, frame_length, hop_length)).astype(np.float64)


def _decibels(level: np.ndarray, reference: float) -> np.ndarray:
    return 20 * np.log10(np.maximum(level, QUIETEST) / reference)
