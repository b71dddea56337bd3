"""Small made-up corpora: every emotion has its own tone and every actor an offset, so that a model can learn both."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.corpus.ravdess import EMOTIONS, FOLD_SCHEMES, Ravdess
from ser_assets.encoders.names import EncoderIdentity
from ser_assets.learning.data.embeddings import Embeddings
from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.feature_sets import Vectors
from ser_assets.learning.data.sequences import MelSequences
from ser_assets.learning.data.set_names import EMBEDDINGS, FUNCTIONALS, MEL_SEQUENCES
from ser_assets.learning.protocols.fold_schemes import FoldScheme

LUNA5, EMOBOX6 = (FoldScheme(name, folds) for name, folds in FOLD_SCHEMES.items())
RAVDESS = CorpusIdentity.of(Ravdess(Path()))
Clips = TypeVar("Clips", bound=Features)
NAMES = tuple(f"functional_{number:02d}" for number in range(12))
BANDS = 16
ENCODER = EncoderIdentity("made-up", 64 * "0")
COLUMNS = (*(f"log_mel_{number:02d}" for number in range(1, BANDS + 1)), "f0", "harmonicity")


def made_up_rows(
    actors: tuple[str, ...],
    takes_each: int = 2,
    copies_of_neutral: int = 1,
    emotions: tuple[str, ...] = EMOTIONS,
) -> pd.DataFrame:
    """`takes_each` takes of every emotion from every actor; each neutral take has copies."""
    return pd.DataFrame(
        {
            "corpus": "ravdess",
            "take_id": f"01-{number:02d}-01-01-{repetition:02d}-{actor}",
            "variant": variant,
            "actor": actor,
            "voice": actor,
            "emotion": emotion,
            "intensity": "normal",
            "statement": "Kids are talking by the door",
            "gender": "male" if number_of(actor) % 2 else "female",
            "audio_hash": f"hash of {number} {repetition} {actor}",
        }
        for actor in actors
        for number, emotion in enumerate(emotions, start=1)
        for repetition in range(1, takes_each + 1)
        for variant in range(1 + copies_of_neutral * (emotion == "neutral"))
    )


def number_of(actor: str) -> int:
    """The number that an actor is named by, or one of up to 24 for any other name."""
    return int(actor) if actor.isdecimal() else sum(actor.encode()) % 24 + 1


def made_up_examples(
    actors: tuple[str, ...], takes_each: int = 2, seed: int = 0, emotions: tuple[str, ...] = EMOTIONS
) -> Examples:
    """Functionals, sequences and embeddings in which the emotion, one of eight at most, can be told for a new actor."""
    rows = made_up_rows(actors, takes_each, emotions=emotions)
    rng = np.random.default_rng(seed)
    labels = rows["emotion"].map(emotions.index).to_numpy()
    offsets = rows["actor"].map(number_of).to_numpy() / 24
    functionals = rng.normal(0, 0.3, (len(rows), len(NAMES))) + offsets[:, None]
    functionals[np.arange(len(rows)), labels] += 3
    return Examples(
        rows=rows,
        emotions=emotions,
        sets={
            FUNCTIONALS: Vectors(NAMES, functionals.astype(np.float32)),
            MEL_SEQUENCES: MelSequences(COLUMNS, tuple(_tone(label, rng) for label in labels)),
            EMBEDDINGS: _embeddings(rows, labels, np.random.default_rng(seed)),
        },
    )


def with_functionals(clips: Clips, values: np.ndarray, names: tuple[str, ...] | None = None) -> Clips:
    """The same clips with other values of their functionals."""
    return clips.with_set(FUNCTIONALS, Vectors(names or clips[FUNCTIONALS].names, values.astype(np.float32)))


def with_sequences(clips: Clips, values: Iterable[np.ndarray]) -> Clips:
    """The same clips with other values of their mel sequences."""
    return clips.with_set(MEL_SEQUENCES, MelSequences(clips[MEL_SEQUENCES].names, tuple(values)))


def made_up_predictions(
    actors: tuple[str, ...],
    takes_each: int = 2,
    seed: int = 0,
    model: str = "guess",
    emotions: tuple[str, ...] = EMOTIONS,
) -> pd.DataFrame:
    """Predictions that are right more often than not, with ties among the probabilities."""
    rng = np.random.default_rng(seed)
    rows = made_up_rows(actors, takes_each, copies_of_neutral=0, emotions=emotions)
    labels = rows["emotion"].map(emotions.index).to_numpy()
    scores = np.round(rng.random((len(rows), len(emotions))), 1) + 0.05
    scores[np.arange(len(rows)), labels] += 0.3
    table = pd.DataFrame(scores / scores.sum(axis=1, keepdims=True), columns=[f"p_{emotion}" for emotion in emotions])
    labelled = rows[["corpus", "take_id", "actor", "emotion"]].assign(
        model=model, protocol="speaker_independent", fold_scheme="loso", fold="1"
    )
    return pd.concat([labelled, table], axis=1)


def _embeddings(rows: pd.DataFrame, labels: np.ndarray, rng: np.random.Generator) -> Embeddings:
    """Two layers in which the emotion can be told; as in the asset, a noisy copy of a take has none."""
    values = rng.normal(0, 0.3, (len(rows), 2, 2, 8))
    values[np.arange(len(rows)), :, 0, labels] += 2
    present = (rows["variant"] == 0).to_numpy()
    values[~present] = 0
    return Embeddings(ENCODER, (1, 2), values.reshape(len(rows), -1).astype(np.float32), present)


def _tone(label: int, rng: np.random.Generator) -> np.ndarray:
    sequence = rng.normal(-60, 3, (int(rng.integers(20, 60)), BANDS))
    sounding = np.arange(len(sequence)) // 3 % 2 == 0
    sequence[sounding, 2 * label : 2 * label + 2] += 40
    f0 = np.where(np.arange(len(sequence)) % 5 < 3, 100 + 20 * label + rng.normal(0, 5, len(sequence)), 0)
    return np.column_stack([sequence, f0, np.where(f0 > 0, 0.9, 0)]).astype(np.float32)
