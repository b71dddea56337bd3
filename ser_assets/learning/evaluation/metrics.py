"""Every metric from sums per actor, so that a bootstrap over actors is a product with how often each was drawn.

Emotions that are missing are left out of a mean over emotions, in a small corpus and in a draw alike: UAR takes the
emotions that were performed, F1 macro those performed or predicted (as scikit-learn does), ROC AUC those that were
performed by somebody and not by everybody. So a draw without any 'neutral' is scored on the others.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.learning.data.predictions import probability_array, true_labels

METRICS: Final = ("accuracy", "uar", "f1_macro", "f1_weighted", "roc_auc", "log_loss", "calibration_error")
CALIBRATION_BINS: Final = 15


class ActorSums(NamedTuple):
    """All that the metrics of one model need to know about its A actors and E emotions."""

    actors: list[str]
    confusion: np.ndarray
    """(A, E, E) takes of each actor by performed and most probable emotion."""
    log_loss: np.ndarray
    """(A,) sum of the log losses of each actor's takes."""
    calibration_gap: np.ndarray
    """(A, 15) hits minus top probabilities, summed over each actor's takes in each bin of the top probability."""
    wins: np.ndarray
    """(E, A, A) comparisons won by a take of the first actor with the emotion over one of the second without it."""


def sums_by_actor(predictions: pd.DataFrame) -> ActorSums:
    """Sum up the predictions of one model; the actors are sorted."""
    actors, actor = np.unique(predictions["actor"].to_numpy(dtype=str), return_inverse=True)
    performed, probabilities = true_labels(predictions), probability_array(predictions)
    most_probable, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    emotions = probabilities.shape[1]
    confusion = np.zeros((len(actors), emotions, emotions))
    np.add.at(confusion, (actor, performed, most_probable), 1)
    gap = np.zeros((len(actors), CALIBRATION_BINS))
    in_bin = calibration_bin(confidence, CALIBRATION_BINS)
    np.add.at(gap, (actor, in_bin), (most_probable == performed) - confidence)
    smallest = np.finfo(np.float64).eps
    losses = -np.log(np.clip(probabilities[np.arange(len(actor)), performed], smallest, 1 - smallest))
    membership = np.eye(len(actors))[actor]
    wins = [_wins(probabilities[:, label], performed == label, membership) for label in range(emotions)]
    return ActorSums(actors.tolist(), confusion, membership.T @ losses, gap, np.stack(wins))


def metric_values(sums: ActorSums, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each of `METRICS`, float64 (D,), for actors that count as often as `weights` (D, A) says."""
    confusion = np.tensordot(weights, sums.confusion, axes=1)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    performed, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    takes = performed.sum(axis=1)
    f1 = _ratio(2 * hits, performed + predicted)
    return {
        **accuracy_and_uar(hits, performed),
        "f1_macro": _mean_of_those_there(f1),
        "f1_weighted": (np.nan_to_num(f1) * performed).sum(axis=1) / takes,
        "roc_auc": _roc_auc(sums.wins, weights, performed, takes),
        "log_loss": weights @ sums.log_loss / takes,
        "calibration_error": np.abs(weights @ sums.calibration_gap).sum(axis=1) / takes,
    }


def accuracy_and_uar(hits: np.ndarray, performed: np.ndarray) -> dict[str, np.ndarray]:
    """Both, (D,), from the takes of each emotion that were recognised and performed, (D, E)."""
    return {
        "accuracy": hits.sum(axis=1) / performed.sum(axis=1),
        "uar": _mean_of_those_there(_ratio(hits, performed)),
    }


def calibration_edges(bins: int) -> np.ndarray:
    """Edges of bins of equal width from 0 to 1, float64 (bins + 1,)."""
    return np.arange(bins + 1) / bins


def calibration_bin(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Number the bin of each top probability, int64 (N,), 0 for the lowest.

    A bin holds its upper edge and not its lower one, as in Guo et al. 2017 (arXiv 1706.04599); what rounding put
    above 1 is in the last, and 0 in the first.

    Examples:
        >>> calibration_bin(np.array([0.0, 0.2, 0.21, 1.0]), bins=5)
        array([0, 0, 1, 4])
    """
    return np.searchsorted(calibration_edges(bins)[1:-1], confidence, side="left")


def _roc_auc(wins: np.ndarray, weights: np.ndarray, performed: np.ndarray, takes: np.ndarray) -> np.ndarray:
    """One emotion against the rest, mean over emotions: the share of comparisons won (Mann-Whitney), ties by half."""
    won = np.stack([((weights @ by_actor) * weights).sum(axis=1) for by_actor in wins], axis=1)
    return _mean_of_those_there(_ratio(won, performed * (takes[:, None] - performed)))


def _wins(scores: np.ndarray, positive: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """Count how often a positive take (by actor, rows) scores higher than a negative one (columns); ties are half."""
    order = np.argsort(scores)
    negatives = np.where(positive[order, None], 0, membership[order])
    among_lowest = np.vstack([np.zeros(membership.shape[1]), negatives.cumsum(axis=0)])
    lower = np.searchsorted(scores[order], scores[positive], side="left")
    lower_or_tied = np.searchsorted(scores[order], scores[positive], side="right")
    won: np.ndarray = membership[positive].T @ (among_lowest[lower] + among_lowest[lower_or_tied]) / 2
    return won


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def _mean_of_those_there(values: np.ndarray) -> np.ndarray:
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(axis=1), there.sum(axis=1))
