"""What fits a model: training on examples, temperature from validation predictions, and the facts to save."""

import dataclasses
from abc import ABC, abstractmethod
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table_of_takes, probability_array, true_labels
from ser_assets.learning.data.set_names import FUNCTIONALS
from ser_assets.learning.data.temperature import apply_temperature, fit_temperature
from ser_assets.learning.models.inference import OUTPUT, OnnxModel
from ser_assets.learning.speakers.bias import remove_bias_by_speaker

if TYPE_CHECKING:
    import pandas as pd


class FitResult(NamedTuple):
    """What comes out of training.

    Attributes:
        onnx: the graph, from one input of float32 (clips, ...) to an output named `probabilities`, float32
            (clips, classes).
        validation_predictions: predictions (`data.predictions`) for training takes (originals), each by a member that
            was not trained on that actor; empty if no actor could be left out. With early stopping these are the
            validation actors, so that their predictions are slightly over-confident.
        facts: what the model needs beside its graph. `classes`: index of the emotion of each column of the output,
            where training had not every emotion; without it there is a column for each emotion, and rows sum to 1.
            `frames`: length that sequences are cut or repeated to; without it the graph reads vectors.
        curve: columns epoch from 1, subset ('training' or 'validation'), loss, accuracy; None without epochs.
    """

    onnx: bytes
    validation_predictions: "pd.DataFrame"
    facts: dict[str, Any]
    curve: "pd.DataFrame | None" = None


class GraphError(ValueError):
    """The graph of a model breaks the contract of `FitResult`; the message names the model and the remedy."""


class EmotionModel(OnnxModel, ABC):
    """A model that can be fitted; afterwards it predicts and is saved as an `OnnxModel`.

    Everything that is fitted comes from the training rows: the temperature from predictions for held-out actors. The
    same seed and the same rows save the same bytes.

    Attributes:
        reads: name of the feature set that the graph reads.
        learning_curve_: as `FitResult.curve`.
        validation_predictions_: as `FitResult.validation_predictions`, after temperature and, for speaker-normalised
            clips, without each speaker's bias.
    """

    name: str
    libraries: ClassVar[tuple[str, ...]]
    settings_type: ClassVar[type[Any]]
    reads: ClassVar[str] = FUNCTIONALS

    def __init__(self, settings: Any = None, seed: int = 42) -> None:
        super().__init__()
        self.settings = settings or self.settings_type()
        self.seed = seed
        self.learning_curve_: pd.DataFrame | None = None
        self.validation_predictions_: pd.DataFrame | None = None

    @classmethod
    @abstractmethod
    def brief(cls, seed: int) -> Self:
        """Make the same model with the shortest training that runs every step."""

    @abstractmethod
    def _learn(self, training: Examples) -> FitResult:
        """Train on all these rows, of two emotions or more."""

    def fit(self, training: Examples) -> Self:
        """Fit to all these rows that have what it reads.

        Raises:
            ValueError: the rows hold fewer than two emotions.
            GraphError: the graph has no output named `probabilities`.
        """
        training = training.having(self.reads)
        require_two_emotions(training)
        learned = self._learn(training)
        predicted = probability_array(learned.validation_predictions)
        if training.speaker_normalised:
            actors = learned.validation_predictions["actor"].to_numpy()
            predicted = remove_bias_by_speaker(predicted, actors, training.shares)
        temperature = fit_temperature(predicted, true_labels(learned.validation_predictions))
        self.facts_ = self._describe(training) | learned.facts | {"temperature": temperature}
        self.learning_curve_ = learned.curve
        # With the temperature of `predict_proba`, because the ensemble weighs both alike.
        self.validation_predictions_ = prediction_table_of_takes(
            learned.validation_predictions, training.emotions, apply_temperature(predicted, temperature)
        )
        self._onnx, self._fingerprint = learned.onnx, ""
        self._open()
        outputs = [output.name for output in self._session.get_outputs()]
        if OUTPUT not in outputs:
            raise GraphError(
                f"the graph of {self.name} has no output named {OUTPUT!r} but {', '.join(outputs)}: give this name to "
                "the output with the probability of each class"
            )
        return self

    def _describe(self, training: Examples) -> dict[str, Any]:
        return {
            "model": self.name,
            "reads": self.reads,
            "corpora": sorted(set(training.rows["corpus"])),
            "emotions": list(training.emotions),
            "features": list(training[self.reads].names),
            "made_by": training[self.reads].made_by,
            "speaker_normalised": training.speaker_normalised,
            "settings": dataclasses.asdict(self.settings),
            "seed": self.seed,
            "emotion_shares": training.shares.tolist(),
            "training_actors": list(training.actors),
            "training_clips": len(training),
            "training_takes": int(training.rows["take_id"].nunique()),
            "libraries": {library: version(library) for library in self.libraries},
        }


def require_two_emotions(training: Examples) -> None:
    """Raise ValueError if the rows hold fewer than two emotions."""
    found = sorted(set(training.rows["emotion"]))
    if len(found) < 2:
        raise ValueError(f"needs at least two emotions to learn from; there is {found[0] if found else 'no clip'}")
