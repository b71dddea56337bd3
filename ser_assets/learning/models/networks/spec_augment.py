"""SpecAugment: sequences read from any start, shifted along the bands and partly masked (Park et al. 2019)."""

import numpy as np

from ser_assets.learning.data.sequences import MELODY_CHANNELS, fix_length
from ser_assets.learning.models.settings import SequenceSettings


def spec_augment(sequence: np.ndarray, settings: SequenceSettings, rng: np.random.Generator) -> np.ndarray:
    """Read standardised channels from any start, moved along the bands and partly hidden, (frames, bands + 4).

    Hidden cells are 0, the mean of their band. The emotion stays; where the clip starts and how long the speaker's
    vocal tract is does not.
    """
    bands = sequence.shape[1] - MELODY_CHANNELS
    view = fix_length(sequence, settings.frames, start=int(rng.integers(len(sequence))))
    shift = rng.integers(-settings.band_shift, settings.band_shift + 1)
    view[:, :bands] = view[:, np.clip(np.arange(bands) + shift, 0, bands - 1)]
    view[:, _stretch(bands, settings.freq_mask, rng)] = 0
    view[_stretch(settings.frames, settings.time_mask, rng)] = 0
    return view


def _stretch(length: int, longest: int, rng: np.random.Generator) -> slice:
    size = int(rng.integers(min(longest, length) + 1))
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)
