"""Three models made of networks: a dense one on functionals, two that convolve over time on sequences."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.data.sequences import fix_length, network_input
from ser_assets.learning.data.set_names import MEL_SEQUENCES
from ser_assets.learning.data.standardiser import LARGEST_DEVIATION, Standardiser
from ser_assets.learning.models.base import EmotionModel, FitResult
from ser_assets.learning.models.networks.architectures import convolutional, dense
from ser_assets.learning.models.networks.keras_runtime import reset_keras
from ser_assets.learning.models.networks.onnx_export import Member, committee_onnx
from ser_assets.learning.models.networks.spec_augment import SpecAugment
from ser_assets.learning.models.networks.training import TrainingSet, TrainInputs, ValidationSet, train
from ser_assets.learning.models.settings import ComplexConvolutionSettings, ConvolutionSettings, DenseSettings
from ser_assets.learning.protocols.protocols import validation_parts

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.protocols.splits import Split


class _Trained(NamedTuple):
    member: Member
    validation_predictions: "pd.DataFrame"
    curve: "pd.DataFrame"


class Network(EmotionModel):
    """A committee: each member leaves other actors of the training rows out and is watched by how it does on them.

    The probabilities of the members are averaged.
    """

    libraries: ClassVar[tuple[str, ...]] = ("tensorflow", "keras", "numpy", "onnx", "onnxruntime")

    @classmethod
    def brief(cls, seed: int) -> Self:
        """Make a network of one member that trains for two epochs."""
        return cls(cls.settings_type(members=1, epochs=2), seed)

    def _learn(self, training: Examples) -> FitResult:
        import pandas as pd

        parts = validation_parts(training.rows, self.settings.members, self.seed, training.left_out)
        trained = [self._train_member(training, split, number) for number, split in enumerate(parts)]
        curves = pd.concat([member.curve for member in trained])
        return FitResult(
            committee_onnx([member.member for member in trained], LARGEST_DEVIATION),
            pd.concat([member.validation_predictions for member in trained], ignore_index=True),
            self._input_facts(),
            curves.groupby(["epoch", "subset"], as_index=False, sort=True)[["loss", "accuracy"]].mean(),
        )

    def _train_member(self, training: Examples, split: "Split | None", number: int) -> _Trained:
        learned = split.training_examples(training) if split else training
        watched = split.test_examples(training) if split else training.subset(np.empty(0, np.int64))
        seed = self.seed + number
        inputs = self._inputs_each(learned)
        standardiser = Standardiser.learn(inputs)
        reset_keras(seed)
        network = self._build(inputs[0].shape[-1], len(training.emotions))
        train_inputs = self._train_inputs([standardiser(values) for values in inputs])
        validation = None
        if len(watched):
            evaluated = [self._eval_input(standardiser(values)) for values in self._inputs_each(watched)]
            validation = ValidationSet(np.stack(evaluated), _one_hot(watched))
        curve = train(network, TrainingSet(train_inputs, _one_hot(learned)), validation, self.settings, seed)
        predicted = np.empty((0, len(training.emotions)))
        if validation:
            predicted = np.asarray(network(validation.inputs, training=False))
        return _Trained(Member(standardiser, network), prediction_table(watched, predicted), curve)

    @abstractmethod
    def _inputs_each(self, clips: Features) -> list[np.ndarray]:
        """Read what is needed of each clip, not yet standardised."""

    @abstractmethod
    def _build(self, width: int, emotions: int) -> Any:
        """Make a Keras model of so many outputs for standardised values whose last axis is this wide."""

    def _input_facts(self) -> dict[str, int]:
        """Facts by which `graph_inputs.graph_inputs` makes the same inputs."""
        return {}

    def _eval_input(self, values: np.ndarray) -> np.ndarray:
        """The network's input for the standardised values of a clip, as evaluated."""
        return values

    @abstractmethod
    def _train_inputs(self, values: list[np.ndarray]) -> TrainInputs:
        """The network's inputs for the standardised values of clips, as trained on."""


def _one_hot(examples: Examples) -> np.ndarray:
    targets: np.ndarray = np.eye(len(examples.emotions), dtype=np.float32)[examples.labels]
    return targets


class NeuralNetwork(Network):
    """Dense layers on standardised functionals."""

    name: str = "neural_network"
    settings: DenseSettings
    settings_type: ClassVar = DenseSettings

    def _inputs_each(self, clips: Features) -> list[np.ndarray]:
        return list(clips[self.reads].values)

    def _build(self, width: int, emotions: int) -> Any:
        return dense(self.settings, width, emotions)

    def _train_inputs(self, values: list[np.ndarray]) -> TrainInputs:
        vectors = np.stack(values)
        return lambda order, _: vectors[order]


class Cnn(Network):
    """Convolutions over time on log-mel and pitch sequences."""

    name: str = "cnn"
    reads: ClassVar = MEL_SEQUENCES
    settings: ConvolutionSettings
    settings_type: ClassVar = ConvolutionSettings

    def _inputs_each(self, clips: Features) -> list[np.ndarray]:
        return [network_input(sequence, clips.speaker_normalised) for sequence in clips[self.reads].values]

    def _build(self, width: int, emotions: int) -> Any:
        return convolutional(self.settings, width, emotions)

    def _input_facts(self) -> dict[str, int]:
        return {"frames": self.settings.frames}

    def _eval_input(self, values: np.ndarray) -> np.ndarray:
        return fix_length(values, self.settings.frames)

    def _train_inputs(self, values: list[np.ndarray]) -> TrainInputs:
        return SpecAugment(values, self.settings)


class ComplexCnn(Cnn):
    """The same, wider, and trained for longer."""

    name: str = "complex_cnn"
    settings_type: ClassVar = ComplexConvolutionSettings
