"""How good predictions are: tables of metrics, each with the interval in which it would fall for other actors.

`evaluation.metrics` defines the metrics and how they treat emotions without takes.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.learning.data.predictions import emotions_of, probability_array, true_labels
from ser_assets.learning.evaluation.bootstrap import bootstrap_counts, percentile_interval
from ser_assets.learning.evaluation.metrics import (
    CALIBRATION_BINS,
    METRICS,
    accuracy_and_uar,
    calibration_bin,
    calibration_edges,
    metric_values,
    sums_by_actor,
)

GROUPINGS: Final = ("emotion", "actor", "gender", "intensity", "statement")
TAKE_LABELS: Final = ("gender", "intensity", "statement")

_EVALUATION: Final = ["model", "protocol", "fold_scheme"]


def score_table(predictions: pd.DataFrame, draws: int = 2000, seed: int = 42) -> pd.DataFrame:
    """Score each model under each protocol, with 95 % intervals by bootstrap over actors.

    Args:
        predictions: as `evaluate.evaluate` gives them, of any number of models and protocols.
        draws: models evaluated on the same actors are given the same draws.
        seed: models evaluated on the same actors are given the same draws.

    Returns:
        columns model, protocol, fold_scheme, metric, value, low, high, actors, takes; a row for each of `METRICS`. low
        and high are the 2.5th and 97.5th percentile (Efron 1979) and NaN with fewer than `bootstrap.FEWEST_ACTORS`, who
        tell too little of how others would differ. The intervals are somewhat narrow: `evaluation.bootstrap` says by
        how much. A calibration error is a mean of absolute values, which chance can only raise: where it is small, its
        draws lie above it, and its interval may too.

    Raises:
        ValueError: there is no prediction, a probability is not finite, or a take is evaluated twice.
    """
    _check(predictions)
    rows = []
    for names, evaluated in _each_evaluation(predictions):
        scored = _scored(evaluated, draws, seed)
        for metric in METRICS:
            low, high = percentile_interval(scored.drawn[metric])
            rows.append((*names, metric, scored.value[metric], low, high, scored.actors, len(evaluated)))
    return pd.DataFrame(rows, columns=[*_EVALUATION, "metric", "value", "low", "high", "actors", "takes"])


def score_differences(predictions: pd.DataFrame, draws: int = 2000, seed: int = 42) -> pd.DataFrame:
    """Compare every two models under each protocol by paired bootstrap: both are scored on the same drawn actors.

    Args:
        predictions: as for `score_table`, whose values and draws these are the differences of.
        draws: as for `score_table`, whose values and draws these are the differences of.
        seed: as for `score_table`, whose values and draws these are the differences of.

    Returns:
        columns protocol, fold_scheme, metric, model, other, difference (model minus other), low, high, actors, takes; a
        row for each of `METRICS`. `model` is the one with the higher UAR (the first to appear where they tie); a log
        loss or calibration error below zero is therefore in its favour. Pairs not evaluated on the same takes are left
        out.

    Raises:
        ValueError: as `score_table`.
    """
    _check(predictions)
    rows = []
    for names, evaluated in predictions.groupby(["protocol", "fold_scheme"], sort=False):
        scored = {str(model): _scored(own, draws, seed) for model, own in evaluated.groupby("model", sort=False)}
        for pair in combinations(scored, 2):
            model, other = sorted(pair, key=lambda name: scored[name].value["uar"], reverse=True)
            better, worse = scored[model], scored[other]
            if better.takes != worse.takes:
                continue
            for metric in METRICS:
                difference = better.value[metric] - worse.value[metric]
                # Two that tie differ by rounding, and by that alone an interval must not miss zero.
                difference, low, high = np.round(
                    (difference, *percentile_interval(better.drawn[metric] - worse.drawn[metric])), 9
                )
                basis = (better.actors, len(better.takes))
                rows.append((*map(str, names), metric, model, other, difference, low, high, *basis))
    text = ["protocol", "fold_scheme", "metric", "model", "other"]
    real, whole = ["difference", "low", "high"], ["actors", "takes"]
    # Without a pair there is no row to tell the types from, and the table must still fit into a database.
    types = {**dict.fromkeys(text, "str"), **dict.fromkeys(real, "float64"), **dict.fromkeys(whole, "int64")}
    return pd.DataFrame(rows, columns=[*types]).astype(types)


def scores_by_group(predictions: pd.DataFrame, takes: pd.DataFrame, draws: int = 2000, seed: int = 42) -> pd.DataFrame:
    """Score each model on the takes of each emotion, actor, gender, intensity and statement alone.

    Args:
        predictions: as for `score_table`.
        draws: as for `score_table`.
        seed: as for `score_table`.
        takes: one row a take, columns take_id, gender, intensity, statement (None where not known); others are not
            looked at.

    Returns:
        columns model, protocol, fold_scheme, grouping (one of `GROUPINGS`), group, metric (accuracy or uar), value,
        low, high, actors, takes; emotions in their order, other groups sorted. The intervals are by bootstrap over the
        actors of the group, and NaN where these are too few. UAR takes the emotions that were performed in the group. A
        take of which a label is missing is in no group of that grouping.

    Raises:
        ValueError: as `score_table`; an evaluated take is not in `takes`, or is there twice.
    """
    _check(predictions)
    unknown = predictions.loc[~predictions["take_id"].isin(takes["take_id"]), "take_id"]
    if len(unknown):
        raise ValueError(f"nothing is known of take {unknown.iloc[0]}")
    labelled = predictions.merge(takes[["take_id", *TAKE_LABELS]], on="take_id", how="left", validate="many_to_one")
    rows = [
        (*names, *scores)
        for names, evaluated in _each_evaluation(labelled)
        for scores in _scores_of_groups(evaluated, draws, seed)
    ]
    columns = [*_EVALUATION, "grouping", "group", "metric", "value", "low", "high", "actors", "takes"]
    return pd.DataFrame(rows, columns=columns)


def reliability(predictions: pd.DataFrame, bins: int = CALIBRATION_BINS) -> pd.DataFrame:
    """Accuracy of one model under one protocol by its confidence, as for a reliability diagram.

    Args:
        predictions: of one model.
        bins: number of bins of equal width of the top probability; each holds its upper edge and not its lower one.

    Returns:
        columns low, high (edges of the bin), confidence (mean top probability), accuracy, takes; empty bins are left
        out. The calibration error is the mean distance of confidence and accuracy, each bin counting by its takes.

    Raises:
        ValueError: as `score_table`; or the predictions are of several models or protocols.
    """
    _check(predictions)
    if len(predictions[_EVALUATION].drop_duplicates()) > 1:
        raise ValueError("reliability is of one model under one protocol, and these predictions are of several")
    probabilities = probability_array(predictions)
    confidence = probabilities.max(axis=1)
    hit = probabilities.argmax(axis=1) == true_labels(predictions)
    in_bin = calibration_bin(confidence, bins)
    takes = np.bincount(in_bin, minlength=bins)
    filled = np.flatnonzero(takes)
    edges = calibration_edges(bins)
    return pd.DataFrame(
        {
            "low": edges[filled],
            "high": edges[filled + 1],
            "confidence": np.bincount(in_bin, confidence, bins)[filled] / takes[filled],
            "accuracy": np.bincount(in_bin, hit, bins)[filled] / takes[filled],
            "takes": takes[filled],
        }
    )


def confusion_matrix(predictions: pd.DataFrame) -> np.ndarray:
    """Count takes by performed (row) and most probable (column) emotion, int64 (E, E) in the order of the emotions."""
    probabilities = probability_array(predictions)
    counts = np.zeros((probabilities.shape[1],) * 2, dtype=np.int64)
    np.add.at(counts, (true_labels(predictions), probabilities.argmax(axis=1)), 1)
    return counts


def recall_by_emotion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Columns emotion, recall, takes in the order of the emotions; NaN without takes."""
    counts = confusion_matrix(predictions)
    takes = counts.sum(axis=1)
    recall = np.divide(np.diag(counts), takes, out=np.full(len(takes), np.nan), where=takes > 0)
    return pd.DataFrame({"emotion": emotions_of(predictions), "recall": recall, "takes": takes})


def recall_by_actor(predictions: pd.DataFrame) -> pd.DataFrame:
    """Columns actor, uar, accuracy, takes, sorted by actor."""
    sums = sums_by_actor(predictions)
    each = metric_values(sums, np.eye(len(sums.actors)))
    takes = sums.confusion.sum(axis=(1, 2)).astype(np.int64)
    return pd.DataFrame({"actor": sums.actors, "uar": each["uar"], "accuracy": each["accuracy"], "takes": takes})


class _Scored(NamedTuple):
    """One model under one protocol: each metric as it is, and in every draw."""

    value: dict[str, float]
    drawn: dict[str, np.ndarray]
    actors: int
    takes: frozenset[str]


def _scored(evaluated: pd.DataFrame, draws: int, seed: int) -> _Scored:
    sums = sums_by_actor(evaluated)
    actors = len(sums.actors)
    value = {metric: float(values[0]) for metric, values in metric_values(sums, np.ones((1, actors))).items()}
    drawn = metric_values(sums, bootstrap_counts(actors, draws, seed))
    return _Scored(value, drawn, actors, frozenset(evaluated["take_id"]))


def _scores_of_groups(evaluated: pd.DataFrame, draws: int, seed: int) -> Iterator[tuple[object, ...]]:
    """Yield grouping, group, metric, value, low, high, actors, takes."""
    actors, performed = evaluated["actor"].to_numpy(dtype=str), true_labels(evaluated)
    emotions = emotions_of(evaluated)
    hit = probability_array(evaluated).argmax(axis=1) == performed
    for grouping in GROUPINGS:
        known = evaluated[grouping].dropna()
        for group in sorted(set(known), key=emotions.index if grouping == "emotion" else None):
            inside = (evaluated[grouping] == group).to_numpy(dtype=bool)
            in_group, actor = np.unique(actors[inside], return_inverse=True)
            hits, all_takes = _hits_and_takes(actor, performed[inside], hit[inside], len(emotions))
            times = bootstrap_counts(len(in_group), draws, seed)
            value = accuracy_and_uar(hits.sum(axis=0, keepdims=True), all_takes.sum(axis=0, keepdims=True))
            drawn = accuracy_and_uar(times @ hits, times @ all_takes)
            for metric in value:
                low, high = percentile_interval(drawn[metric])
                yield grouping, group, metric, float(value[metric][0]), low, high, len(in_group), int(inside.sum())


def _hits_and_takes(
    actor: np.ndarray, performed: np.ndarray, hit: np.ndarray, emotions: int
) -> tuple[np.ndarray, np.ndarray]:
    """Count the takes of each actor (A) and emotion (E): those that were recognised, and all; float64 (A, E) both."""
    of_actor, of_emotion = np.eye(actor.max() + 1)[actor], np.eye(emotions)[performed]
    return of_actor[hit].T @ of_emotion[hit], of_actor.T @ of_emotion


def _each_evaluation(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """Yield model, protocol and fold scheme, and the predictions that were made under them."""
    for names, evaluated in predictions.groupby(_EVALUATION, sort=False):
        yield tuple(map(str, names)), evaluated


def _check(predictions: pd.DataFrame) -> None:
    if predictions.empty:
        raise ValueError("there is no prediction to score")
    if not np.isfinite(probability_array(predictions)).all():
        raise ValueError("a predicted probability is not finite; models of other emotions cannot be scored together")
    if predictions.duplicated([*_EVALUATION, "take_id"]).any():
        raise ValueError("a take is evaluated twice by one model under one protocol")
