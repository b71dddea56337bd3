"""On real recordings, a model that has nothing to learn scores at chance: nothing leaks into the test set."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_assets.audio.decoding.mono import load_mono
from ser_assets.audio.silence import trim
from ser_assets.corpus.ravdess import EMOTIONS, parse_name
from ser_assets.learning.data.audio_sets import audio_columns, audio_sets, measured_audio
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.evaluation.evaluate import evaluate
from ser_assets.learning.evaluation.scores import score_table
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.fold_schemes import LOSO
from ser_assets.learning.protocols.protocols import make_splits

RATE = 22050
ACTORS = ("01", "02", "03", "04")
CHANCE = 1 / len(EMOTIONS)


@pytest.fixture(scope="module")
def real_examples(ravdess: Path) -> Examples:
    """Every second speech take of four actors; the recordings of one actor are all different."""
    paths = [path for actor in ACTORS for path in sorted((ravdess / f"Actor_{actor}").glob("03-01-*"))[::2]]
    takes = [parse_name(path.stem) for path in paths]
    measurements = [measured_audio(trim(load_mono(path, RATE), RATE).samples, RATE, audio_columns()) for path in paths]
    labels = ("take_id", "actor", "emotion", "intensity", "statement", "gender")
    rows = pd.DataFrame([{name: getattr(take, name) for name in labels} for take in takes])
    return Examples(
        rows=rows.assign(corpus="ravdess", variant=0, voice=rows["actor"], audio_hash=rows["take_id"]),
        emotions=EMOTIONS,
        sets=audio_sets(measurements),
    )


def test_permuted_labels_fall_to_chance_where_true_ones_do_not(real_examples: Examples) -> None:
    splits = make_splits(real_examples.rows, ["speaker_independent", "permuted_labels"], [LOSO], seed=42)
    forest = functools.partial(RandomForest, ForestSettings(n_estimators=100))
    scores = score_table(evaluate(forest, real_examples, splits).predictions, draws=200)
    uar = scores[scores["metric"] == "uar"].set_index("protocol")["value"]
    takes = scores["takes"].iloc[0]
    luck = np.sqrt(CHANCE * (1 - CHANCE) / takes)
    assert uar["permuted_labels"] == pytest.approx(CHANCE, abs=2.5 * luck)
    assert uar["speaker_independent"] > CHANCE + 5 * luck
