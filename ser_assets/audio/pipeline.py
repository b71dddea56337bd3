"""From a recording to its clip, step by step: the same functions in training and in prediction.

Training stores the result of each step; prediction runs them in one go.
"""

from dataclasses import dataclass

import numpy as np

from ser_assets.audio.decoding.decode import Recording
from ser_assets.audio.decoding.mono import resample, to_mono
from ser_assets.audio.silence import Trimmed, TrimMode, trim


@dataclass(frozen=True)
class Preprocessing:
    """How a recording becomes a clip.

    Attributes:
        sampling_rate: of the clip, in Hz.
        trim_mode: where silence is cut.
        trim_top_db: a frame this many dB under the loudest of its clip is silence.
        minimum_clip_seconds: a clip that trimming would make shorter is not trimmed, in s.
    """

    sampling_rate: int
    trim_mode: TrimMode
    trim_top_db: float
    minimum_clip_seconds: float


def mono_clip(mono: np.ndarray, sampling_rate: int, preprocessing: Preprocessing) -> np.ndarray:
    """One channel, float32 of shape (samples,), at the sampling rate of the clips instead of its own in Hz."""
    return resample(mono, sampling_rate, preprocessing.sampling_rate)


def trimmed_clip(samples: np.ndarray, preprocessing: Preprocessing) -> Trimmed:
    """A mono clip, float32 of shape (samples,), without its silence."""
    return trim(
        samples,
        preprocessing.sampling_rate,
        mode=preprocessing.trim_mode,
        top_db=preprocessing.trim_top_db,
        minimum_seconds=preprocessing.minimum_clip_seconds,
    )


def prepared_clip(recording: Recording, preprocessing: Preprocessing) -> Trimmed:
    """Run all steps on a decoded recording."""
    mono = mono_clip(to_mono(recording.samples), recording.sampling_rate, preprocessing)
    return trimmed_clip(mono, preprocessing)
