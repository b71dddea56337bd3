"""Evaluation: fit a model on the training side of each split, predict the test side; and fit final models."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.final_models import FINAL, PROTOCOL_OF_FINAL_MODEL, RAW, SPEAKER_NORMALISED
from ser_assets.learning.data.predictions import FOLD_COLUMNS, prediction_table
from ser_assets.learning.models.base import EmotionModel
from ser_assets.learning.protocols.splits import Split
from ser_assets.learning.speakers.profile import normalise_speakers
from ser_assets.runtime.workers import map_in_workers

CURVE_COLUMNS: Final = (*FOLD_COLUMNS, "epoch", "subset", "loss", "accuracy")
PREDICTION_COLUMNS: Final = (*FOLD_COLUMNS, "corpus", "take_id", "actor", "emotion")
TRAINING_COLUMNS: Final = (*FOLD_COLUMNS, "corpus", "take_id", "variant")

ModelFactory = Callable[[], EmotionModel]
Progress = Callable[[int, int], None]


class FinalFit(NamedTuple):
    """A model to be fitted on all rows and kept: nothing is left to evaluate it on.

    Attributes:
        folder: where it is saved, which exists.
        speaker_normalised: it learns from the clips as z-scores within each voice.
    """

    folder: Path
    speaker_normalised: bool

    @property
    def protocol(self) -> str:
        """The protocol whose scores tell how good this model is."""
        return PROTOCOL_OF_FINAL_MODEL[SPEAKER_NORMALISED if self.speaker_normalised else RAW]


class Evaluation(NamedTuple):
    """What came out of evaluating one model.

    Attributes:
        predictions: `PREDICTION_COLUMNS` and `p_<emotion>` of each (`data.predictions`), one row per test take; emotion
            is the true one.
        learning_curves: `CURVE_COLUMNS`, a row for each epoch and part of every fold; none where nothing learns in
            steps.
        training_rows: `TRAINING_COLUMNS`, one row for each clip that a model was really given to learn from.
        validation_predictions: the same columns, of training takes of each fold, each predicted by a part of the model
            that had left that actor out (`base.FitResult`); also of the kept models, where folds is '' and fold
            `FINAL`.
    """

    predictions: pd.DataFrame
    learning_curves: pd.DataFrame
    training_rows: pd.DataFrame
    validation_predictions: pd.DataFrame


def evaluate(
    factory: ModelFactory,
    examples: Examples,
    splits: Sequence[Split],
    kept: Sequence[FinalFit] = (),
    workers: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Fit a fresh model for every split and predict what it was not shown; fit and save those that are kept.

    Args:
        factory: importable or a `functools.partial`, for the fits are shared out among worker processes.
        examples: originals and copies, raw.
        splits: of the protocols.
        kept: final models to fit on all examples and save.
        workers: worker processes to share the work among.
        progress: called with the number of fits done and of all fits, first with none done.

    Raises:
        ValueError: there is no split, a split was made for other rows, or a model cannot learn from what it is given.
        LeakError: what a split would hand out stands on both sides.
    """
    if not splits:
        raise ValueError("there is no split to evaluate on")
    fits: list[Split | FinalFit] = [*splits, *kept]
    made = []
    if progress:
        progress(0, len(fits))
    fit_one = functools.partial(_fit_one, factory, examples)
    for done, evaluation in enumerate(map_in_workers(fit_one, fits, workers, chunk=1), start=1):
        made.append(evaluation)
        if progress:
            progress(done, len(fits))
    return Evaluation(*map(_together, zip(*made, strict=True)))


def fit_fold(factory: ModelFactory, examples: Examples, split: Split) -> tuple[EmotionModel, Examples]:
    """Fit a fresh model on the training side of a split; hand out the model and what it was given."""
    model = factory()
    training = split.training_examples(examples).having(model.reads)
    return model.fit(training), training


def predict_test(model: EmotionModel, evaluated: Examples) -> np.ndarray:
    """Ask a model as its protocol has it, float64 (n, emotions).

    For speaker-normalised clips the class bias of the model for each speaker is removed, too, estimated from all of the
    speaker's clips among these (`speakers.bias`).
    """
    if not evaluated.speaker_normalised:
        return model.predict_proba(evaluated)
    return model.predict_each_speaker(evaluated, evaluated.rows["actor"].to_numpy())


def _fit_one(factory: ModelFactory, examples: Examples, fit: Split | FinalFit) -> Evaluation:
    return _keep(factory, examples, fit) if isinstance(fit, FinalFit) else _evaluate_fold(factory, examples, fit)


def _evaluate_fold(factory: ModelFactory, examples: Examples, split: Split) -> Evaluation:
    model, training = fit_fold(factory, examples, split)
    evaluated = split.test_examples(examples)
    fold = {"model": model.name, "protocol": split.protocol, "fold_scheme": split.fold_scheme, "fold": split.fold}
    return _evaluation(
        fold,
        predictions=prediction_table(evaluated, predict_test(model, evaluated)),
        learning_curves=model.learning_curve_,
        training_rows=training.rows[["corpus", "take_id", "variant"]].reset_index(drop=True),
        validation_predictions=model.validation_predictions_,
    )


def _keep(factory: ModelFactory, examples: Examples, kept: FinalFit) -> Evaluation:
    model = factory().fit(normalise_speakers(examples) if kept.speaker_normalised else examples)
    model.save(kept.folder)
    return _evaluation(
        {"model": model.name, "protocol": kept.protocol, "fold_scheme": "", "fold": FINAL},
        validation_predictions=model.validation_predictions_,
    )


def _evaluation(fold: dict[str, str], **tables: pd.DataFrame | None) -> Evaluation:
    """Label the tables with their fold, in front; a table that is not there is empty."""
    labelled = {}
    for name, columns in _COLUMNS.items():
        table = tables.get(name)
        empty = pd.DataFrame(columns=list(columns))
        labelled[name] = empty if table is None else table.assign(**fold)[[*fold, *table.columns]]
    return Evaluation(**labelled)


_COLUMNS: Final = {
    "predictions": PREDICTION_COLUMNS,
    "learning_curves": CURVE_COLUMNS,
    "training_rows": TRAINING_COLUMNS,
    "validation_predictions": PREDICTION_COLUMNS,
}


def _together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
