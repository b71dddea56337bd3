"""Small made-up tables of the shapes that the report is given."""

import numpy as np
import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.scores import score_table
from ser_assets.reporting.data import ExampleClip, ReportData

SAMPLING_RATE = 16000
ACTORS = ("01", "02", "03")


def predictions(
    models: tuple[str, ...] = ("random_forest", "cnn"), protocol: str = "speaker_independent", skill: float = 1.5
) -> pd.DataFrame:
    """Two takes of each emotion by each actor; the first model is the best."""
    random = np.random.default_rng(len(models))
    rows = []
    for rank, model in enumerate(models):
        for actor in ACTORS:
            for number, emotion in enumerate(EMOTIONS):
                for take in (1, 2):
                    evidence = random.normal(size=len(EMOTIONS))
                    evidence[number] += skill / (1 + rank)
                    chances = np.exp(evidence) / np.exp(evidence).sum()
                    take_id = f"01-{number + 1:02d}-01-01-{take:02d}-{actor}"
                    rows.append([model, protocol, "loso", actor, take_id, actor, emotion, *chances])
    names = ["model", "protocol", "folds", "fold", "take_id", "actor", "emotion"]
    return pd.DataFrame(rows, columns=names + [f"p_{emotion}" for emotion in EMOTIONS])


def scores(rows: list[tuple[str, str, float, float, float]], protocol: str = "speaker_independent") -> pd.DataFrame:
    """A score table from model, metric, value, low, high."""
    table = pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high"])
    return table.assign(protocol=protocol, folds="luna5", actors=24, takes=1440)


def chirp(seconds: float = 0.4) -> np.ndarray:
    """A tone that climbs, float32 (samples,)."""
    time = np.arange(int(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return (0.5 * np.sin(2 * np.pi * (200 + 800 * time) * time)).astype(np.float32)


def bare_report() -> ReportData:
    """Predictions and scores only."""
    judged = predictions()
    return ReportData(predictions=judged, scores=score_table(judged, draws=50))


def full_report() -> ReportData:
    """Every section, small."""
    judged = predictions()
    takes = judged.drop_duplicates("take_id")[["take_id", "actor", "emotion"]].assign(
        gender=lambda rows: np.where(rows["actor"].astype(int) % 2, "male", "female"),
        intensity="normal",
        statement="Kids are talking by the door",
        seconds=3.0,
    )
    originals = takes[["take_id", "actor", "emotion"]].assign(variant=0)
    epochs = [
        ("cnn", fold, epoch, part, 2 / epoch, 1 - 1 / epoch)
        for fold, last in (("01", 4), ("02", 3))
        for epoch in range(1, last + 1)
        for part in ("training", "validation")
    ]
    folds = [
        ("speaker_independent", "loso", actor, [a for a in ACTORS if a != actor], [actor], 36, 16, 0, 0, 0)
        for actor in ACTORS
    ]
    return ReportData(
        predictions=judged,
        scores=score_table(judged, draws=50),
        takes=takes,
        rejected=pd.DataFrame({"path": ["raw/a.mp4", "raw/<b>.mp4"], "reason": ["no sound", "no sound"]}),
        clips=pd.concat([originals, originals[originals["emotion"] == "neutral"].assign(variant=1)]),
        examples=[ExampleClip(emotion, "female", "take", chirp(), SAMPLING_RATE) for emotion in EMOTIONS[:5]],
        importances=pd.DataFrame(
            {"feature": [f"mfcc_{n:02d}_std" for n in range(40)], "importance": np.arange(40) / 780}
        ),
        learning_curves=pd.DataFrame(epochs, columns=["model", "fold", "epoch", "part", "loss", "accuracy"]),
        leak_proof=pd.DataFrame(
            folds,
            columns=[
                *("protocol", "folds", "fold", "training_actors", "judged_actors", "training_clips", "judged_takes"),
                *("shared_takes", "shared_recordings", "shared_actors"),
            ],
        ),
        facts={"command": "ser-assets run | tee log", "seed": "42"},
    )
