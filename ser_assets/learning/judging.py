"""How a model is judged: fitted on one side of each split, asked about the other."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.emotion_model import EmotionModel
from ser_assets.learning.examples import Examples
from ser_assets.learning.protocols import Split

PROBABILITY_COLUMNS: Final = tuple(f"p_{emotion}" for emotion in EMOTIONS)
CURVE_COLUMNS: Final = ("model", "protocol", "folds", "fold", "epoch", "part", "loss", "accuracy")

ModelFactory = Callable[[], EmotionModel]
Progress = Callable[[int, int], None]


class Judgement(NamedTuple):
    """What came out of judging one model.

    predictions: one row for each judged take: model, protocol, folds, fold, take_id, actor, emotion (the true one) and
        p_neutral ... p_surprised.
    learning_curves: `CURVE_COLUMNS`, a row for each epoch and part of every fold; none where nothing learns in steps.
    """

    predictions: pd.DataFrame
    learning_curves: pd.DataFrame


def judge(
    factory: ModelFactory, examples: Examples, splits: Sequence[Split], progress: Progress | None = None
) -> Judgement:
    """Fit a fresh model for every split and predict what it was not shown.

    progress: called with the number of folds done and of all folds, first with none done.

    Raises:
        ValueError: there is no split, a split was made for other rows, or a model cannot learn from what it is given.
    """
    if not splits:
        raise ValueError("there is no split to judge on")
    predictions, curves = [], []
    for done, split in enumerate(splits):
        if progress:
            progress(done, len(splits))
        model = factory().fit(split.training_examples(examples))
        predictions.append(_predict(model, split, examples))
        if model.learning_curve_ is not None:
            curves.append(_labelled(model.learning_curve_, model, split))
    if progress:
        progress(len(splits), len(splits))
    return Judgement(
        pd.concat(predictions, ignore_index=True),
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=list(CURVE_COLUMNS)),
    )


def fit_final(factory: ModelFactory, examples: Examples, judgement: Judgement) -> EmotionModel:
    """Fit the model that is kept: on all rows, so nothing is left here to judge it on."""
    return factory().fit_all(examples, judgement.learning_curves)


def _predict(model: EmotionModel, split: Split, examples: Examples) -> pd.DataFrame:
    judged = split.judged_examples(examples)
    table = judged.rows[["take_id", "actor", "emotion"]].reset_index(drop=True)
    probabilities = pd.DataFrame(model.predict_proba(judged), columns=list(PROBABILITY_COLUMNS))
    return _labelled(pd.concat([table, probabilities], axis=1), model, split)


def _labelled(table: pd.DataFrame, model: EmotionModel, split: Split) -> pd.DataFrame:
    labels = pd.DataFrame(
        {"model": model.name, "protocol": split.protocol, "folds": split.folds, "fold": split.fold}, index=table.index
    )
    return pd.concat([labels, table], axis=1)
