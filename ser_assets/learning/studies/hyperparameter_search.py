"""Nested search for the settings of a model: chosen inside the training actors of a fold, evaluated on its others."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.evaluation.evaluate import evaluate, predict_test
from ser_assets.learning.evaluation.scores import recall_by_emotion, score_table
from ser_assets.learning.protocols.protocols import validation_parts
from ser_assets.learning.protocols.splits import Split
from ser_assets.runtime.workers import map_in_workers

Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """What a search found.

    Attributes:
        trials: a row for each of the settings that were tried, best first: a column for each setting, `uar` (mean over
            the folds of the UAR on actors left out of the training side) and `default` (whether these are the defaults,
            but for those of which the space has one value).
        chosen: a row for each fold: fold, the number of the trial that was best inside, and its `uar` inside.
        scores: `scores.score_table` of each fold evaluated by its own choice: what a search is worth on unseen actors.
    """

    trials: pd.DataFrame
    chosen: pd.DataFrame
    scores: pd.DataFrame


def search(
    factory: Callable[..., Any],
    settings_type: type[Any],
    space: Mapping[str, Sequence[Any]],
    examples: Examples,
    splits: Sequence[Split],
    trials: int,
    workers: int = 1,
    seed: int = 42,
    progress: Progress | None = None,
) -> Found:
    """Try settings drawn at random, the defaults first, on one validation part inside the training side of each fold.

    What a fold evaluates is handed to no trial: the actors on which the settings of a fold are compared are training
    actors of that fold (`protocols.validation_parts`).

    Args:
        factory: makes a model from settings and seed.
        settings_type: dataclass of the settings.
        space: values of each setting to draw from.
        examples: originals and copies, raw.
        splits: folds to evaluate.
        trials: settings to try, the default among them.
        workers: worker processes to share the work among.
        seed: of everything that is random.
        progress: called with the number of fits done and of all fits.
    """
    from sklearn.model_selection import ParameterSampler

    fixed = {name: values[0] for name, values in space.items() if len(values) == 1}
    drawn = [{}, *ParameterSampler({k: list(v) for k, v in space.items()}, trials - 1, random_state=seed)]
    tried = [settings_type(**{**fixed, **chosen}) for chosen in drawn]
    tasks = [(number, split) for split in splits for number in range(len(tried))]
    fits = len(tasks) + len(splits)
    fit = functools.partial(_score, factory, tried, examples, seed)
    scored = []
    for done, score in enumerate(map_in_workers(fit, tasks, workers, chunk=1), start=1):
        scored.append(score)
        if progress:
            progress(done, fits)
    inside = np.array(scored).reshape(len(splits), len(tried))
    table = pd.DataFrame([{name: getattr(settings, name) for name in space} for settings in tried])
    table["uar"], table["default"] = inside.mean(axis=0), table.index == 0
    chosen = pd.DataFrame(
        {"fold": [split.fold for split in splits], "trial": inside.argmax(axis=1), "uar": inside.max(axis=1)}
    )
    choices = list(zip(chosen["trial"], splits, strict=True))
    evaluated = []
    for predicted in map_in_workers(
        functools.partial(_judge, factory, tried, examples, seed), choices, workers, chunk=1
    ):
        evaluated.append(predicted)
        if progress:
            progress(len(tasks) + len(evaluated), fits)
    scores = score_table(pd.concat(evaluated, ignore_index=True), seed=seed)
    return Found(table.sort_values("uar", ascending=False, kind="stable"), chosen, scores)


def _judge(
    factory: Callable[..., Any], tried: Sequence[Any], examples: Examples, seed: int, choice: tuple[int, Split]
) -> pd.DataFrame:
    number, split = choice
    return evaluate(functools.partial(factory, tried[number], seed), examples, [split]).predictions


def _score(
    factory: Callable[..., Any], tried: Sequence[Any], examples: Examples, seed: int, task: tuple[int, Split]
) -> float:
    number, split = task
    training = split.training_examples(examples)
    inner = next(iter(validation_parts(training.rows, 1, seed)))
    if inner is None:
        raise ValueError(f"{split.title} leaves one actor to train on, and none to compare settings on")
    evaluated = inner.test_examples(training)
    model = factory(tried[number], seed).fit(inner.training_examples(training))
    return float(recall_by_emotion(prediction_table(evaluated, predict_test(model, evaluated)))["recall"].mean())
