"""The small interface that every model of the project has, and the facts that are saved beside its weights."""

import json
from abc import ABC, abstractmethod
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.examples import Examples

if TYPE_CHECKING:
    import pandas as pd

FACTS_FILE = "facts.json"


class NotFittedError(RuntimeError):
    """A model was asked to predict or to be saved before it had learned anything."""


class EmotionModel(ABC):
    """Learns from examples, gives a probability for each emotion, and rests in a folder without pickle.

    Everything learned ends in an underscore and comes from the training rows alone. With the same seed and the same
    rows a second fit saves the same bytes.
    """

    name: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    learning_curve_: "pd.DataFrame | None" = None
    """Columns epoch from 1, part ('training' or 'validation'), loss, accuracy; None where there are no epochs."""
    facts_: dict[str, Any] | None = None
    """What facts.json holds: label order, feature names, hyper-parameters, what it was trained on, library versions."""

    @classmethod
    @abstractmethod
    def brief(cls, seed: int) -> Self:
        """Make the same model with the least of training: every step of it is gone through, and little is learned."""

    @abstractmethod
    def fit(self, training: Examples) -> Self:
        """Learn from all these rows. Raises ValueError where there is nothing to tell apart."""

    def fit_all(self, training: Examples, learning_curves: "pd.DataFrame") -> Self:  # noqa: ARG002
        """Learn from all these rows and leave none out to watch the training by; for the model that is kept.

        learning_curves: of the folds in which the model was judged; they tell a network how long to train.
        """
        return self.fit(training)

    @abstractmethod
    def predict_proba(self, examples: Examples) -> np.ndarray:
        """Probability of each emotion, float64 (n, 8) in the order of `EMOTIONS`, rows sum to 1."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the model into this folder, which exists."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model; its probabilities are those of the model that was saved."""

    def _describe(self, training: Examples, hyper_parameters: dict[str, Any], seed: int) -> dict[str, Any]:
        return {
            "model": self.name,
            "emotions": list(EMOTIONS),
            "features": list(training.functional_names),
            "mel_bands": int(training.sequences[0].shape[1]),
            "calibrated": training.calibrated,
            "hyper_parameters": hyper_parameters,
            "seed": seed,
            "training_actors": list(training.actors),
            "training_clips": len(training),
            "training_takes": int(training.rows["take_id"].nunique()),
            "libraries": {library: version(library) for library in self.libraries},
        }

    def _fitted_facts(self) -> dict[str, Any]:
        if self.facts_ is None:
            raise NotFittedError(f"{self.name} has not been fitted")
        return self.facts_

    def _check_calibration(self, examples: Examples) -> None:
        if examples.calibrated != self._fitted_facts()["calibrated"]:
            wanted, given = ("raw", "calibrated") if examples.calibrated else ("calibrated", "raw")
            raise ValueError(f"{self.name} learned from {wanted} clips, and these are {given}")

    def _check_features(self, examples: Examples) -> None:
        learned = self._fitted_facts()["features"]
        if list(examples.functional_names) != learned:
            raise ValueError(
                f"{self.name} learned from {len(learned)} functionals, and these {len(examples.functional_names)} "
                "are not the same ones in the same order"
            )


def require_two_emotions(training: Examples) -> None:
    """Raise ValueError where the rows hold less than two emotions."""
    heard = sorted(set(training.rows["emotion"]))
    if len(heard) < 2:
        raise ValueError(f"needs at least two emotions to learn from; there is {heard[0] if heard else 'no clip'}")


def write_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Write facts.json, the same bytes for the same facts."""
    (folder / FACTS_FILE).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_facts(folder: Path, model: str) -> dict[str, Any]:
    """Read facts.json.

    Raises:
        FileNotFoundError: there is no model in this folder.
        ValueError: it is another model, or one with other emotions or another order of them.
    """
    path = folder / FACTS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no saved model in {folder}: it has no {FACTS_FILE}")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if facts["model"] != model:
        raise ValueError(f"{folder} holds the model {facts['model']}, not {model}")
    if tuple(facts["emotions"]) != EMOTIONS:
        raise ValueError(f"{folder} was trained for other emotions: {', '.join(facts['emotions'])}")
    return facts
