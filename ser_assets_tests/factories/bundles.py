"""A small bundle for tests: forests of five trees that have learned from two spoken demo actors."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ser_assets.audio.pipeline import Preprocessing
from ser_assets.corpus.demo.corpus import SAMPLING_RATE, perform
from ser_assets.corpus.ravdess import EMOTIONS, Take, speech_takes
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.set_names import FUNCTIONALS, MEL_SEQUENCES
from ser_assets.learning.evaluation.scores import score_table
from ser_assets.learning.models.ensemble import save_ensemble
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.speakers.prior import SpeakerPrior
from ser_assets.learning.speakers.profile import normalise_speakers
from ser_assets.serving.bundle import Measurement
from ser_assets.serving.predictor import MeasuredRecording, features_of, measure_recording
from ser_assets.serving.write_bundle import Contents, write_bundle
from ser_assets_tests.factories.examples import RAVDESS, made_up_predictions
from ser_assets_tests.factories.media import write_wav

PREPROCESSING = Preprocessing(22050, "ends", 30.0, 0.3)
MEASUREMENT = Measurement(PREPROCESSING, (FUNCTIONALS, MEL_SEQUENCES))


@cache
def spoken_takes() -> tuple[Take, ...]:
    """One take of each emotion from actors 01 and 02."""
    takes = [take for actor in ("01", "02") for take in speech_takes(actor)]
    first = {(take.actor, take.emotion): take for take in reversed(takes)}
    return tuple(sorted(first.values(), key=lambda take: take.take_id))


def write_take(folder: Path, take: Take) -> Path:
    return write_wav(folder / f"03-{take.take_id}.wav", perform(take), SAMPLING_RATE)


@cache
def measured_examples() -> Examples:
    """What was learned from."""
    takes = spoken_takes()
    with tempfile.TemporaryDirectory() as folder:
        measured = [measure_recording(write_take(Path(folder), take), MEASUREMENT) for take in takes]
    rows = pd.DataFrame([{**vars(take), "gender": take.gender} for take in takes])
    rows = rows.assign(
        corpus="ravdess",
        variant=0,
        voice=rows["actor"],
        audio_hash=rows["take_id"],
        input_fingerprint="these recordings",
    )
    features = features_of([each for each in measured if isinstance(each, MeasuredRecording)])
    return Examples(sets=features.sets, rows=rows, emotions=EMOTIONS)


@cache
def fitted(kind: str) -> RandomForest:
    """The forest for raw, or for calibrated clips.

    Leaves of one clip would lie apart by less than the rounding of another order of sums.
    """
    examples = measured_examples()
    forest = RandomForest(
        ForestSettings(n_estimators=5, min_samples_leaf=5, validation_forests=1, validation_trees=5), 1
    )
    return forest.fit(normalise_speakers(examples) if kind == "speaker_normalised" else examples)


def keep_models(models_dir: Path, kinds: tuple[str, ...] = ("raw", "speaker_normalised")) -> Path:
    """Keep the forest, and an ensemble of it alone, as the assets do."""
    for kind in kinds:
        for name in ("random_forest", "ensemble"):
            (models_dir / kind / name).mkdir(parents=True)
        fitted(kind).save(models_dir / kind / "random_forest")
        save_ensemble(models_dir / kind / "ensemble", models_dir / kind, {"random_forest": 0.5})
    return models_dir


def made_up_scores(model: str, actors: tuple[str, ...] = ("01", "02", "03", "04", "05")) -> pd.DataFrame:
    message = made_up_predictions(actors, model=model)
    return score_table(pd.concat([message, message.assign(protocol="speaker_normalised")]), draws=100)


def contents(models_dir: Path, **changes: Any) -> Contents:
    """What a bundle of the kept forest is made of; `changes` are fields of `Contents`."""
    model = changes.get("model", "random_forest")
    usual = {
        "model": model,
        "corpus": RAVDESS,
        "reason": f"{model} is the only one",
        "models_dir": models_dir,
        "speaker_normalised": (models_dir / "speaker_normalised").exists(),
        "prior": SpeakerPrior.learn(measured_examples()),
        "encoder": None,
        "preprocessing": PREPROCESSING,
        "scores": made_up_scores(model),
        "recipe": "raw_videos 1 > features 1",
        "settings": {"seed": "1"},
        "demo": True,
        "date": "2026-01-31",
    }
    return Contents(**(usual | changes))


def make_bundle(folder: Path, kinds: tuple[str, ...] = ("raw", "speaker_normalised"), **changes: Any) -> Path:
    """Write a bundle into `folder`/bundle from models kept in `folder`/models."""
    models_dir = keep_models(folder / "models", kinds)
    (folder / "bundle").mkdir()
    write_bundle(folder / "bundle", contents(models_dir, **changes))
    return folder / "bundle"


def probabilities_of(results: list[Any]) -> np.ndarray:
    """As the model gives them, (n, 8)."""
    return np.array([[each.probabilities[emotion] for emotion in EMOTIONS] for each in results])
