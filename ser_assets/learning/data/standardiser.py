"""Standardisation of features by the mean and the standard deviation of the training rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LARGEST_DEVIATION = 5.0
"""Standardised values are cut here: one functional far outside the training range must not drown the others."""


class Standardiser(NamedTuple):
    """Mean and deviation of each value over the training rows, float32."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def learn(cls, values: Sequence[np.ndarray]) -> "Standardiser":
        """From arrays whose last axis is the one to keep."""
        table = np.vstack(values, dtype=np.float64)
        mean = table.mean(axis=0)
        # In place: sequences of all clips take more memory than anything else in a fit.
        table -= mean
        np.square(table, out=table)
        deviation = np.sqrt(table.mean(axis=0))
        return cls(mean.astype(np.float32), np.where(deviation > 1e-8, deviation, 1.0).astype(np.float32))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Standardised values, cut at `LARGEST_DEVIATION`; a value that never varied in training becomes 0."""
        return self.z_scores(values, LARGEST_DEVIATION)

    def z_scores(self, values: np.ndarray, largest: float) -> np.ndarray:
        """Standardised values, cut at `largest` on both sides, float32 of the same shape."""
        return np.clip((values - self.mean) / self.deviation, -largest, largest).astype(np.float32)
