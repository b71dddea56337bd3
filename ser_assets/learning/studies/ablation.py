"""What each group of functionals brings: a quick linear evaluate on one group alone, and on all groups but one.

The evaluate is linear discriminant analysis with a shrunken covariance (Ledoit & Wolf 2004, doi
10.1016/S0047-259X(03)00096-4, with a fixed share), which takes a second where a network takes minutes and is nearly as
good on functionals.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from ser_assets.audio.features.names import functional_group
from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.set_names import FUNCTIONALS
from ser_assets.learning.data.standardiser import Standardiser
from ser_assets.learning.evaluation.evaluate import evaluate
from ser_assets.learning.evaluation.scores import recall_by_emotion, score_differences, score_table
from ser_assets.learning.protocols.splits import Split

SHRINKAGE: Final = 0.3
EVERYTHING: Final = "all"
VOICES: Final = "voices"
COLUMNS: Final = (
    "group",
    "functionals",
    "alone",
    "alone_low",
    "alone_high",
    "without",
    "brings",
    "brings_low",
    "brings_high",
)

Progress = Callable[[int, int], None]


class LinearModel:
    """Shrinkage discriminant analysis on some of the functionals; priors are even.

    voices: whether it learns from the copies that sound like other speakers, too.
    """

    reads = FUNCTIONALS
    learning_curve_: None = None
    validation_predictions_: None = None

    def __init__(self, name: str, groups: Sequence[str], voices: bool = True) -> None:
        self.name, self.groups, self.voices = name, frozenset(groups), voices

    def fit(self, training: Examples) -> "LinearModel":
        """Learn from all these rows."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        if not self.voices:
            training = training.subset(np.flatnonzero(training.rows["voice"] == training.rows["actor"]))
        self._scale = Standardiser.learn([self._chosen(training)])
        even = np.full(len(set(training.labels)), 1 / len(set(training.labels)))
        self._judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=even)
        self._emotions = len(training.emotions)
        self._judge.fit(self._scale(self._chosen(training)), training.labels)
        return self

    def predict_proba(self, clips: Features) -> np.ndarray:
        """Probability of each emotion, float64 (n, emotions)."""
        probabilities = np.zeros((len(clips), self._emotions))
        probabilities[:, self._judge.classes_] = self._judge.predict_proba(self._scale(self._chosen(clips)))
        return probabilities

    def _chosen(self, clips: Features) -> np.ndarray:
        chosen = [functional_group(name) in self.groups for name in clips[FUNCTIONALS].names]
        values: np.ndarray = clips[FUNCTIONALS].values[:, chosen]
        return values


def ablation(
    examples: Examples, splits: Sequence[Split], workers: int = 1, seed: int = 42, progress: Progress | None = None
) -> pd.DataFrame:
    """Evaluate each group of functionals alone, and all but each, on the same folds.

    Args:
        examples: originals and copies, raw.
        splits: of one protocol and one scheme of folds.
        workers: worker processes to share the work among.
        seed: of everything that is random.
        progress: called with the number of sets of groups done and of all.

    Returns:
        `COLUMNS`, a row for each group, the one that brings most first, one for the copies in other voices (`VOICES`,
        which are no functionals, and nothing alone), and one for `EVERYTHING`. `alone` and `without` are UAR; `brings`
        is the UAR of all groups less that without this one, with its interval by paired bootstrap over actors.
    """
    sizes = pd.Series([functional_group(name) for name in examples[FUNCTIONALS].names]).value_counts()
    groups = sorted(sizes.index)
    sets = {EVERYTHING: groups, f"not {VOICES}": groups}
    sets |= {f"only {group}": [group] for group in groups}
    sets |= {f"not {group}": [other for other in groups if other != group] for group in groups}
    evaluated = []
    for done, (name, chosen) in enumerate(sets.items()):
        if progress:
            progress(done, len(sets))
        factory = functools.partial(LinearModel, name, tuple(chosen), voices=name != f"not {VOICES}")
        evaluated.append(evaluate(factory, examples, splits, workers=workers).predictions)  # type: ignore[arg-type]
    if progress:
        progress(len(sets), len(sets))
    predictions = pd.concat(evaluated, ignore_index=True)
    scores = score_table(predictions, seed=seed).query("metric == 'uar'").set_index("model")
    gains = _gains(predictions, [*groups, VOICES], seed)
    rows: list[tuple[object, ...]] = [(VOICES, 0, np.nan, np.nan, np.nan, *gains[VOICES])]
    rows += [
        (group, int(sizes[group]), *scores.loc[f"only {group}", ["value", "low", "high"]], *gains[group])
        for group in groups
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("brings", ascending=False, ignore_index=True)
    whole = (EVERYTHING, int(sizes.sum()), *scores.loc[EVERYTHING, ["value", "low", "high"]])
    table.loc[len(table)] = [*whole, np.nan, np.nan, np.nan, np.nan]
    return table


def _gains(predictions: pd.DataFrame, groups: Sequence[str], seed: int) -> dict[str, tuple[float, ...]]:
    """For each group the UAR without it, and what all groups have more than that: value, low, high."""
    gains: dict[str, tuple[float, ...]] = {}
    for group in groups:
        pair = predictions[predictions["model"].isin([EVERYTHING, f"not {group}"])]
        row = score_differences(pair, seed=seed).query("metric == 'uar'").iloc[0]
        sign = 1 if row["model"] == EVERYTHING else -1
        low, high = sorted((sign * row["low"], sign * row["high"]))
        without = recall_by_emotion(pair[pair["model"] != EVERYTHING])["recall"].mean()
        gains[group] = (float(without), sign * float(row["difference"]), float(low), float(high))
    return gains
