"""How good predictions are: metrics, each with the interval in which it would fall for other actors.

Every metric is worked out from sums per actor (confusion counts, log losses, won comparisons), so that a bootstrap over
actors is a product with the number of times that each actor was drawn.

Emotions that are missing are left out of a mean over emotions, in a small corpus and in a draw alike: UAR takes the
emotions that were performed, F1 macro those performed or predicted (as scikit-learn does), ROC AUC those that were
performed by somebody and not by everybody. So a draw without any 'neutral' is scored on the other seven.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.judging import PROBABILITY_COLUMNS

METRICS: Final = ("accuracy", "uar", "f1_macro", "f1_weighted", "roc_auc", "log_loss")
INTERVAL_PERCENT: Final = (2.5, 97.5)


def score_table(predictions: pd.DataFrame, draws: int = 2000, seed: int = 42) -> pd.DataFrame:
    """Score each model under each protocol, with 95 % intervals by bootstrap over actors.

    predictions: as `judging.judge` gives them, of any number of models and protocols.
    draws, seed: models judged on the same actors are given the same draws.

    Returns: columns model, protocol, folds, metric, value, low, high, actors, takes; a row for each of `METRICS`. low
    and high are the 2.5th and 97.5th percentile (Efron 1979) and NaN where one actor is all there is: nothing tells
    then how much another one would differ. With two or three actors they are there, wide and coarse.

    Raises:
        ValueError: there is no prediction, a probability is not finite, or a take is judged twice.
    """
    _check(predictions)
    keys = ["model", "protocol", "folds"]
    tables = [
        _scores_of(judged, draws, seed).assign(**dict(zip(keys, map(str, names), strict=True)))
        for names, judged in predictions.groupby(keys, sort=False)
    ]
    columns = ["model", "protocol", "folds", "metric", "value", "low", "high", "actors", "takes"]
    return pd.concat(tables, ignore_index=True)[columns]


def confusion_matrix(predictions: pd.DataFrame) -> np.ndarray:
    """Count takes by performed (row) and most probable (column) emotion, int64 (8, 8) in the order of `EMOTIONS`."""
    counts = np.zeros((len(EMOTIONS), len(EMOTIONS)), dtype=np.int64)
    np.add.at(counts, (_performed(predictions), _most_probable(predictions)), 1)
    return counts


def recall_by_emotion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Columns emotion, recall, takes in the order of `EMOTIONS`; the recall of an emotion nobody performed is NaN."""
    counts = confusion_matrix(predictions)
    takes = counts.sum(axis=1)
    recall = np.divide(np.diag(counts), takes, out=np.full(len(EMOTIONS), np.nan), where=takes > 0)
    return pd.DataFrame({"emotion": EMOTIONS, "recall": recall, "takes": takes})


def recall_by_actor(predictions: pd.DataFrame) -> pd.DataFrame:
    """Columns actor, uar, accuracy, takes, sorted by actor."""
    sums = _sums_by_actor(predictions)
    each = _metrics(sums, np.eye(len(sums.actors)))
    takes = sums.confusion.sum(axis=(1, 2)).astype(np.int64)
    return pd.DataFrame({"actor": sums.actors, "uar": each["uar"], "accuracy": each["accuracy"], "takes": takes})


class _Sums(NamedTuple):
    actors: list[str]
    confusion: np.ndarray
    """(A, 8, 8) takes of each actor by performed and most probable emotion."""
    log_loss: np.ndarray
    """(A,) sum of the log losses of each actor's takes."""
    wins: np.ndarray
    """(8, A, A) comparisons won by a take of the first actor with the emotion over one of the second without it."""


def _scores_of(judged: pd.DataFrame, draws: int, seed: int) -> pd.DataFrame:
    sums = _sums_by_actor(judged)
    actors = len(sums.actors)
    points = _metrics(sums, np.ones((1, actors)))
    times_drawn = np.random.default_rng(seed).multinomial(actors, np.full(actors, 1 / actors), size=draws)
    drawn = _metrics(sums, times_drawn.astype(np.float64))
    rows = []
    for metric in METRICS:
        low, high = _interval(drawn[metric]) if actors > 1 else (np.nan, np.nan)
        rows.append((metric, points[metric][0], low, high, actors, len(judged)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "actors", "takes"])


def _interval(drawn: np.ndarray) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, INTERVAL_PERCENT) if known.size else (np.nan, np.nan)
    return low, high


def _metrics(sums: _Sums, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric, (D,), for actors that count as often as `weights` (D, A) says."""
    confusion = np.tensordot(weights, sums.confusion, axes=1)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    performed, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    takes = performed.sum(axis=1)
    f1 = _ratio(2 * hits, performed + predicted)
    return {
        "accuracy": hits.sum(axis=1) / takes,
        "uar": _mean_of_those_there(_ratio(hits, performed)),
        "f1_macro": _mean_of_those_there(f1),
        "f1_weighted": (np.nan_to_num(f1) * performed).sum(axis=1) / takes,
        "roc_auc": _roc_auc(sums.wins, weights, performed, takes),
        "log_loss": weights @ sums.log_loss / takes,
    }


def _roc_auc(wins: np.ndarray, weights: np.ndarray, performed: np.ndarray, takes: np.ndarray) -> np.ndarray:
    """One emotion against the rest, mean over emotions: the share of comparisons won (Mann-Whitney), ties by half."""
    won = np.stack([((weights @ by_actor) * weights).sum(axis=1) for by_actor in wins], axis=1)
    return _mean_of_those_there(_ratio(won, performed * (takes[:, None] - performed)))


def _sums_by_actor(predictions: pd.DataFrame) -> _Sums:
    actors, actor = np.unique(predictions["actor"].to_numpy(dtype=str), return_inverse=True)
    performed, probabilities = _performed(predictions), _probabilities(predictions)
    confusion = np.zeros((len(actors), len(EMOTIONS), len(EMOTIONS)))
    np.add.at(confusion, (actor, performed, probabilities.argmax(axis=1)), 1)
    given_to_truth = probabilities[np.arange(len(actor)), performed]
    smallest = np.finfo(np.float64).eps
    losses = -np.log(np.clip(given_to_truth, smallest, 1 - smallest))
    membership = np.eye(len(actors))[actor]
    wins = [_wins(probabilities[:, label], performed == label, membership) for label in range(len(EMOTIONS))]
    return _Sums(actors.tolist(), confusion, membership.T @ losses, np.stack(wins))


def _wins(scores: np.ndarray, positive: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """Count how often a positive take (by actor, rows) scores higher than a negative one (columns); ties are half."""
    higher = np.sign(scores[positive, None] - scores[None, ~positive]) / 2 + 0.5
    won: np.ndarray = membership[positive].T @ higher @ membership[~positive]
    return won


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def _mean_of_those_there(values: np.ndarray) -> np.ndarray:
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(axis=1), there.sum(axis=1))


def _performed(predictions: pd.DataFrame) -> np.ndarray:
    index = {emotion: number for number, emotion in enumerate(EMOTIONS)}
    return predictions["emotion"].map(index).to_numpy(dtype=np.int64)


def _probabilities(predictions: pd.DataFrame) -> np.ndarray:
    return predictions[list(PROBABILITY_COLUMNS)].to_numpy(dtype=np.float64)


def _most_probable(predictions: pd.DataFrame) -> np.ndarray:
    labels: np.ndarray = _probabilities(predictions).argmax(axis=1)
    return labels


def _check(predictions: pd.DataFrame) -> None:
    if predictions.empty:
        raise ValueError("there is no prediction to score")
    if not np.isfinite(_probabilities(predictions)).all():
        raise ValueError("a predicted probability is not finite")
    if predictions.duplicated(["model", "protocol", "folds", "take_id"]).any():
        raise ValueError("a take is judged twice by one model under one protocol")
