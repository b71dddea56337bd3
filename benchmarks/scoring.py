"""How long the scores take: 4 models under 6 protocols of 20 made-up actors, and the same bootstrap with scikit-learn.

Run: `python benchmarks/scoring.py [--draws 2000] [--runs 3] [--short] [--json FILE]`. Medians of the runs. The peer
resamples actors in a Python loop and calls scikit-learn, which knows six of the seven metrics; it makes a few draws of
one model under one protocol, and its time is scaled to as many as ours.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import metrics
from timing import seconds_of, write_json

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.evaluation.scores import score_differences, score_table, scores_by_group

ACTORS = tuple(f"{number:02d}" for number in range(1, 21))
MODELS = ("random_forest", "neural_network", "cnn", "complex_cnn")
PROTOCOLS = (
    ("speaker_independent", "luna5", 1200),
    ("speaker_independent", "emobox6", 1200),
    ("speaker_normalised", "luna5", 1200),
    ("speaker_normalised", "emobox6", 1200),
    ("random_split", "", 240),
    ("random_split_leaky", "", 240),
)
PEER_DRAWS = 20
SEED = 42


def all_takes() -> pd.DataFrame:
    """The 60 takes of each actor that RAVDESS speech has: neutral is never strong."""
    return pd.DataFrame(
        {
            "take_id": f"01-{number:02d}-{intensity}-{statement}-{repetition}-{actor}",
            "actor": actor,
            "emotion": emotion,
            "gender": "male" if int(actor) % 2 else "female",
            "intensity": "normal" if intensity == "01" else "strong",
            "statement": statement,
        }
        for actor in ACTORS
        for number, emotion in enumerate(EMOTIONS, start=1)
        for intensity in (("01",) if emotion == "neutral" else ("01", "02"))
        for statement in ("01", "02")
        for repetition in ("01", "02")
    )


def made_up_predictions(takes: pd.DataFrame) -> pd.DataFrame:
    """Every model's probabilities for the takes that each protocol evaluates, right about half of the time."""
    random = np.random.default_rng(SEED)
    tables = []
    for protocol, fold_scheme, evaluated in PROTOCOLS:
        chosen = takes.iloc[np.sort(random.permutation(len(takes))[:evaluated])].reset_index(drop=True)
        for model in MODELS:
            evidence = random.normal(size=(evaluated, len(EMOTIONS)))
            evidence[np.arange(evaluated), chosen["emotion"].map(EMOTIONS.index)] += 1.5
            chances = np.exp(evidence) / np.exp(evidence).sum(axis=1, keepdims=True)
            labels = chosen[["take_id", "actor", "emotion"]].assign(
                model=model, protocol=protocol, fold_scheme=fold_scheme, fold="1"
            )
            tables.append(labels.join(pd.DataFrame(chances, columns=probability_columns(EMOTIONS))))
    return pd.concat(tables, ignore_index=True)


def with_scikit_learn(evaluated: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Draw actors, gather their takes and score them, draw by draw."""
    truth = evaluated["emotion"].map(EMOTIONS.index).to_numpy()
    probabilities = evaluated[probability_columns(EMOTIONS)].to_numpy()
    of_actor = [np.flatnonzero(evaluated["actor"] == actor) for actor in ACTORS]
    random = np.random.default_rng(SEED)
    rows = []
    for _ in range(draws):
        drawn = np.concatenate([of_actor[number] for number in random.integers(len(ACTORS), size=len(ACTORS))])
        true, chances = truth[drawn], probabilities[drawn]
        guess = chances.argmax(axis=1)
        rows.append(
            {
                "accuracy": metrics.accuracy_score(true, guess),
                "uar": metrics.balanced_accuracy_score(true, guess),
                "f1_macro": metrics.f1_score(true, guess, average="macro"),
                "f1_weighted": metrics.f1_score(true, guess, average="weighted"),
                "roc_auc": metrics.roc_auc_score(true, chances, multi_class="ovr"),
                "log_loss": metrics.log_loss(true, chances),
            }
        )
    return pd.DataFrame(rows).quantile([0.025, 0.975])


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Time the work a few times on the wall clock."""
    return float(np.median([seconds_of(work) for _ in range(runs)]))


def main() -> None:
    """Time each function and the peer, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    draws, runs = (20, 1) if arguments.short else (arguments.draws, arguments.runs)
    takes = all_takes()
    predictions = made_up_predictions(takes)
    one_protocol = predictions.query("protocol == 'speaker_independent' and fold_scheme == 'luna5'")
    one_model = one_protocol.query("model == @MODELS[0]")

    peer = median_seconds(lambda: with_scikit_learn(one_model, PEER_DRAWS), runs) * len(MODELS) * draws / PEER_DRAWS
    alone = median_seconds(lambda: score_table(one_protocol, draws), runs)
    seconds = {
        "score_table": median_seconds(lambda: score_table(predictions, draws), runs),
        "score_differences": median_seconds(lambda: score_differences(predictions, draws), runs),
        "scores_by_group": median_seconds(lambda: scores_by_group(predictions, takes, draws), runs),
    }
    rows = [
        (f"score_table, {len(MODELS)} models under one protocol", alone),
        (f"the same with scikit-learn, scaled up from {PEER_DRAWS} draws of one model", peer),
        *((f"{name}, {len(MODELS)} models under {len(PROTOCOLS)} protocols", each) for name, each in seconds.items()),
        ("the last three together", sum(seconds.values())),
    ]
    print(f"{len(predictions)} predictions, {len(ACTORS)} actors, {draws} draws, medians of {runs} runs")
    print(pd.DataFrame(rows, columns=["what", "seconds"]).round(3).to_string(index=False))
    print(f"scikit-learn in a loop takes {peer / alone:.0f} times as long as score_table")
    write_json({**dict(rows), "ratio": peer / alone}, arguments.json)


if __name__ == "__main__":
    main()
