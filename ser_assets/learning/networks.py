"""Three models made of networks: a dense one on functionals, two that convolve over time on log-mel sequences."""

import dataclasses
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.architectures import (
    ComplexConvolutionSettings,
    ConvolutionSettings,
    DenseSettings,
    convolutional,
    dense,
)
from ser_assets.learning.emotion_model import EmotionModel, read_facts, require_two_emotions, write_facts
from ser_assets.learning.examples import Examples
from ser_assets.learning.protocols import validation_parts
from ser_assets.learning.sequences import filled, under_peak, varied
from ser_assets.learning.training import Part, Standardiser, best_epoch, import_keras, keras_ready, train

if TYPE_CHECKING:
    import pandas as pd

ARCHITECTURE_FILE = "architecture.json"
WEIGHTS_FILE = "weights.npz"
CLIPS_AT_ONCE = 256


class Member(NamedTuple):
    """One trained network: its own scaling and its weights."""

    standardiser: Standardiser
    weights: list[np.ndarray]


class Network(EmotionModel):
    """Averages the probabilities of a few networks, each validated on other actors of the training rows."""

    libraries: ClassVar[tuple[str, ...]] = ("tensorflow", "keras", "numpy")
    settings: Any
    settings_type: ClassVar[type[Any]]

    def __init__(self, settings: Any = None, seed: int = 42) -> None:
        self.settings = settings or self.settings_type()
        self.seed = seed
        self._members: list[Member] = []
        self._architecture = ""
        self._network: Any = None

    @classmethod
    def brief(cls, seed: int) -> Self:
        """Make a network of one member that trains for two epochs."""
        return cls(cls.settings_type(members=1, epochs=2), seed)

    def fit(self, training: Examples) -> Self:
        """Train every member; scaling, too, is learned without the member's validation actors."""
        parts = (
            (split.training_examples(training), split.judged_examples(training)) if split else (training, None)
            for split in validation_parts(training.rows, self.settings.members, self.seed)
        )
        return self._fit_members(training, parts, self.settings.epochs)

    def fit_all(self, training: Examples, learning_curves: "pd.DataFrame") -> Self:
        """Train every member on all rows, for as many epochs as were best for the validation actors of the folds."""
        epochs = best_epoch(learning_curves) or self.settings.epochs
        return self._fit_members(training, [(training, None)] * self.settings.members, epochs)

    def _fit_members(self, training: Examples, parts: Iterable[tuple[Examples, Examples | None]], epochs: int) -> Self:
        import pandas as pd

        require_two_emotions(training)
        self._members = []
        curves = [
            self._fit_member(learned, watched, self.seed + number, epochs)
            for number, (learned, watched) in enumerate(parts)
        ]
        self.facts_ = self._describe(training, dataclasses.asdict(self.settings), self.seed) | {"epochs": epochs}
        self.learning_curve_ = (
            pd.concat(curves).groupby(["epoch", "part"], as_index=False, sort=True)[["loss", "accuracy"]].mean()
        )
        self._open()
        return self

    def predict_proba(self, examples: Examples) -> np.ndarray:
        """Mean of the members' softmax, float64 (n, 8)."""
        self._check_calibration(examples)
        self._check_inputs(examples)
        values = self._values(examples)
        total = np.zeros((len(examples), len(EMOTIONS)))
        for standardiser, weights in self._members:
            self._network.set_weights(weights)
            for start in range(0, len(values), CLIPS_AT_ONCE):
                part = slice(start, start + CLIPS_AT_ONCE)
                batch = np.stack([self._still(standardiser(value)) for value in values[part]])
                total[part] += self._network(batch, training=False)
        probabilities: np.ndarray = total / total.sum(axis=1, keepdims=True)
        return probabilities

    def save(self, folder: Path) -> None:
        """Write architecture.json, weights.npz (scaling and weights of every member) and facts.json."""
        write_facts(folder, self._fitted_facts())
        (folder / ARCHITECTURE_FILE).write_text(self._architecture, encoding="utf-8")
        arrays = {
            f"member_{number}_{name}": array
            for number, member in enumerate(self._members, start=1)
            for name, array in _named_arrays(member)
        }
        np.savez(folder / WEIGHTS_FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved network."""
        facts = read_facts(folder, cls.name)
        model = cls(cls.settings_type(**facts["hyper_parameters"]), facts["seed"])
        model.facts_ = facts
        model._architecture = (folder / ARCHITECTURE_FILE).read_text(encoding="utf-8")
        with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as arrays:
            model._members = [_member_from(arrays, number) for number in range(1, model.settings.members + 1)]
        model._open()
        return model

    def _fit_member(self, training: Examples, validation: Examples | None, seed: int, epochs: int) -> "pd.DataFrame":
        standardiser = Standardiser.learn(self._values(training))
        keras_ready(seed)
        network = self._build(self._values(training)[0].shape[-1])
        self._architecture = network.to_json()
        curve = train(
            network,
            self._part(training, standardiser),
            self._part(validation, standardiser) if validation else None,
            self._still,
            self._varied,
            self.settings,
            seed,
            epochs,
        )
        self._members.append(Member(standardiser, network.get_weights()))
        return curve

    def _part(self, examples: Examples, standardiser: Standardiser) -> Part:
        targets = np.eye(len(EMOTIONS), dtype=np.float32)[examples.labels]
        return Part([standardiser(value) for value in self._values(examples)], targets)

    def _open(self) -> None:
        self._network = import_keras().models.model_from_json(self._architecture)

    @abstractmethod
    def _values(self, examples: Examples) -> list[np.ndarray]:
        """Read what is needed of each clip, not yet standardised."""

    @abstractmethod
    def _build(self, width: int) -> Any:
        """Make a Keras model for standardised values whose last axis is this wide."""

    @abstractmethod
    def _check_inputs(self, examples: Examples) -> None:
        """Raise ValueError where these are not the inputs that were learned from."""

    def _still(self, value: np.ndarray) -> np.ndarray:
        return value

    def _varied(self, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG002
        return value


class NeuralNetwork(Network):
    """Dense layers on standardised functionals."""

    name: ClassVar[str] = "neural_network"
    settings: DenseSettings
    settings_type: ClassVar = DenseSettings

    def _values(self, examples: Examples) -> list[np.ndarray]:
        return list(examples.functionals)

    def _build(self, width: int) -> Any:
        return dense(self.settings, width, len(EMOTIONS))

    def _check_inputs(self, examples: Examples) -> None:
        self._check_features(examples)


class Cnn(Network):
    """Convolutions over time on log-mel sequences."""

    name: ClassVar[str] = "cnn"
    settings: ConvolutionSettings
    settings_type: ClassVar = ConvolutionSettings

    def _values(self, examples: Examples) -> list[np.ndarray]:
        # Calibrated sequences have no peak to refer to: how loud a clip is for its speaker is evidence.
        return list(examples.sequences) if examples.calibrated else list(map(under_peak, examples.sequences))

    def _build(self, width: int) -> Any:
        return convolutional(self.settings, width, len(EMOTIONS))

    def _check_inputs(self, examples: Examples) -> None:
        learned = self._fitted_facts()["mel_bands"]
        if any(sequence.shape[1] != learned for sequence in examples.sequences):
            raise ValueError(f"{self.name} learned from {learned} mel bands, and these clips have another number")

    def _still(self, value: np.ndarray) -> np.ndarray:
        return filled(value, self.settings.frames)

    def _varied(self, value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return varied(value, self.settings, rng)


class ComplexCnn(Cnn):
    """One convolution more, batch normalisation, and dense layers before the decision."""

    name: ClassVar[str] = "complex_cnn"
    settings_type: ClassVar = ComplexConvolutionSettings


def _named_arrays(member: Member) -> list[tuple[str, np.ndarray]]:
    weights = [(f"weight_{number:03d}", array) for number, array in enumerate(member.weights)]
    return [("mean", member.standardiser.mean), ("deviation", member.standardiser.deviation), *weights]


def _member_from(arrays: Any, number: int) -> Member:
    prefix = f"member_{number}_"
    weights = [arrays[key] for key in sorted(arrays.files) if key.startswith(f"{prefix}weight_")]
    return Member(Standardiser(arrays[f"{prefix}mean"], arrays[f"{prefix}deviation"]), weights)
