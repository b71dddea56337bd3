"""The leakage probe: corrupt all rows outside the training set, fit again, and compare the saved models."""

import dataclasses
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.evaluation.evaluate import ModelFactory, fit_fold
from ser_assets.learning.models.base import EmotionModel
from ser_assets.learning.protocols.splits import Split

STRENGTH: Final = 1e5
"""Standard deviation of the noise: far outside what any functional (in Hz at most) or level in dB holds."""
ALONE: Final = 4
"""Test clips that are predicted once more, each alone."""
ANSWERS: Final = "answers"
ROUNDING: Final = 1e-4
"""Probabilities of a clip alone may differ by this much: sums are taken in another order."""


def corrupted(examples: Examples, split: Split, seed: int = 0) -> Examples:
    """Noise in place of all features, and wrong emotions, wherever a row is not trained on."""
    generator = np.random.default_rng(seed)
    outside = np.setdiff1d(np.arange(len(examples)), split.training)
    sets = {name: each.with_noise(outside, STRENGTH, generator) for name, each in examples.sets.items()}
    emotions = examples.rows["emotion"].to_numpy(dtype=object, copy=True)
    others = (examples.labels[outside] + 1) % len(examples.emotions)
    emotions[outside] = np.array(examples.emotions, dtype=object)[others]
    rows = examples.rows.assign(emotion=emotions)
    return dataclasses.replace(examples, rows=rows, sets=sets)


def parts_that_saw_test_rows(factory: ModelFactory, examples: Examples, split: Split) -> list[str]:
    """Fit a fold twice, as it is and with all other rows corrupted; name the saved files that differ.

    Scaling, selection, weights, early stopping, temperature: whatever is fitted is saved, so the files of the saved
    model are compared byte by byte. `ANSWERS` is among them if the prediction of a test clip depends on its batch
    (given the same bias of its speaker, where clips are speaker-normalised). Empty if nothing outside the training
    rows was used.
    """
    model, _ = fit_fold(factory, examples, split)
    clean = _saved(model)
    after = _saved(fit_fold(factory, corrupted(examples, split), split)[0])
    changed = sorted(name for name in clean.keys() | after.keys() if clean.get(name) != after.get(name))
    return [*changed, ANSWERS] if _depends_on_batch(model, split.test_examples(examples)) else changed


def _depends_on_batch(model: EmotionModel, evaluated: Examples) -> bool:
    bias = model.bias_for(evaluated) if evaluated.speaker_normalised else None
    together = model.predict_proba(evaluated, bias)[:ALONE]
    alone = [model.predict_proba(evaluated.subset(np.array([row])), bias)[0] for row in range(len(together))]
    return bool(np.abs(together - np.array(alone)).max() > ROUNDING)


def _saved(model: EmotionModel) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}
