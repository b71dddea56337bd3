"""The takes that no model gets right: what the next model, or the next look at the labels, should begin with."""

import pandas as pd

from ser_assets.learning.data.predictions import emotions_of, probability_array, true_labels


def misclassified_by_all(predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions of each model for the takes that all of them misclassify, the worst take first.

    Args:
        predictions: as `evaluate.evaluate` gives them, under one protocol and fold scheme. Takes that one of the models
            did not evaluate are left out.

    Returns:
        a row for each such take and model: take_id, actor, emotion (the true one), model, predicted, probability (of
        `predicted`). Takes are in the order of the mean probability of the true emotion over the models.
    """
    table = predictions[["take_id", "actor", "emotion", "model"]].reset_index(drop=True)
    probabilities = probability_array(predictions)
    emotions = emotions_of(predictions)
    table["predicted"] = [emotions[index] for index in probabilities.argmax(axis=1)]
    table["probability"] = probabilities.max(axis=1)
    table["of_truth"] = probabilities[range(len(table)), true_labels(predictions)]
    takes = table.assign(missed=table["predicted"] != table["emotion"]).groupby("take_id")
    by_all = takes["missed"].all() & (takes["model"].nunique() == table["model"].nunique())
    worst_first = takes["of_truth"].mean()[by_all].sort_values(kind="stable").index
    rank = {take_id: position for position, take_id in enumerate(worst_first)}
    missed = table[table["take_id"].isin(rank)].drop(columns="of_truth")
    order = missed["take_id"].map(rank)
    return missed.iloc[order.argsort(kind="stable")].reset_index(drop=True)
