"""Statistics over time: many descriptors in, seven numbers for each out."""

from collections.abc import Sequence

import numpy as np

from ser_assets.audio.functionals import PERCENTILES, STATISTICS


def statistics(rows: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and percentiles of each row, in the order of `STATISTICS`.

    Percentiles are interpolated linearly, as by `numpy.percentile`; one sort serves them all.

    Args:
        rows: shape (descriptors, values).

    Returns:
        Shape (descriptors, 7), all 0 where there are no values.
    """
    descriptors, values = rows.shape
    if values == 0:
        return np.zeros((descriptors, len(STATISTICS)), rows.dtype)
    mean = rows.mean(axis=1, keepdims=True)
    deviation = rows - mean
    std = np.sqrt(np.einsum("dv,dv->d", deviation, deviation) / rows.dtype.type(values))
    return np.column_stack([mean, std, percentiles(np.sort(rows, axis=1), PERCENTILES)])


def percentiles(ordered: np.ndarray, wanted: Sequence[float]) -> np.ndarray:
    """Percentiles along the last axis of values in ascending order, at least one; as by `numpy.percentile`.

    Returns:
        Shape (..., percentiles), in the type of the values.
    """
    last = ordered.shape[-1] - 1
    position = np.array(wanted) / 100 * last
    below = position.astype(np.intp)
    low, high = ordered[..., below], ordered[..., np.minimum(below + 1, last)]
    return low + (high - low) * (position - below).astype(ordered.dtype)
