"""Statistics over time: many descriptors in, seven numbers for each out."""

import numpy as np

PERCENTILES = (5, 25, 50, 75, 95)
STATISTICS = ("mean", "std", *(f"p{percentile:02d}" for percentile in PERCENTILES))


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
    ordered = np.sort(rows, axis=1)
    position = np.array(PERCENTILES) / 100 * (values - 1)
    below = position.astype(int)
    low, high = ordered[:, below], ordered[:, np.minimum(below + 1, values - 1)]
    percentiles = low + (high - low) * (position - below).astype(rows.dtype)
    return np.column_stack([rows.mean(axis=1), rows.std(axis=1), percentiles])
