"""Probabilities that mean something: sharpened or softened until they fit how often a model is right.

Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599, section 4.
"""

from typing import Final

import numpy as np

COLDEST: Final = 0.1
WARMEST: Final = 10.0
SMALLEST_PROBABILITY: Final = 1e-7


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature with the lowest log loss, between 0.1 (sharper) and 10 (softer); 1 changes nothing.

    Args:
        probabilities: float (n, emotions) of clips that the model has not learned from.
        labels: int64 (n,). Without any clip it is 1.
    """
    from scipy.optimize import minimize_scalar

    if len(labels) == 0:
        return 1.0

    def log_loss(logarithm: float) -> float:
        tempered_ones = apply_temperature(probabilities, float(np.exp(logarithm)))
        return float(-np.log(tempered_ones[np.arange(len(labels)), labels]).mean())

    found = minimize_scalar(log_loss, bounds=(np.log(COLDEST), np.log(WARMEST)), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Raise probabilities to the power 1 / temperature, float64 (n, emotions), rows sum to 1 and none is 0.

    Examples:
        >>> apply_temperature(np.array([[0.8, 0.2]]), 2.0).round(3)
        array([[0.667, 0.333]])
        >>> apply_temperature(np.array([[0.8, 0.2]]), 0.5).round(3)
        array([[0.941, 0.059]])
    """
    powers = np.maximum(probabilities.astype(np.float64), SMALLEST_PROBABILITY) ** (1 / temperature)
    result: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return result
