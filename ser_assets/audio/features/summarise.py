"""Statistics over time: many descriptors in, seven numbers for each out."""

from collections.abc import Sequence

import numpy as np

from ser_assets.audio.features.names import PERCENTILES


def statistics(rows: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and percentiles of each row, in the order of `STATISTICS`; NaN do not count.

    Percentiles are interpolated linearly, as by `numpy.nanpercentile`; one sort serves them all.

    Args:
        rows: shape (descriptors, values).

    Returns:
        Shape (descriptors, 7), in the type of the rows, 0 where a row has no values.
    """
    counts = ~np.isnan(rows)
    count = counts.sum(axis=1, dtype=np.intp, keepdims=True)
    values = np.maximum(count, 1).astype(rows.dtype)
    mean = np.where(counts, rows, 0).sum(axis=1, keepdims=True) / values
    deviation = np.where(counts, rows - mean, 0)
    std = np.sqrt(np.einsum("dv,dv->d", deviation, deviation)[:, None] / values)
    result = np.hstack([mean, std, percentiles(np.sort(rows, axis=1), PERCENTILES, count)])
    return np.where(count > 0, result, 0)


def percentiles(ordered: np.ndarray, wanted: Sequence[float], count: np.ndarray | int) -> np.ndarray:
    """Percentiles of each row's first values, which are in ascending order; as by `numpy.percentile`.

    Args:
        ordered: shape (rows, values).
        wanted: from 0 to 100.
        count: how many values of a row count, one number or shape (rows, 1); percentiles of none mean nothing.

    Returns:
        Shape (rows, percentiles), in the type of the values.
    """
    last = np.maximum(count - 1, 0)
    position = np.array(wanted) / 100 * last
    below = position.astype(np.intp)
    row = np.arange(len(ordered))[:, None]
    low, high = ordered[row, below], ordered[row, np.minimum(below + 1, last)]
    return low + (high - low) * (position - below).astype(ordered.dtype)
