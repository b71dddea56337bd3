"""SpecAugment: sequences read from any start, shifted along the bands and partly masked (Park et al. 2019)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ser_assets.learning.data.sequences import MELODY_CHANNELS
from ser_assets.learning.models.settings import SequenceSettings


class _Drawn(NamedTuple):
    """How one sequence is varied."""

    start: int
    shift: int
    masked_bands: slice
    masked_frames: slice

    @classmethod
    def of(cls, length: int, bands: int, settings: SequenceSettings, rng: np.random.Generator) -> "_Drawn":
        return cls(
            int(rng.integers(length)),
            int(rng.integers(-settings.band_shift, settings.band_shift + 1)),
            _stretch(bands, settings.freq_mask, rng),
            _stretch(settings.frames, settings.time_mask, rng),
        )


def _stretch(length: int, longest: int, rng: np.random.Generator) -> slice:
    size = int(rng.integers(min(longest, length) + 1))
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)


class SpecAugment:
    """Varied views of standardised sequences, of one length.

    Masked cells are 0, the mean of their band. The emotion stays; where the clip starts and how long the speaker's
    vocal tract is does not.
    """

    def __init__(self, sequences: Sequence[np.ndarray], settings: SequenceSettings) -> None:
        """Hold the sequences, each float32 (frames, bands + 4), to draw views of them."""
        self._settings = settings
        self._lengths = np.array([len(sequence) for sequence in sequences])
        self._first = np.cumsum(self._lengths) - self._lengths
        self._frames = np.concatenate(sequences) if len(sequences) else np.empty((0, 0), np.float32)

    def __call__(self, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One view of each of the sequences at these positions, float32 (len(order), settings.frames, bands + 4)."""
        settings = self._settings
        bands = self._frames.shape[1] - MELODY_CHANNELS
        drawn = [_Drawn.of(int(self._lengths[position]), bands, settings, rng) for position in order]
        starts = np.array([each.start for each in drawn])[:, None]
        within = (starts + np.arange(settings.frames)) % self._lengths[order][:, None]
        views: np.ndarray = self._frames[self._first[order][:, None] + within]
        for view, each in zip(views, drawn, strict=True):
            if each.shift:
                view[:, :bands] = view[:, np.clip(np.arange(bands) + each.shift, 0, bands - 1)]
            view[:, each.masked_bands] = 0
            view[each.masked_frames] = 0
        return views
