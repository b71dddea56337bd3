"""How many unlabelled clips of a new speaker calibration needs: scores against the clips that a profile is made of."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.evaluation.evaluate import ModelFactory
from ser_assets.learning.evaluation.scores import score_table
from ser_assets.learning.models.base import EmotionModel
from ser_assets.learning.protocols.splits import SpeakerNormalisedSplit, Split
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.runtime.workers import map_in_workers

CLIPS: Final = (1, 2, 4, 8, 16, 32)
DRAWS: Final = 5
COLUMNS: Final = ("clips", "uar", "low", "high", "actors", "takes")

Progress = Callable[[int, int], None]


def profile_size_curve(
    factory: ModelFactory,
    examples: Examples,
    splits: Sequence[Split],
    workers: int = 1,
    seed: int = 42,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Score a model of speaker-normalised clips on speakers with only a few known clips.

    Args:
        factory: makes the model.
        examples: originals and copies, raw.
        splits: the folds of `protocols.speaker_independent` and `protocols.speaker_normalised`, of one scheme. In the
            first the model learns from raw clips and knows nothing of the speaker (0 clips). In the second it learns
            from clips normalised as the protocol has it; for each evaluated speaker some of the clips are drawn, a
            profile is made of them with what the training speakers teach (`calibration.SpeakerPrior`), the model's bias
            is found in them (`speaker_bias`), and all other clips of that speaker are evaluated by both, so that no
            clip is in its own profile. Drawn `DRAWS` times.
        workers: worker processes to share the work among.
        seed: of everything that is random.
        progress: called with the number of fits done and of all.

    Returns:
        `COLUMNS`, a row for 0 clips and for each of `CLIPS`, with 95 % intervals by bootstrap over actors. takes counts
        every evaluation: a take is evaluated in several draws.
    """
    tables = []
    judge_one = functools.partial(_evaluate_fold, factory, examples, seed)
    if progress:
        progress(0, len(splits))
    for done, table in enumerate(map_in_workers(judge_one, splits, workers, chunk=1), start=1):
        tables.append(table)
        if progress:
            progress(done, len(splits))
    scores = score_table(pd.concat(tables, ignore_index=True), seed=seed).query("metric == 'uar'")
    scores = scores.assign(clips=scores["fold_scheme"].astype(int)).sort_values("clips", ignore_index=True)
    return scores.rename(columns={"value": "uar"})[list(COLUMNS)]


def _evaluate_fold(factory: ModelFactory, examples: Examples, seed: int, split: Split) -> pd.DataFrame:
    model = factory().fit(split.training_examples(examples))
    evaluated = examples.subset(split.test)
    labels = {"model": model.name, "protocol": split.protocol, "fold": split.fold}
    if not isinstance(split, SpeakerNormalisedSplit):
        return prediction_table(evaluated, model.predict_proba(evaluated)).assign(**labels, fold_scheme="0")
    prior = SpeakerPrior.learn(examples.subset(split.training))
    predicted = [table for actor in evaluated.actors for table in _judge_speaker(model, prior, evaluated, actor, seed)]
    return pd.concat(predicted, ignore_index=True).assign(**labels)


def _number_of(actor: str) -> int:
    """Seed the draws of an actor, whatever the name."""
    return int(actor) if actor.isdecimal() else int.from_bytes(actor.encode())


def _judge_speaker(
    model: EmotionModel, prior: SpeakerPrior, evaluated: Examples, actor: str, seed: int
) -> Iterator[pd.DataFrame]:
    own = evaluated.subset(np.flatnonzero(evaluated.rows["actor"] == actor))
    for draw in range(DRAWS):
        order = np.random.default_rng([seed, _number_of(actor), draw]).permutation(len(own))
        for clips in CLIPS:
            if clips >= len(own):
                continue
            known, others = own.subset(order[:clips]), own.subset(np.sort(order[clips:]))
            profile = prior.profile(known)
            bias = model.bias_for(profile.normalise(known))
            predicted = prediction_table(others, model.predict_proba(profile.normalise(others), bias))
            yield predicted.assign(take_id=predicted["take_id"] + f" draw {draw}", fold_scheme=str(clips))
