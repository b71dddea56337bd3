"""Silence, always judged against the clip's own loudest frame: a quiet speaker is not a silent one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ser_assets.audio.descriptors import root_mean_square
from ser_assets.audio.spectrum import centred_frames

FRAME_LENGTH = 2048
HOP_LENGTH = 512
SILENT_PEAK = 1e-3
QUIETEST = 1e-20

TrimMode = Literal["ends", "everywhere"]


@dataclass(frozen=True)
class Trimmed:
    """A clip without its silence: float32 `samples`, shape (samples,); `kept_whole` if too little would be left."""

    samples: np.ndarray
    kept_whole: bool


def is_silent(samples: np.ndarray, sampling_rate: int = 48000) -> bool:
    """Whether a recording holds nothing to hear: no sample above -60 dB of full scale once its offset is taken away.

    The video-only files of RAVDESS carry a track at -91 dB; its quietest actor peaks at -22 dB.
    """
    if samples.size == 0:
        return True
    centred = samples - samples.mean(axis=-1, keepdims=True)
    return bool(np.abs(centred).max() < SILENT_PEAK)


def trim(
    samples: np.ndarray,
    sampling_rate: int,
    *,
    mode: TrimMode = "ends",
    below_peak_db: float = 30.0,
    minimum_seconds: float = 0.3,
) -> Trimmed:
    """Cut the frames that lie more than `below_peak_db` dB under the loudest frame, at the ends or everywhere.

    `samples`: float32, shape (samples,). Frames are RMS over 2048 samples, 512 apart, as in `librosa.effects`; unlike
    there, the level of the clip does not count, however low. A clip that would become shorter than `minimum_seconds`,
    and one of digital silence, comes back whole and marked.
    """
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return Trimmed(samples, kept_whole=True)
    # In double precision, as librosa's decibels have it: a frame at the threshold shall fall on its side of it.
    level = root_mean_square(centred_frames(samples / peak, FRAME_LENGTH, HOP_LENGTH)).astype(np.float64)
    loud = 20 * np.log10(np.maximum(level, QUIETEST) / level.max()) > -below_peak_db
    edges = np.flatnonzero(np.diff(loud, prepend=False, append=False)) * HOP_LENGTH
    intervals = np.minimum(edges, len(samples)).reshape(-1, 2)
    if mode == "ends":
        intervals = np.array([[intervals[0, 0], intervals[-1, 1]]])
    kept = np.concatenate([samples[start:stop] for start, stop in intervals])
    if len(kept) < minimum_seconds * sampling_rate:
        return Trimmed(samples, kept_whole=True)
    return Trimmed(kept, kept_whole=False)
