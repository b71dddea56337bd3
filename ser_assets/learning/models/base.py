"""What every model of the project is: fitted on examples, kept as ONNX, asked about evidence."""

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.predictions import prediction_table_of_takes, probability_array, true_labels
from ser_assets.learning.data.temperature import apply_temperature, fit_temperature
from ser_assets.learning.speakers.bias import SpeakerBias, estimate_bias, remove_bias, remove_bias_by_speaker

if TYPE_CHECKING:
    import pandas as pd

FACTS_FILE: Final = "facts.json"
GRAPH_FILE: Final = "model.onnx"
CLIPS_AT_ONCE: Final = 256


class NotFittedError(RuntimeError):
    """A model was asked to predict or to be saved before it had learned anything."""


class FitResult(NamedTuple):
    """What comes out of training.

    onnx: the graph, from one input of float32 (clips, ...) to float32 (clips, classes).
    validation_predictions: a table as in `said`, of training takes (originals), each predicted by a part of the model
        that had not learned from that actor; empty where nobody could be left out. Where training stops early, it is
        these actors
        who were watched: what is said of them is a little surer than of strangers.
    facts: what the model wants to find again beside its graph.
    curve: columns epoch from 1, part ('training' or 'validation'), loss, accuracy; None where there are no epochs.
    """

    onnx: bytes
    validation_predictions: "pd.DataFrame"
    facts: dict[str, Any]
    curve: "pd.DataFrame | None" = None


class EmotionModel(ABC):
    """Learns from examples, gives a probability for each emotion, and rests in a folder as ONNX, without pickle.

    Everything learned comes from the training rows alone: what the model says of actors that were left out of a part
    of it tells how sure it may be (`temperature`). A model of calibrated clips can tell what it says too often of one
    speaker, too. With the same seed and the same rows a second fit saves the same bytes. To ask a saved model takes
    ONNX Runtime alone, not the library that trained it.
    """

    name: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    settings_type: ClassVar[type[Any]]

    def __init__(self, settings: Any = None, seed: int = 42) -> None:
        self.settings = settings or self.settings_type()
        self.seed = seed
        self.learning_curve_: pd.DataFrame | None = None
        self.validation_predictions_: pd.DataFrame | None = None
        """As `FitResult.validation_predictions`, with the temperature of the model, and no speaker's bias where it
        learned from
        calibrated clips."""
        self.facts_: dict[str, Any] | None = None
        """What facts.json holds: label order, feature names, settings, what was learned from, temperature."""
        self._onnx = b""
        self._fingerprint = ""
        self._session: Any = None

    @classmethod
    @abstractmethod
    def brief(cls, seed: int) -> Self:
        """Make the same model with the least of training: every step of it is gone through, and little is learned."""

    @abstractmethod
    def _learn(self, training: Examples) -> FitResult:
        """Train on all these rows, of two emotions or more."""

    @abstractmethod
    def _inputs(self, evidence: Features) -> np.ndarray:
        """Read what the graph takes, float32 (clips, ...)."""

    @abstractmethod
    def _check_inputs(self, evidence: Features) -> None:
        """Raise ValueError where this is not the kind of evidence that was learned from."""

    def fit(self, training: Examples) -> Self:
        """Learn from all these rows. Raises ValueError where there is nothing to tell apart."""
        require_two_emotions(training)
        learned = self._learn(training)
        predicted, performed = (
            probability_array(learned.validation_predictions),
            true_labels(learned.validation_predictions),
        )
        if training.speaker_normalised:
            predicted = remove_bias_by_speaker(
                predicted, learned.validation_predictions["actor"].to_numpy(), training.shares
            )
        temperature = fit_temperature(predicted, performed)
        self.facts_ = self._describe(training) | learned.facts | {"temperature": temperature}
        self.learning_curve_ = learned.curve
        # On the scale of what `predict_proba` says, for the two are weighed alike.
        self.validation_predictions_ = prediction_table_of_takes(
            learned.validation_predictions, training.emotions, apply_temperature(predicted, temperature)
        )
        self._open(learned.onnx)
        return self

    def predict_proba(self, evidence: Features, bias: SpeakerBias | None = None) -> np.ndarray:
        """Probability of each emotion, float64 (n, emotions) in the order of `emotions`, rows sum to 1.

        bias: for the one speaker of these clips, from `bias_for`; what another model found is passed over.

        Raises:
            NotFittedError: nothing has been learned yet.
            ValueError: this is not the kind of evidence that was learned from; the message says why.
        """
        predicted = self._raw_probabilities(evidence)
        if bias and self.fingerprint in bias:
            predicted = remove_bias(predicted, bias[self.fingerprint])
        return apply_temperature(predicted, self._fitted_facts()["temperature"])

    def predict_each_speaker(self, clips: Features, speakers: np.ndarray) -> np.ndarray:
        """As `predict_proba`, without the bias that the clips of each speaker among these tell; speakers: (n,)."""
        predicted = remove_bias_by_speaker(self._raw_probabilities(clips), speakers, self._shares())
        return apply_temperature(predicted, self._fitted_facts()["temperature"])

    def bias_for(self, clips: Features) -> SpeakerBias:
        """Find what the model says too often of the one speaker of these clips; raises as `predict_proba` does."""
        return {self.fingerprint: estimate_bias(self._raw_probabilities(clips), self._shares())}

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions that it tells apart, in the order of its probabilities."""
        return tuple(self._fitted_facts()["emotions"])

    @property
    def fingerprint(self) -> str:
        """Hash of the graph and the facts, as `fingerprint_of` finds it in the saved model."""
        self._fitted_facts()
        return self._fingerprint

    @property
    def fingerprints(self) -> set[str]:
        """Under what `bias_for` gives a bias."""
        return {self.fingerprint}

    def save(self, folder: Path) -> None:
        """Write model.onnx and facts.json into this folder, which exists."""
        (folder / FACTS_FILE).write_text(self._facts_text(), encoding="utf-8")
        (folder / GRAPH_FILE).write_bytes(self._onnx)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model; its probabilities are those of the model that was saved.

        Raises:
            FileNotFoundError: there is no model in this folder.
            ValueError: it is another model.
        """
        facts = _read_facts(folder, cls.name)
        model = cls(cls.settings_type(**facts["settings"]), facts["seed"])
        model.facts_ = facts
        model._open((folder / GRAPH_FILE).read_bytes())
        return model

    def _raw_probabilities(self, evidence: Features) -> np.ndarray:
        """What the graph says, float64 (n, emotions). Raises as `predict_proba` does."""
        learned_from = self._fitted_facts()["speaker_normalised"]
        if evidence.speaker_normalised != learned_from:
            wanted, given = (
                ("raw", "speaker_normalised") if evidence.speaker_normalised else ("speaker_normalised", "raw")
            )
            raise ValueError(f"{self.name} learned from {wanted} clips, and these are {given}")
        self._check_inputs(evidence)
        entry = self._session.get_inputs()[0].name
        parts = [
            self._session.run(["probabilities"], {entry: self._inputs(part)})[0]
            for part in _in_parts(evidence, CLIPS_AT_ONCE)
        ]
        return np.concatenate(parts).astype(np.float64)

    def _open(self, onnx: bytes) -> None:
        import onnxruntime

        self._onnx = onnx
        self._fingerprint = _fingerprint(onnx, self._facts_text())
        options = onnxruntime.SessionOptions()
        # With more threads the sums of one clip are taken in another order on another machine.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])

    def _describe(self, training: Examples) -> dict[str, Any]:
        return {
            "model": self.name,
            "emotions": list(training.emotions),
            "features": list(training.functional_names),
            "sequence_columns": int(training.sequences[0].shape[1]),
            "speaker_normalised": training.speaker_normalised,
            "settings": dataclasses.asdict(self.settings),
            "seed": self.seed,
            "emotion_shares": training.shares.tolist(),
            "training_actors": list(training.actors),
            "training_clips": len(training),
            "training_takes": int(training.rows["take_id"].nunique()),
            "libraries": {library: version(library) for library in self.libraries},
        }

    def _fitted_facts(self) -> dict[str, Any]:
        if self.facts_ is None:
            raise NotFittedError(f"{self.name} has not been fitted")
        return self.facts_

    def _shares(self) -> np.ndarray:
        return np.array(self._fitted_facts()["emotion_shares"])

    def _facts_text(self) -> str:
        return json.dumps(self._fitted_facts(), indent=2, sort_keys=True) + "\n"

    def _check_features(self, evidence: Features) -> None:
        learned = self._fitted_facts()["features"]
        if list(evidence.functional_names) != learned:
            raise ValueError(
                f"{self.name} learned from {len(learned)} functionals, and these {len(evidence.functional_names)} "
                "are not the same ones in the same order"
            )


def fingerprint_of(folder: Path) -> str:
    """Hash of a saved model: its graph and its facts."""
    return _fingerprint((folder / GRAPH_FILE).read_bytes(), (folder / FACTS_FILE).read_text(encoding="utf-8"))


def emotions_of_saved(folder: Path) -> tuple[str, ...]:
    """Read which emotions a saved model tells apart, in the order of its probabilities."""
    return tuple(json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))["emotions"])


def _fingerprint(onnx: bytes, facts: str) -> str:
    return hashlib.blake2b(onnx + facts.encode(), digest_size=16).hexdigest()


def _in_parts(evidence: Features, size: int) -> list[Features]:
    return [
        Features(
            functionals=evidence.functionals[start : start + size],
            functional_names=evidence.functional_names,
            sequences=evidence.sequences[start : start + size],
            speaker_normalised=evidence.speaker_normalised,
        )
        for start in range(0, len(evidence), size)
    ]


def require_two_emotions(training: Examples) -> None:
    """Raise ValueError where the rows hold less than two emotions."""
    heard = sorted(set(training.rows["emotion"]))
    if len(heard) < 2:
        raise ValueError(f"needs at least two emotions to learn from; there is {heard[0] if heard else 'no clip'}")


def _read_facts(folder: Path, model: str) -> dict[str, Any]:
    path = folder / FACTS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no saved model in {folder}: it has no {FACTS_FILE}")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if facts["model"] != model:
        raise ValueError(f"{folder} holds the model {facts['model']}, not {model}")
    return facts
