"""Logistic regressions on the layers of a frozen, pretrained speech encoder."""

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Self

import numpy as np

from ser_assets.learning.data.embeddings import Embeddings
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table, probability_array, true_labels
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.learning.data.standardiser import LARGEST_DEVIATION, Standardiser
from ser_assets.learning.data.temperature import SMALLEST_PROBABILITY
from ser_assets.learning.models.base import EmotionModel, FitResult
from ser_assets.learning.models.graph_inputs import with_all_emotions
from ser_assets.learning.models.settings import PretrainedEncoderSettings
from ser_assets.learning.protocols.protocols import validation_parts

if TYPE_CHECKING:
    import pandas as pd

OPSET: Final = 18
IR_VERSION: Final = 9
MOST_ITERATIONS: Final = 200


class PretrainedEncoder(EmotionModel):
    """The mean of the log-probabilities of one multinomial logistic regression for each layer of the encoder.

    The encoder stays as it was published. Emotions count alike. The strength of the regularisation is the one with the
    lowest log loss on held-out actors; their predictions then fit the temperature.
    """

    name: str = "pretrained_encoder"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "onnx")
    settings: PretrainedEncoderSettings
    settings_type: ClassVar = PretrainedEncoderSettings
    reads: ClassVar[str] = EMBEDDINGS

    def __init__(self, settings: PretrainedEncoderSettings | None = None, seed: int = 42) -> None:
        super().__init__(settings, seed)

    @classmethod
    def brief(cls, seed: int) -> Self:
        """Make a model with one strength and one part of validation actors."""
        return cls(PretrainedEncoderSettings(strengths=(0.01,), validation_parts=1), seed)

    def _learn(self, training: Examples) -> FitResult:
        strengths = self.settings.strengths
        predictions = self._validation_predictions(training)
        losses = [_log_loss(predictions[strength]) for strength in strengths]
        chosen = strengths[int(np.argmin(losses))]
        fitted = LayerRegressions.learn(training, chosen)
        facts = {"classes": fitted.classes.tolist(), "strength": chosen}
        return FitResult(fitted.onnx(), predictions[chosen], facts)

    def _validation_predictions(self, training: Examples) -> "dict[float, pd.DataFrame]":
        """Predictions for held-out actors, with each strength."""
        import pandas as pd

        no_takes = prediction_table(training.subset(np.empty(0, np.int64)), np.empty((0, len(training.emotions))))
        tables = {strength: [no_takes] for strength in self.settings.strengths}
        for split in validation_parts(training.rows, self.settings.validation_parts, self.seed, training.left_out):
            learned = split.training_examples(training) if split else None
            if split is None or learned is None or learned.rows["emotion"].nunique() < 2:
                continue
            held_out = split.test_examples(training)
            for strength, own in tables.items():
                fitted = LayerRegressions.learn(learned, strength)
                shares = fitted.predict(held_out[self.reads].values)
                own.append(
                    prediction_table(held_out, with_all_emotions(shares, fitted.classes, len(training.emotions)))
                )
        return {strength: pd.concat(own, ignore_index=True) for strength, own in tables.items()}


class LayerRegressions(NamedTuple):
    """One fitted regression for each layer.

    Attributes:
        standardiser: of the embeddings, learned from the training rows.
        weights: float32 (layers, values of a layer, classes).
        biases: float32 (layers, 1, classes).
        classes: index of the emotion of each class.
    """

    standardiser: Standardiser
    weights: np.ndarray
    biases: np.ndarray
    classes: np.ndarray

    @classmethod
    def learn(cls, training: Examples, strength: float) -> "LayerRegressions":
        """Fit one regression for each layer.

        Args:
            training: rows that have an embedding.
            strength: inverse of the regularisation, scikit-learn's `C`.
        """
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        embeddings: Embeddings = training[EMBEDDINGS]
        standardiser = Standardiser.learn([embeddings.values])
        layers = _by_layer(standardiser(embeddings.values), len(embeddings.layers))
        # With more threads sums are taken in another order, and the weights would depend on the machine's cores.
        with threadpool_limits(1):
            fitted = [
                LogisticRegression(C=strength, class_weight="balanced", max_iter=MOST_ITERATIONS, tol=1e-3).fit(
                    layer, training.labels
                )
                for layer in layers
            ]
        classes = fitted[0].classes_
        each = [_multinomial(model.coef_, model.intercept_) for model in fitted]
        weights = np.stack([weight.T for weight, _ in each]).astype(np.float32)
        biases = np.stack([bias[np.newaxis] for _, bias in each]).astype(np.float32)
        return cls(standardiser, weights, biases, classes)

    def predict(self, embeddings: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, (n, classes), as the graph gives them."""
        from scipy.special import log_softmax, softmax

        layers = _by_layer(self.standardiser(embeddings), len(self.weights))
        shares: np.ndarray = softmax(log_softmax(layers @ self.weights + self.biases, axis=-1).mean(axis=0), axis=-1)
        return shares

    def onnx(self) -> bytes:
        """Write the graph, from embeddings (n, F) to probabilities (n, classes)."""
        from onnx import TensorProto, helper, numpy_helper

        layers, values, classes = self.weights.shape
        constants = {
            **self.standardiser._asdict(),
            "lowest": np.float32(-LARGEST_DEVIATION),
            "highest": np.float32(LARGEST_DEVIATION),
            "shape": np.array([0, layers, values]),
            "weights": self.weights,
            "biases": self.biases,
            "layer_axis": np.array([0]),
        }
        nodes = [
            helper.make_node("Sub", ["embeddings", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "lowest", "highest"], ["standardised"]),
            helper.make_node("Reshape", ["standardised", "shape"], ["clips"]),
            helper.make_node("Transpose", ["clips"], ["layers"], perm=[1, 0, 2]),
            helper.make_node("MatMul", ["layers", "weights"], ["products"]),
            helper.make_node("Add", ["products", "biases"], ["logits"]),
            helper.make_node("LogSoftmax", ["logits"], ["logarithms"], axis=-1),
            helper.make_node("ReduceMean", ["logarithms", "layer_axis"], ["pooled"], keepdims=0),
            helper.make_node("Softmax", ["pooled"], ["probabilities"], axis=-1),
        ]
        graph = helper.make_graph(
            nodes,
            "pretrained_encoder",
            [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [None, layers * values])],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes])],
            [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString(deterministic=True))


def _by_layer(values: np.ndarray, layers: int) -> np.ndarray:
    """Values of clips, (n, F), by layer, (layers, n, F / layers)."""
    return values.reshape(len(values), layers, -1).transpose(1, 0, 2)


def _multinomial(weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias of every class: with two classes scikit-learn keeps those of the second alone."""
    if len(weights) > 1:
        return weights, bias
    return np.vstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2


def _log_loss(predictions: "pd.DataFrame") -> float:
    """Mean log loss; 0 without predictions, so that the first strength is chosen."""
    if predictions.empty:
        return 0.0
    chances = probability_array(predictions)[np.arange(len(predictions)), true_labels(predictions)]
    return float(-np.log(np.maximum(chances, SMALLEST_PROBABILITY)).mean())
