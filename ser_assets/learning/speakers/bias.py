"""The class bias of a model for one speaker, estimated from unlabelled clips and removed from its probabilities.

A model predicts anger too often for a voice that is harsh by nature. If a speaker's clips show the emotions in the
proportions of the training set, the mean prediction over them shows the bias. Removing it is the
step by which Saerens et al. 2002 (Neural Computation 14, 21-41, doi 10.1162/089976602753284446) adjust probabilities to
other class shares; here the shares are assumed, and what differs from them is the model's error. A speaker whose clips
show the emotions in other proportions loses little, because the correction is capped.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from ser_assets.learning.data.temperature import SMALLEST_PROBABILITY

CLIPS_OF_DOUBT: Final = 10
"""So many clips of a speaker weigh as much as the expectation of no bias."""

LARGEST: Final = float(np.log(1.5))
"""The correction is capped at a factor of 1.5: the rest may be how this speaker is."""

SpeakerBias = Mapping[str, np.ndarray]
"""The bias of several models for one speaker, each under the model's fingerprint."""


def estimate_bias(predicted: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Estimate a model's bias for one speaker: log of how many times too often it predicts each emotion, (emotions,).

    It is `LARGEST` at most in either direction.

    Args:
        predicted: probabilities of all the clips at hand, (n, emotions).
        shares: how often each emotion was in training, sums to 1. Without any clip the bias is 0, and with few it is
            small (`CLIPS_OF_DOUBT`).
    """
    expected = np.maximum(shares, SMALLEST_PROBABILITY)
    mean = (predicted.sum(axis=0) + CLIPS_OF_DOUBT * expected) / (len(predicted) + CLIPS_OF_DOUBT)
    result: np.ndarray = np.clip(np.log(mean / expected), -LARGEST, LARGEST)
    return result


def remove_bias(predicted: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Take a bias out of probabilities, float64 (n, emotions), rows sum to 1.

    Examples:
        >>> remove_bias(np.array([[0.6, 0.4]]), np.log(np.array([1.5, 1.0]))).round(3)
        array([[0.5, 0.5]])
    """
    less = predicted * np.exp(-bias)
    result: np.ndarray = less / less.sum(axis=1, keepdims=True)
    return result


def remove_bias_by_speaker(predicted: np.ndarray, speakers: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """As `remove_bias`, of clips (n, emotions) of several speakers (n,), for each by that speaker's own clips."""
    result = np.empty(predicted.shape, np.float64)
    for speaker in set(speakers):
        own = speakers == speaker
        result[own] = remove_bias(predicted[own], estimate_bias(predicted[own], shares))
    return result
