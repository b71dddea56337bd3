"""How a model is judged, fitted on one side of each split and asked about the other, and how one to keep is made."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.final_models import CALIBRATED, KEPT, PROTOCOL_OF_KEPT, RAW
from ser_assets.learning.data.predictions import FOLD_COLUMNS, said_of
from ser_assets.learning.models.base import EmotionModel
from ser_assets.learning.protocols.splits import Split
from ser_assets.learning.speakers.profile import calibrated
from ser_assets.runtime.workers import map_in_workers

CURVE_COLUMNS: Final = (*FOLD_COLUMNS, "epoch", "part", "loss", "accuracy")
SAID_COLUMNS: Final = (*FOLD_COLUMNS, "take_id", "actor", "emotion")
TRAINING_COLUMNS: Final = (*FOLD_COLUMNS, "take_id", "variant")

ModelFactory = Callable[[], EmotionModel]
Progress = Callable[[int, int], None]


class Kept(NamedTuple):
    """A model to be fitted on all rows and kept: nothing is left to judge it on.

    folder: where it is saved, which exists. calibrated: it learns from the clips as z-scores within each voice.
    """

    folder: Path
    calibrated: bool

    @property
    def protocol(self) -> str:
        """The protocol whose scores tell how good this model is."""
        return PROTOCOL_OF_KEPT[CALIBRATED if self.calibrated else RAW]


class Judgement(NamedTuple):
    """What came out of judging one model.

    predictions: `SAID_COLUMNS` and `p_<emotion>` of each (`said`), one row for each judged take; emotion is the true
        one.
    learning_curves: `CURVE_COLUMNS`, a row for each epoch and part of every fold; none where nothing learns in steps.
    training_rows: `TRAINING_COLUMNS`, one row for each clip that a model was really given to learn from.
    held_out: the same columns, of training takes of each fold, each predicted by a part of the model that had left that
        actor out (`emotion_model.Learned`); also of the kept models, where folds is '' and fold `KEPT`.
    """

    predictions: pd.DataFrame
    learning_curves: pd.DataFrame
    training_rows: pd.DataFrame
    held_out: pd.DataFrame


def judge(
    factory: ModelFactory,
    examples: Examples,
    splits: Sequence[Split],
    kept: Sequence[Kept] = (),
    workers: int = 1,
    progress: Progress | None = None,
) -> Judgement:
    """Fit a fresh model for every split and predict what it was not shown; fit and save those that are kept.

    factory: importable or a `functools.partial`, for the fits are shared out among worker processes.
    progress: called with the number of fits done and of all fits, first with none done.

    Raises:
        ValueError: there is no split, a split was made for other rows, or a model cannot learn from what it is given.
        LeakError: what a split would hand out stands on both sides.
    """
    if not splits:
        raise ValueError("there is no split to judge on")
    fits: list[Split | Kept] = [*splits, *kept]
    made = []
    if progress:
        progress(0, len(fits))
    fit_one = functools.partial(_fit_one, factory, examples)
    for done, judgement in enumerate(map_in_workers(fit_one, fits, workers, chunk=1), start=1):
        made.append(judgement)
        if progress:
            progress(done, len(fits))
    return Judgement(*map(_together, zip(*made, strict=True)))


def fit_fold(factory: ModelFactory, examples: Examples, split: Split) -> tuple[EmotionModel, Examples]:
    """Fit a fresh model on the training side of a split; hand out the model and what it was given."""
    training = split.training_examples(examples)
    return factory().fit(training), training


def ask(model: EmotionModel, judged: Examples) -> np.ndarray:
    """Ask a model as its protocol has it, float64 (n, emotions).

    Where clips are calibrated to their speakers, so are the answers: what the model says too often of a speaker, as all
    clips of that speaker among these tell, is taken out of them (`speaker_bias`).
    """
    if not judged.calibrated:
        return model.predict_proba(judged)
    return model.predict_each_speaker(judged, judged.rows["actor"].to_numpy())


def _fit_one(factory: ModelFactory, examples: Examples, fit: Split | Kept) -> Judgement:
    return _keep(factory, examples, fit) if isinstance(fit, Kept) else _judge_fold(factory, examples, fit)


def _judge_fold(factory: ModelFactory, examples: Examples, split: Split) -> Judgement:
    model, training = fit_fold(factory, examples, split)
    judged = split.judged_examples(examples)
    fold = {"model": model.name, "protocol": split.protocol, "folds": split.folds, "fold": split.fold}
    return _judgement(
        fold,
        predictions=said_of(judged, ask(model, judged)),
        learning_curves=model.learning_curve_,
        training_rows=training.rows[["take_id", "variant"]].reset_index(drop=True),
        held_out=model.held_out_,
    )


def _keep(factory: ModelFactory, examples: Examples, kept: Kept) -> Judgement:
    model = factory().fit(calibrated(examples) if kept.calibrated else examples)
    model.save(kept.folder)
    return _judgement(
        {"model": model.name, "protocol": kept.protocol, "folds": "", "fold": KEPT}, held_out=model.held_out_
    )


def _judgement(fold: dict[str, str], **tables: pd.DataFrame | None) -> Judgement:
    """Label the tables with their fold, in front; a table that is not there is empty."""
    labelled = {}
    for name, columns in _COLUMNS.items():
        table = tables.get(name)
        empty = pd.DataFrame(columns=list(columns))
        labelled[name] = empty if table is None else table.assign(**fold)[[*fold, *table.columns]]
    return Judgement(**labelled)


_COLUMNS: Final = {
    "predictions": SAID_COLUMNS,
    "learning_curves": CURVE_COLUMNS,
    "training_rows": TRAINING_COLUMNS,
    "held_out": SAID_COLUMNS,
}


def _together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]
