"""Log-mel sequences as a convolutional network reads them: one level, one length, and varied while it learns."""

from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

DYNAMIC_RANGE_DB = 80.0
"""What lies further below the loudest cell of its clip is the room and the recorder, not the voice."""


@dataclass(frozen=True)
class SequenceSettings:
    """How long a sequence is read, and how far it is varied in training (Park et al. 2019, arXiv 1904.08779)."""

    frames: Annotated[int, Field(ge=16, description="Frames that the network reads of a clip.")] = 96
    band_shift: Annotated[
        int, Field(ge=0, description="A training clip is moved by up to so many mel bands, like another vocal tract.")
    ] = 3
    masked_bands: Annotated[int, Field(ge=0, description="Most neighbouring mel bands hidden in a training clip.")] = 8
    masked_frames: Annotated[int, Field(ge=0, description="Most neighbouring frames hidden in a training clip.")] = 12


def under_peak(sequence: np.ndarray) -> np.ndarray:
    """Decibels under the clip's own peak, cut at -80, so that a quiet recording reads like a loud one; same shape."""
    return np.maximum(sequence - sequence.max(), -DYNAMIC_RANGE_DB)


def filled(sequence: np.ndarray, frames: int, start: int | None = None) -> np.ndarray:
    """Exactly `frames` frames of a sequence, (frames, bands).

    A shorter one is repeated until it fills them, so that what is pooled over time stays what it was and no silence
    is learned. Of a longer one the middle is taken, or, with `start`, what follows that frame.
    """
    length = len(sequence)
    if start is None:
        start = max(0, (length - frames) // 2)
    return sequence[(start + np.arange(frames)) % length]


def varied(sequence: np.ndarray, settings: SequenceSettings, rng: np.random.Generator) -> np.ndarray:
    """Read a standardised sequence from any start, moved along the bands and partly hidden, (frames, bands).

    Hidden cells are 0, the mean of their band. The emotion stays; where the clip starts and how long the speaker's
    vocal tract is does not.
    """
    bands = sequence.shape[1]
    view = filled(sequence, settings.frames, start=int(rng.integers(len(sequence))))
    shift = rng.integers(-settings.band_shift, settings.band_shift + 1)
    view = view[:, np.clip(np.arange(bands) + shift, 0, bands - 1)]
    view[:, _stretch(bands, settings.masked_bands, rng)] = 0
    view[_stretch(settings.frames, settings.masked_frames, rng)] = 0
    return view


def _stretch(length: int, longest: int, rng: np.random.Generator) -> slice:
    size = int(rng.integers(min(longest, length) + 1))
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)
