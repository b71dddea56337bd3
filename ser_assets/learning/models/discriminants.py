"""Directions among the functionals in which emotions differ and speakers do not."""

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ser_assets.learning.data.standardiser import LARGEST_DEVIATION, Standardiser

if TYPE_CHECKING:
    from onnx import ModelProto

SHRINKAGE: Final = 0.3


class Discriminants(NamedTuple):
    """A projection of functionals onto directions.

    Attributes:
        standardiser: of the functionals, learned from the training rows.
        directions: float32 (F, D).
    """

    standardiser: Standardiser
    directions: np.ndarray

    @classmethod
    def learn(cls, functionals: np.ndarray, labels: np.ndarray, count: int) -> "Discriminants":
        """Find up to `count` directions: whiten what varies within an emotion, keep what varies most after that.

        Within-class covariance normalisation (Hatch et al. 2006, Interspeech, "Within-class covariance normalization
        for SVM-based speaker recognition"), its covariance shrunken towards a sphere as there are more functionals than
        speakers, and principal components. Unlike linear discriminants there may be more of them than emotions.

        Args:
            functionals: float32 (n, F).
            labels: int64 (n,).
            count: of directions at most.
        """
        from threadpoolctl import threadpool_limits

        # With more threads sums are taken in another order, and the directions would depend on the machine's cores.
        with threadpool_limits(1):
            return cls._learn(functionals, labels, count)

    @classmethod
    def _learn(cls, functionals: np.ndarray, labels: np.ndarray, count: int) -> "Discriminants":
        from scipy.linalg import eigh

        standardiser = Standardiser.learn([functionals])
        values = standardiser(functionals).astype(np.float64)
        width = values.shape[1]
        # Fewer clips than functionals span a room of fewer dimensions, outside of which nothing varies.
        basis = np.linalg.qr(values.T)[0] if len(values) < width else None
        values = values if basis is None else values @ basis
        classes, of_class = np.unique(labels, return_inverse=True)
        means = np.stack([values[of_class == number].mean(axis=0) for number in range(len(classes))])
        within = values - means[of_class]
        covariance = within.T @ within / len(within)
        # With one clip of each emotion nothing varies within one.
        sphere = np.trace(covariance) / width or 1.0
        shrunken = (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere * np.eye(len(covariance))
        centred = values - values.mean(axis=0)
        # Those in which all varies most for what varies within: the largest solutions of a generalised eigenproblem.
        dimensions = values.shape[1]
        first = max(0, dimensions - count)
        found = eigh(centred.T @ centred / len(centred), shrunken, subset_by_index=(first, dimensions - 1))[1]
        directions = (found if basis is None else basis @ found)[:, ::-1]
        largest = np.abs(directions).argmax(axis=0)
        signs = np.sign(directions[largest, np.arange(directions.shape[1])])
        return cls(standardiser, (directions * signs).astype(np.float32))

    def __call__(self, functionals: np.ndarray) -> np.ndarray:
        """Project functionals, float32 (n, D)."""
        projected: np.ndarray = self.standardiser(functionals) @ self.directions
        return projected

    def shares(self) -> np.ndarray:
        """What each functional has of each direction: its squared weight, float64 (F, D), columns sum to 1."""
        squares = np.square(self.directions.astype(np.float64))
        shares: np.ndarray = squares / squares.sum(axis=0)
        return shares

    def onnx(self, entry: str, exit_: str, opset: int, ir_version: int) -> "ModelProto":
        """Write the projection as an ONNX model from `entry` to `exit_`."""
        from onnx import TensorProto, helper, numpy_helper

        limits = {"lowest": np.float32(-LARGEST_DEVIATION), "highest": np.float32(LARGEST_DEVIATION)}
        constants = {**self.standardiser._asdict(), "directions": self.directions, **limits}
        nodes = [
            helper.make_node("Sub", [entry, "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "deviation"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "lowest", "highest"], ["standardised"]),
            helper.make_node("MatMul", ["standardised", "directions"], [exit_]),
        ]
        width, count = self.directions.shape
        graph = helper.make_graph(
            nodes,
            "discriminants",
            [helper.make_tensor_value_info(entry, TensorProto.FLOAT, [None, width])],
            [helper.make_tensor_value_info(exit_, TensorProto.FLOAT, [None, count])],
            [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
