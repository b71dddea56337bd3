"""How a model is judged: fitted on one side of each split, asked about the other."""

import functools
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.emotion_model import EmotionModel
from ser_assets.learning.examples import Examples
from ser_assets.learning.splits import Split
from ser_assets.workers import map_in_workers

PROBABILITY_COLUMNS: Final = tuple(f"p_{emotion}" for emotion in EMOTIONS)
CURVE_COLUMNS: Final = ("model", "protocol", "folds", "fold", "epoch", "part", "loss", "accuracy")

ModelFactory = Callable[[], EmotionModel]
Progress = Callable[[int, int], None]


class Judgement(NamedTuple):
    """What came out of judging one model.

    predictions: one row for each judged take: model, protocol, folds, fold, take_id, actor, emotion (the true one) and
        p_neutral ... p_surprised.
    learning_curves: `CURVE_COLUMNS`, a row for each epoch and part of every fold; none where nothing learns in steps.
    training_rows: one row for each clip that a model was really given to learn from: model, protocol, folds, fold,
        take_id, variant.
    """

    predictions: pd.DataFrame
    learning_curves: pd.DataFrame
    training_rows: pd.DataFrame


def judge(
    factory: ModelFactory,
    examples: Examples,
    splits: Sequence[Split],
    workers: int = 1,
    progress: Progress | None = None,
) -> Judgement:
    """Fit a fresh model for every split and predict what it was not shown.

    factory: importable or a `functools.partial`, for the folds are shared out among worker processes.
    progress: called with the number of folds done and of all folds, first with none done.

    Raises:
        ValueError: there is no split, a split was made for other rows, or a model cannot learn from what it is given.
        LeakError: what a split would hand out stands on both sides.
    """
    if not splits:
        raise ValueError("there is no split to judge on")
    judged = []
    judge_one = functools.partial(_judge_fold, factory, examples)
    if progress:
        progress(0, len(splits))
    for done, judgement in enumerate(map_in_workers(judge_one, splits, workers, chunk=1), start=1):
        judged.append(judgement)
        if progress:
            progress(done, len(splits))
    return Judgement(*(pd.concat(tables, ignore_index=True) for tables in zip(*judged, strict=True)))


def fit_fold(factory: ModelFactory, examples: Examples, split: Split) -> tuple[EmotionModel, Examples]:
    """Fit a fresh model on the training side of a split; hand out the model and what it was given."""
    training = split.training_examples(examples)
    return factory().fit(training), training


def fit_final(factory: ModelFactory, examples: Examples, judgement: Judgement) -> EmotionModel:
    """Fit the model that is kept: on all rows, so nothing is left here to judge it on.

    A network trains for as long as was best in the folds of the first protocol and scheme that it was judged under.
    """
    curves = judgement.learning_curves
    scheme = ["protocol", "folds"]
    first = curves[(curves[scheme] == curves[scheme].iloc[0]).all(axis=1)] if len(curves) else curves
    return factory().fit_all(examples, first)


def _judge_fold(factory: ModelFactory, examples: Examples, split: Split) -> Judgement:
    model, training = fit_fold(factory, examples, split)
    judged = split.judged_examples(examples)
    takes = judged.rows[["take_id", "actor", "emotion"]].reset_index(drop=True)
    probabilities = pd.DataFrame(model.predict_proba(judged), columns=list(PROBABILITY_COLUMNS))
    curve = model.learning_curve_
    return Judgement(
        _labelled(pd.concat([takes, probabilities], axis=1), model, split),
        pd.DataFrame(columns=list(CURVE_COLUMNS)) if curve is None else _labelled(curve, model, split),
        _labelled(training.rows[["take_id", "variant"]].reset_index(drop=True), model, split),
    )


def _labelled(table: pd.DataFrame, model: EmotionModel, split: Split) -> pd.DataFrame:
    labels = pd.DataFrame(
        {"model": model.name, "protocol": split.protocol, "folds": split.folds, "fold": split.fold}, index=table.index
    )
    return pd.concat([labels, table], axis=1)
