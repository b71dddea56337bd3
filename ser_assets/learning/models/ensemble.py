"""The four models asked together: a weighted product of their probabilities, weights from the training side alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Features
from ser_assets.learning.data.final_models import FINAL
from ser_assets.learning.data.predictions import (
    FOLD_COLUMNS,
    emotions_of,
    probability_array,
    probability_columns,
    true_labels,
)
from ser_assets.learning.data.temperature import SMALLEST_PROBABILITY
from ser_assets.learning.models.base import FACTS_FILE, EmotionModel, emotions_of_saved, fingerprint_of
from ser_assets.learning.speakers.bias import SpeakerBias

HEAVIEST: Final = 5.0
"""Bound of a weight: no model is so unsure of itself that more would be right."""


class EnsembleError(ValueError):
    """Models cannot be asked together; the message says why, and what to do."""


def log_opinion_pool(predicted: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Logarithmic opinion pool: the product of p ** weight over the models, float64 (n, emotions), rows sum to 1.

    said: probabilities of each model, (n, emotions). Weights that sum to more than 1 make the pool surer than its
    members are on average. Genest & Zidek 1986, doi 10.1214/ss/1177013825.

    Examples:
        >>> members = {"cnn": np.array([[0.6, 0.4]]), "forest": np.array([[0.8, 0.2]])}
        >>> log_opinion_pool(members, {"cnn": 0.5, "forest": 0.5}).round(3)
        array([[0.71, 0.29]])
    """
    logarithms = sum(weights[name] * np.log(np.maximum(predicted[name], SMALLEST_PROBABILITY)) for name in weights)
    shifted = np.exp(logarithms - np.max(logarithms, axis=1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def fit_weights(predicted: Mapping[str, np.ndarray], labels: np.ndarray) -> dict[str, float]:
    """Find the weights, 0 or more, with the lowest log loss of the pool.

    said: probabilities of each model of clips that it has not learned from, (n, emotions). labels: int64 (n,).
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


def judge_ensemble(
    name: str, predictions: pd.DataFrame, validation_predictions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pool what the models said in each fold, by weights from what was held out of the training of that fold.

    predictions, validation_predictions: of all members, as `evaluating.Evaluation` has them.

    Returns: predictions as those of one more model of this name; and the weights, `FOLD_COLUMNS` without model, then
    member and weight, for every fold and for the kept models.

    Raises:
        EnsembleError: the models were not evaluated in the same folds on the same takes, or tell other emotions apart.
    """
    emotions = emotions_of(predictions)
    if len(validation_predictions) and emotions_of(validation_predictions) != emotions:
        raise EnsembleError(
            "what was held out is of other emotions than what was evaluated; materialize the models again"
        )
    members = sorted(predictions["model"].unique())
    fold_columns = list(FOLD_COLUMNS[1:])
    evaluated, weights = [], []
    folds_held_out = dict(list(validation_predictions.groupby(fold_columns, sort=False)))
    for fold, predicted in predictions.groupby(fold_columns, sort=False):
        of_fold = folds_held_out.get(fold, validation_predictions.iloc[:0])
        chosen = _weights(of_fold, members)
        each = {str(member): own.set_index("take_id").sort_index() for member, own in predicted.groupby("model")}
        if set(each) != set(members) or not _same_takes(each):
            name_of_fold = " ".join(map(str, fold)).strip()
            raise EnsembleError(
                f"{name_of_fold}: not all of {', '.join(members)} were evaluated on the same takes, as "
                "they are now; materialize the four models again with one setting of protocols and folds"
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


class Ensemble:
    """The kept models asked together; it rests as the weights, beside the folders of its members."""

    name: ClassVar[str] = "ensemble"

    def __init__(self, members: Mapping[str, EmotionModel], weights: Mapping[str, float]) -> None:
        """Ask these members together. Raises EnsembleError where they tell other emotions apart."""
        self.members, self.weights = dict(members), dict(weights)
        self.emotions = _common_emotions({name: model.emotions for name, model in members.items()})
        """The emotions that it tells apart, in the order of its probabilities."""

    def predict_proba(self, evidence: Features, bias: SpeakerBias | None = None) -> np.ndarray:
        """Probability of each emotion, float64 (n, emotions) in the order of `emotions`; raises as its members do.

        bias: for the one speaker of these clips, from `bias_for`.
        """
        predicted = {name: model.predict_proba(evidence, bias) for name, model in self.members.items()}
        return log_opinion_pool(predicted, self.weights)

    @property
    def fingerprints(self) -> set[str]:
        """Those of the members."""
        return {model.fingerprint for model in self.members.values()}

    def bias_for(self, clips: Features) -> SpeakerBias:
        """Find what each member says too often of the one speaker of these clips."""
        return {key: bias for model in self.members.values() for key, bias in model.bias_for(clips).items()}

    @classmethod
    def load(cls, folder: Path, load_member: Any) -> Self:
        """Read the weights in this folder and the members in the folders beside it.

        load_member: reads the model of a folder (`models.load_model`).

        Raises:
            EnsembleError: a member is not the one that the weights were found for, or tells other emotions apart.
            FileNotFoundError: the ensemble or a member is not there.
        """
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        for member, fingerprint in facts["members"].items():
            if fingerprint_of(folder.parent / member) != fingerprint:
                raise EnsembleError(f"{member} has changed since the ensemble was made: materialize ensemble again")
        return cls({name: load_member(folder.parent / name) for name in facts["members"]}, facts["weights"])


def save_ensemble(folder: Path, beside: Path, weights: Mapping[str, float]) -> None:
    """Write the weights into `folder`, which exists, for the members that are kept in `beside`.

    Raises:
        EnsembleError: the members tell other emotions apart.
    """
    emotions = _common_emotions({member: emotions_of_saved(beside / member) for member in weights})
    facts = {
        "model": Ensemble.name,
        "emotions": list(emotions),
        "weights": dict(weights),
        "members": {member: fingerprint_of(beside / member) for member in weights},
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _common_emotions(emotions: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What all members, by name, tell apart in one order."""
    first, *others = emotions.values()
    if any(other != first for other in others):
        told = "; ".join(f"{member}: {', '.join(own)}" for member, own in emotions.items())
        raise EnsembleError(f"models of other emotions cannot be asked together ({told}): materialize them again")
    return first


def _weights(validation_predictions: pd.DataFrame, members: list[str]) -> dict[str, float]:
    """Weigh the members by the takes that all of them had left out."""
    each = {str(name): own.set_index("take_id") for name, own in validation_predictions.groupby("model")}
    common = sorted(set.intersection(*(set(each[name].index) if name in each else set() for name in members)))
    if not common:
        return dict.fromkeys(members, 1 / len(members))
    predicted = {name: probability_array(each[name].loc[common]) for name in members}
    return fit_weights(predicted, true_labels(each[members[0]].loc[common]))


def _same_takes(each: Mapping[str, pd.DataFrame]) -> bool:
    """Whether all were asked about the same takes, of the same emotions and features."""
    about = [column for column in ("emotion", "input_fingerprint") if all(column in own for own in each.values())]
    first, *others = (own[about] for own in each.values())
    return all(own.equals(first) for own in others)
