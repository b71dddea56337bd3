"""Which sampling rate and which way to cut silence tell emotions best: accuracy on unseen actors, and cost of a clip.

Run: `python benchmarks/front_end.py [FOLDER] [--variants 22050:ends 16000:ends] [--short] [--json FILE]`.
Differences are to the first variant.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from recordings import default_folder, speech_takes, trimmed
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from timing import write_json

from ser_assets.audio.features.extract import extract_features
from ser_assets.audio.silence import TrimMode
from ser_assets.corpus.demo.corpus import make_demo_corpus
from ser_assets.corpus.ravdess import FOLD_SCHEMES, parse_name
from ser_assets.learning.protocols.fold_schemes import FoldScheme
from ser_assets.learning.protocols.protocols import speaker_independent

VARIANTS = ("22050:ends", "16000:ends", "48000:ends", "22050:everywhere")
WORKERS = 2
SEED = 42
DRAWS = 2000


def measured(path: Path, sampling_rate: int, mode: TrimMode) -> tuple[np.ndarray, float]:
    """Functionals of one take, and the seconds of processor time it took to measure them."""
    samples = trimmed(path, sampling_rate, mode)
    with threadpool_limits(1):
        start = time.process_time()
        functionals = extract_features(samples, sampling_rate).functionals
        return functionals, time.process_time() - start


def labels(paths: list[Path]) -> pd.DataFrame:
    """The rows that the project's protocol splits."""
    takes = [parse_name(path.stem) for path in paths]
    rows = pd.DataFrame({"take_id": [t.take_id for t in takes], "actor": [t.actor for t in takes], "variant": 0})
    return rows.assign(emotion=[take.emotion for take in takes], audio_hash=rows["take_id"])


def right_on_unseen_actors(model: ClassifierMixin, functionals: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Whether the prediction for each take is right, by a model trained without its actor."""
    right = np.zeros(len(rows), bool)
    emotion = rows["emotion"].to_numpy()
    for split in speaker_independent(rows, FoldScheme("luna5", FOLD_SCHEMES["luna5"])):
        model.fit(functionals[split.training], emotion[split.training])
        right[split.test] = model.predict(functionals[split.test]) == emotion[split.test]
    return right


def per_actor_draws(right: np.ndarray, actors: pd.Series) -> np.ndarray:
    """Accuracy in bootstrap draws over actors; the same draws for every variant, so that differences are paired."""
    accuracy = pd.Series(right).groupby(actors.to_numpy()).mean().to_numpy()
    chosen = np.random.default_rng(SEED).integers(len(accuracy), size=(DRAWS, len(accuracy)))
    return accuracy[chosen].mean(axis=1)


def models() -> dict[str, ClassifierMixin]:
    """A linear model for many correlated functionals, and the notebook's forest."""
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)
    return {
        "lda": make_pipeline(StandardScaler(), lda),
        "random_forest": RandomForestClassifier(300, n_jobs=WORKERS, random_state=SEED),
    }


def main() -> None:
    """Measure every take in every variant, evaluate both models, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), help="sampling rate in Hz : way to trim")
    parser.add_argument("--short", action="store_true", help="only prove that it runs, on the demo's voices")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.short:
        demo, arguments.variants = TemporaryDirectory(), list(VARIANTS[:2])
        make_demo_corpus(Path(demo.name), ["01", "02"], WORKERS)
        paths = sorted(Path(demo.name).rglob("*.mp4"))[::4]
    else:
        paths = speech_takes(arguments.folder)
    if not paths:
        parser.exit(1, f"no RAVDESS speech under {arguments.folder}; name its folder, or set SER_RAVDESS\n")
    rows = labels(paths)

    results = []
    draws: dict[tuple[str, str], np.ndarray] = {}
    for variant in arguments.variants:
        rate, _, mode = variant.partition(":")
        with ProcessPoolExecutor(WORKERS) as pool:
            of_take = partial(measured, sampling_rate=int(rate), mode=mode)
            measurements = list(pool.map(of_take, paths, chunksize=20))
        functionals = np.stack([functionals for functionals, _ in measurements])
        milliseconds = 1000 * float(np.median([seconds for _, seconds in measurements]))
        for name, model in models().items():
            right = right_on_unseen_actors(model, functionals, rows)
            drawn = draws[variant, name] = per_actor_draws(right, rows["actor"])
            low, high = np.percentile(drawn, [2.5, 97.5])
            difference = drawn - draws[arguments.variants[0], name]
            results.append(
                {
                    "variant": variant,
                    "model": name,
                    "accuracy": right.mean(),
                    "low": low,
                    "high": high,
                    "over_first_low": np.percentile(difference, 2.5),
                    "over_first_high": np.percentile(difference, 97.5),
                    "ms_per_clip": milliseconds,
                }
            )
    print(f"{len(rows)} takes, {rows['actor'].nunique()} actors, luna5, {functionals.shape[1]} functionals")
    print(pd.DataFrame(results).round(3).to_string(index=False))
    write_json(results, arguments.json)


if __name__ == "__main__":
    main()
