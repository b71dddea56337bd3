"""The ensemble: weights of the models from validation predictions, and pooled predictions of every fold."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ser_assets.learning.data.final_models import FINAL
from ser_assets.learning.data.predictions import (
    FOLD_COLUMNS,
    emotions_of,
    probability_array,
    probability_columns,
    true_labels,
)
from ser_assets.learning.data.temperature import SMALLEST_PROBABILITY
from ser_assets.learning.models.inference import Ensemble, EnsembleError, common_emotions, log_opinion_pool
from ser_assets.learning.models.model_files import MODEL_FACTS_FILE, fingerprint_of, read_facts

HEAVIEST: Final = 5.0
"""Bound of a weight: no model is so unsure of itself that more would be right."""


def fit_weights(predicted: Mapping[str, np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """Find the weights, 0 or more, with the lowest log loss of the pool.

    Args:
        predicted: probabilities of each model for clips outside its training set, (n, emotions).
        labels: int64 (n,).
    """
    from scipy.optimize import minimize

    even = np.full(len(predicted), 1 / len(predicted))

    def log_loss(weights: np.ndarray) -> float:
        probabilities = log_opinion_pool(predicted, dict(zip(predicted, weights, strict=True)))[
            np.arange(len(labels)), labels
        ]
        return float(-np.log(np.maximum(probabilities, SMALLEST_PROBABILITY)).mean())

    found = minimize(log_loss, even, method="L-BFGS-B", bounds=[(0, HEAVIEST)] * len(predicted))
    return dict(zip(predicted, found.x.tolist(), strict=True))


def evaluate_ensemble(
    name: str, predictions: pd.DataFrame, validation_predictions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pool the predictions of the models in each fold, with weights from the validation predictions of that fold.

    Args:
        name: of the ensemble.
        predictions: of all members, as `evaluate.Evaluation` has them.
        validation_predictions: of all members, as `evaluate.Evaluation` has them.

    Returns:
        predictions as those of one more model of this name; and the weights, `FOLD_COLUMNS` without model, then member
        and weight, for every fold and for the final models.

    Raises:
        EnsembleError: the models were not evaluated in the same folds on the same takes, or predict other emotions.
    """
    emotions = emotions_of(predictions)
    if len(validation_predictions) and emotions_of(validation_predictions) != emotions:
        raise EnsembleError("validation predictions and predictions have other emotions; materialize the models again")
    members = sorted(predictions["model"].unique())
    fold_columns = list(FOLD_COLUMNS[1:])
    evaluated, weights = [], []
    folds_held_out = dict(list(validation_predictions.groupby(fold_columns, sort=False)))
    for fold, predicted in predictions.groupby(fold_columns, sort=False):
        of_fold = folds_held_out.get(fold, validation_predictions.iloc[:0])
        chosen = _weights(of_fold, members)
        each = {str(member): own.set_index("take_id").sort_index() for member, own in predicted.groupby("model")}
        if set(each) != set(members) or not _same_takes(each):
            name_of_fold = " ".join(part for part in map(str, fold) if part)
            lacking = [member for member in members if member not in each]
            detail = f"; {', '.join(lacking)} {'lacks' if len(lacking) == 1 else 'lack'} this fold" if lacking else ""
            raise EnsembleError(
                f"{name_of_fold}: not all of {', '.join(members)} were evaluated on the same takes, as they are now"
                f"{detail}: materialize the models again with the same SER_PROTOCOLS and SER_FOLD_SCHEMES"
            )
        together = log_opinion_pool({member: probability_array(own) for member, own in each.items()}, chosen)
        table = each[members[0]].reset_index().assign(model=name)
        table[probability_columns(emotions)] = together
        evaluated.append(table)
        weights += [(*fold, member, weight) for member, weight in chosen.items()]
    for fold, of_kept in validation_predictions[validation_predictions["fold"] == FINAL].groupby(
        fold_columns, sort=False
    ):
        weights += [(*fold, member, weight) for member, weight in _weights(of_kept, members).items()]
    columns = [column for column in predictions.columns if column in evaluated[0]]
    return pd.concat(evaluated, ignore_index=True)[columns], pd.DataFrame(
        weights, columns=[*fold_columns, "member", "weight"]
    )


def save_ensemble(folder: Path, beside: Path, weights: Mapping[str, float]) -> None:
    """Write the weights into `folder`, which exists, for the members that are saved in `beside`.

    Raises:
        EnsembleError: the members predict other emotions.
    """
    emotions = common_emotions({member: tuple(read_facts(beside / member)["emotions"]) for member in weights})
    facts = {
        "model": Ensemble.name,
        "emotions": list(emotions),
        "weights": dict(weights),
        "members": {member: fingerprint_of(beside / member) for member in weights},
    }
    (folder / MODEL_FACTS_FILE).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _weights(validation_predictions: pd.DataFrame, members: list[str]) -> dict[str, float]:
    """Weigh the members by the takes that all of them had left out."""
    each = {str(name): own.set_index("take_id") for name, own in validation_predictions.groupby("model")}
    common = sorted(set.intersection(*(set(each[name].index) if name in each else set() for name in members)))
    if not common:
        return dict.fromkeys(members, 1 / len(members))
    predicted = {name: probability_array(each[name].loc[common]) for name in members}
    return fit_weights(predicted, true_labels(each[members[0]].loc[common]))


def _same_takes(each: Mapping[str, pd.DataFrame]) -> bool:
    """Whether all predictions are for the same takes, with the same emotions and features."""
    about = [column for column in ("emotion", "input_fingerprint") if all(column in own for own in each.values())]
    first, *others = (own[about] for own in each.values())
    return all(own.equals(first) for own in others)
