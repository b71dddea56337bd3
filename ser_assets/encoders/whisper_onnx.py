"""From the weights of a Whisper encoder to an encoder file: every block an output, any length up to 30 s."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ser_assets.encoders.whisper_weights import HEAD_SIZE, Affine, Block, WhisperWeights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

OPSET: Final = 20
IR_VERSION: Final = 9


def whisper_onnx(weights: WhisperWeights, metadata: dict[str, str], *, int8: bool) -> bytes:
    """Write an encoder file.

    The position table is cut to the clip, so that a short clip costs a short window. With `int8` the matrices are
    stored as 8-bit integers with one scale for each column, of which 7 bits are used: with 8, processors without VNNI
    overflow and give other results.

    Args:
        weights: of the encoder.
        metadata: `encoder`, `licence`, `training_data` and what else should be known of it.
        int8: store the matrices as integers.

    Returns:
        The ONNX file, the same bytes for the same weights.
    """
    import onnx

    model = _Graph(weights).model()
    if int8:
        model = _quantised(model)
    onnx.helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """The graph while it is being built: nodes and constants by name."""

    def __init__(self, weights: WhisperWeights) -> None:
        self.weights = weights
        self.dimensions = weights.positions.shape[1]
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def model(self) -> "ModelProto":
        from onnx import TensorProto, helper, numpy_helper

        current = self._entry()
        outputs = []
        for number, block in enumerate(self.weights.blocks, start=1):
            current = self._block(block, current, number)
            outputs.append(current)
        bands = self.weights.convolutions[0].weight.shape[1]
        shape = [1, "time", self.dimensions]
        graph = helper.make_graph(
            self.nodes,
            "whisper_encoder",
            [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, [1, bands, "frames"])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in outputs],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ser-assets")

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _constant(self, name: str, value: np.ndarray) -> str:
        self.constants.setdefault(name, value)
        return name

    def _entry(self) -> str:
        """The two convolutions, with the positions of as many frames as they give."""
        current = "log_mel"
        for number, (convolution, stride) in enumerate(zip(self.weights.convolutions, (1, 2), strict=True), start=1):
            name = f"conv{number}"
            weight = self._constant(f"{name}_weight", convolution.weight)
            bias = self._constant(f"{name}_bias", convolution.bias)
            made = self._node("Conv", [current, weight, bias], name, kernel_shape=[3], pads=[1, 1], strides=[stride])
            current = self._node("Gelu", [made], f"{name}_gelu")
        current = self._node("Transpose", [current], "frames", perm=[0, 2, 1])
        shape = self._node("Shape", [current], "shape")
        length = self._node("Gather", [shape, self._constant("one", np.array([1]))], "length")
        table = self._constant("position_table", self.weights.positions)
        zero = self._constant("zero", np.array([0]))
        positions = self._node("Slice", [table, zero, length, zero], "positions")
        return self._node("Add", [current, positions], "layer_00")

    def _block(self, block: Block, current: str, number: int) -> str:
        at = f"block_{number:02d}"
        normed = self._norm(block.attention_norm, current, f"{at}_attention_norm")
        heads = {
            name: self._heads(affine, normed, f"{at}_{name}", transposed=name == "key")
            for name, affine in (("query", block.query), ("key", block.key), ("value", block.value))
        }
        scores = self._node("MatMul", [heads["query"], heads["key"]], f"{at}_scores")
        scale = self._constant("scale", np.array(HEAD_SIZE**-0.5, np.float32))
        scaled = self._node("Mul", [scores, scale], f"{at}_scaled")
        attention = self._node("Softmax", [scaled], f"{at}_attention", axis=-1)
        mixed = self._node("MatMul", [attention, heads["value"]], f"{at}_mixed")
        back = self._node("Transpose", [mixed], f"{at}_back", perm=[0, 2, 1, 3])
        whole = self._constant("whole", np.array([0, 0, self.dimensions]))
        joined = self._node("Reshape", [back, whole], f"{at}_joined")
        current = self._node("Add", [current, self._affine(block.out, joined, f"{at}_out")], f"{at}_attended")
        normed = self._norm(block.ffn_norm, current, f"{at}_ffn_norm")
        hidden = self._node("Gelu", [self._affine(block.first, normed, f"{at}_first")], f"{at}_hidden")
        return self._node("Add", [current, self._affine(block.second, hidden, f"{at}_second")], f"layer_{number:02d}")

    def _norm(self, norm: Affine, current: str, name: str) -> str:
        weight = self._constant(f"{name}_weight", norm.weight)
        bias = self._constant(f"{name}_bias", norm.bias)
        return self._node("LayerNormalization", [current, weight, bias], name, axis=-1, epsilon=1e-5)

    def _affine(self, affine: Affine, current: str, name: str) -> str:
        weight = self._constant(f"{name}_weight", affine.weight.T)
        product = self._node("MatMul", [current, weight], f"{name}_product")
        return self._node("Add", [product, self._constant(f"{name}_bias", affine.bias)], name)

    def _heads(self, affine: Affine, current: str, name: str, *, transposed: bool) -> str:
        heads = self._constant("heads", np.array([0, 0, self.dimensions // HEAD_SIZE, HEAD_SIZE]))
        split = self._node("Reshape", [self._affine(affine, current, name), heads], f"{name}_split")
        return self._node("Transpose", [split], f"{name}_heads", perm=[0, 2, 3, 1] if transposed else [0, 2, 1, 3])


def _quantised(model: "ModelProto") -> "ModelProto":
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        onnx.save(model, whole)
        quantize_dynamic(
            whole,
            small,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(small)
