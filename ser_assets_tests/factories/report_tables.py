"""Small made-up tables of the shapes that the report is given."""

from typing import Any

import numpy as np
import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import score_differences, score_table, scores_by_group
from ser_assets.reporting.report_data import ExampleClip, MissedTake, ReportData
from ser_assets_tests.factories.examples import RAVDESS

SAMPLING_RATE = 16000
ACTORS = ("01", "02", "03", "04", "05")
AUDITED_ACTORS = ACTORS[:3]


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
    names = ["model", "protocol", "fold_scheme", "fold", "take_id", "actor", "emotion"]
    return pd.DataFrame(rows, columns=names + [f"p_{emotion}" for emotion in EMOTIONS])


def scores(
    rows: list[tuple[str, str, float, float, float]], protocol: str = "speaker_independent", fold_scheme: str = "luna5"
) -> pd.DataFrame:
    """A score table from model, metric, value, low, high."""
    table = pd.DataFrame(rows, columns=["model", "metric", "value", "low", "high"])
    return table.assign(protocol=protocol, fold_scheme=fold_scheme, actors=24, takes=1440)


def uars(values: dict[str, float], protocol: str = "speaker_independent", fold_scheme: str = "luna5") -> pd.DataFrame:
    """A score table of UARs alone, with an interval of four points to each side."""
    return scores([(model, "uar", uar, uar - 0.04, uar + 0.04) for model, uar in values.items()], protocol, fold_scheme)


def differences(rows: list[tuple[str, str, float, float, float]]) -> pd.DataFrame:
    """Differences in UAR from model, other, difference, low, high."""
    table = pd.DataFrame(rows, columns=["model", "other", "difference", "low", "high"])
    return table.assign(protocol="speaker_independent", fold_scheme="luna5", metric="uar", actors=24, takes=1440)


def audit_table(protocol: str, disjoint: str, shared: tuple[int, int, int], fold_scheme: str = "loso") -> pd.DataFrame:
    """The leakage audit of a protocol with three folds of one actor; shared: actors, takes and recordings in each."""
    rows = [
        (protocol, fold_scheme, str(number), actor, _others(actor), 36, 16, *shared, disjoint)
        for number, actor in enumerate(AUDITED_ACTORS, start=1)
    ]
    names = ["protocol", "fold_scheme", "fold", "test_actors", "training_actors", "training_clips", "test_takes"]
    return pd.DataFrame(rows, columns=[*names, "shared_actors", "shared_takes", "shared_recordings", "disjoint"])


def _others(actor: str) -> str:
    return ", ".join(other for other in AUDITED_ACTORS if other != actor)


def reproduction() -> pd.DataFrame:
    """The notebook's claims, its reproduction and what is left of it, of one model."""
    nan = float("nan")
    rows = [
        ("random_forest", "claimed_in_readme", "accuracy", 0.742, nan, nan, 0, 0),
        ("random_forest", "claimed_in_notebook", "accuracy", 0.693, nan, nan, 0, 0),
        ("random_forest", "unseen_actors", "accuracy", 0.41, 0.36, 0.46, 20, 1199),
        ("random_forest", "reproduced", "accuracy", 0.7, 0.65, 0.75, 20, 276),
        ("random_forest", "claimed_in_readme", "roc_auc", 0.952, nan, nan, 0, 0),
    ]
    return pd.DataFrame(rows, columns=["model", "way", "metric", "value", "low", "high", "actors", "takes"])


def missed_take() -> MissedTake:
    """A calm take that two models take for something else."""
    clip = ExampleClip("calm", "male", "01-02-01-01-01-03", chirp(), SAMPLING_RATE)
    message = {"cnn": ("sad", 0.614), "random_forest": ("neutral", 0.3)}
    return MissedTake(clip, "03", "normal", "Kids are <talking> by the door", message)


def chirp(seconds: float = 0.4) -> np.ndarray:
    """A tone that climbs, float32 (samples,)."""
    time = np.arange(int(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    return (0.5 * np.sin(2 * np.pi * (200 + 800 * time) * time)).astype(np.float32)


def scores_alone(table: pd.DataFrame, **parts: Any) -> ReportData:
    """A report without a single prediction."""
    return ReportData(RAVDESS, predictions().iloc[:0], table, **parts)


def bare_report() -> ReportData:
    """Predictions and scores only."""
    evaluated = predictions()
    return ReportData(corpus=RAVDESS, predictions=evaluated, scores=score_table(evaluated, draws=50))


def full_report() -> ReportData:
    """Every section, small: two protocols, two models, five actors."""
    honest = predictions()
    evaluated = pd.concat([honest, predictions(protocol="random_split_leaky", skill=3).assign(fold_scheme="")])
    takes = honest.drop_duplicates("take_id")[["take_id", "actor", "emotion"]].assign(
        gender=lambda rows: np.where(rows["actor"].astype(int) % 2, "male", "female"),
        intensity=lambda rows: np.where(rows["take_id"].str[12:14] == "01", "normal", "strong"),
        statement=lambda rows: np.where(rows["emotion"] < "happy", "Kids are talking by the door", "Dogs are sitting"),
        seconds=3.0,
    )
    originals = takes[["take_id", "actor", "emotion"]].assign(variant=0)
    epochs = [
        ("cnn", "speaker_independent", "loso", fold, epoch, part, 2 / epoch, 1 - 1 / epoch)
        for fold, last in (("01", 4), ("02", 3))
        for epoch in range(1, last + 1)
        for part in ("training", "validation")
    ]
    curves = ["model", "protocol", "fold_scheme", "fold", "epoch", "subset", "loss", "accuracy"]
    return ReportData(
        corpus=RAVDESS,
        predictions=evaluated,
        scores=score_table(evaluated, draws=50),
        differences=score_differences(evaluated, draws=50),
        group_scores=scores_by_group(evaluated, takes, draws=50),
        missed=[missed_take()],
        missed_count=6,
        reproduction=reproduction(),
        takes=takes,
        rejected=pd.DataFrame({"path": ["raw/a.mp4", "raw/<b>.mp4"], "reason": ["no sound", "no sound"]}),
        clips=pd.concat([originals, originals[originals["emotion"] == "neutral"].assign(variant=1)]),
        examples=[ExampleClip(emotion, "female", "take", chirp(), SAMPLING_RATE) for emotion in EMOTIONS[:5]],
        importances=pd.DataFrame(
            {"feature": [f"mfcc_{n:02d}_std" for n in range(40)], "importance": np.arange(40) / 780}
        ),
        learning_curves=pd.DataFrame(epochs, columns=curves),
        leakage_audit=pd.concat(
            [
                audit_table("random_split_leaky", "", (3, 5, 5), fold_scheme=""),
                audit_table("speaker_independent", "actors, takes, recordings", (0, 0, 0)),
            ]
        ),
        facts={"command": "ser-assets run | tee log", "seed": "42"},
    )
