"""A committee of Keras networks as one ONNX graph: each member's scaling and layers, and the mean of their softmax.

Written layer by layer, for the few kinds of layer that `architectures` builds with: the general converter, tf2onnx,
looks for a maintainer and is patched by Keras before it runs (keras-team/keras pull request 20725).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

    from ser_assets.learning.data.standardiser import Standardiser

INPUT: Final = "clips"
OUTPUT: Final = "probabilities"
OPSET: Final = 18
IR_VERSION: Final = 9

SILENT_IN_USE: Final = ("Dropout", "SpatialDropout1D", "GaussianNoise")


class Member(NamedTuple):
    """A trained Keras network and the scaling of what it reads."""

    standardiser: "Standardiser"
    network: Any


def committee_onnx(members: Sequence[Member], largest_deviation: float) -> bytes:
    """Write members that read the same input as one graph from `INPUT` to `OUTPUT`.

    Args:
        members: at least one. The input is float32 (clips, ...) in the units that the standardisers learned; the output
            float32 (clips, emotions), rows sum to 1.
        largest_deviation: standardised values are cut here.

    Raises:
        NotImplementedError: a network has a layer that is not written down here.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    outputs = [graph.member(f"member_{number}", member, largest_deviation) for number, member in enumerate(members, 1)]
    graph.add("Mean", outputs, OUTPUT)
    network = members[0].network
    entry = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["clips", *network.input_shape[1:]])
    exit_ = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["clips", network.output_shape[-1]])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "committee", [entry], [exit_], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="ser-assets",
    )
    checker.check_model(model, full_check=True)
    onnx: bytes = model.SerializeToString(deterministic=True)
    return onnx


class _Graph:
    """Nodes and constants as they are written down; every value has a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, operator: str, inputs: Iterable[str], output: str, **attributes: Any) -> str:
        """Write a node with one output, and hand out the name of it."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, list(inputs), [output], output, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Write a constant, real numbers as float32."""
        from onnx import numpy_helper

        values = np.asarray(values)
        kept = values if values.dtype == np.int64 else values.astype(np.float32)
        self.constants.append(numpy_helper.from_array(kept, name))
        return name

    def member(self, name: str, member: Member, largest_deviation: float) -> str:
        """Write one member; hand out the name of its probabilities."""
        centred = self.add("Sub", [INPUT, self.constant(f"{name}/mean", member.standardiser.mean)], f"{name}/centred")
        deviation = self.constant(f"{name}/deviation", member.standardiser.deviation)
        scaled = self.add("Div", [centred, deviation], f"{name}/scaled")
        limits = [self.constant(f"{name}/{side}", np.array(sign * largest_deviation)) for side, sign in _LIMITS]
        values = {id(member.network.inputs[0]): self.add("Clip", [scaled, *limits], f"{name}/standardised")}
        for layer in member.network.layers:
            kind = type(layer).__name__
            if kind == "InputLayer":
                continue
            sources = layer.input if isinstance(layer.input, list) else [layer.input]
            inputs = [values[id(source)] for source in sources]
            if kind not in _WRITERS:
                raise NotImplementedError(f"no ONNX form is written down for the layer {layer.name} ({kind})")
            values[id(layer.output)] = _WRITERS[kind](self, f"{name}/{layer.name}", layer, inputs)
        return values[id(member.network.outputs[0])]


_LIMITS: Final = (("lowest", -1), ("highest", 1))


def _same(_graph: _Graph, _name: str, _layer: Any, inputs: list[str]) -> str:
    return inputs[0]


def _activation(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    return _activated(graph, name, layer.activation.__name__, inputs[0])


def _activated(graph: _Graph, name: str, activation: str, value: str) -> str:
    if activation == "linear":
        return value
    operator = {"relu": "Relu", "softmax": "Softmax"}[activation]
    return graph.add(operator, [value], f"{name}/{activation}", **({"axis": -1} if operator == "Softmax" else {}))


def _dense(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = layer.get_weights()
    value = graph.add("MatMul", [inputs[0], graph.constant(f"{name}/kernel", kernel)], f"{name}/product")
    if bias:
        value = graph.add("Add", [value, graph.constant(f"{name}/bias", bias[0])], f"{name}/sum")
    return _activated(graph, name, layer.activation.__name__, value)


def _batch_normalisation(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    gain, shift, mean, variance = (weights.astype(np.float64) for weights in layer.get_weights())
    factor = gain / np.sqrt(variance + layer.epsilon)
    value = graph.add("Mul", [inputs[0], graph.constant(f"{name}/factor", factor)], f"{name}/scaled")
    return graph.add("Add", [value, graph.constant(f"{name}/shift", shift - mean * factor)], f"{name}/shifted")


def _convolution(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = layer.get_weights()
    weights = [graph.constant(f"{name}/kernel", kernel.transpose(2, 1, 0))]
    weights += [graph.constant(f"{name}/bias", values) for values in bias]
    value = graph.add(
        "Conv",
        [_time_last(graph, name, inputs[0]), *weights],
        f"{name}/convolved",
        auto_pad="SAME_UPPER",
        strides=list(layer.strides),
        dilations=list(layer.dilation_rate),
    )
    return _activated(graph, name, layer.activation.__name__, _time_first(graph, name, value))


def _max_pooling(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    value = graph.add(
        "MaxPool",
        [_time_last(graph, name, inputs[0])],
        f"{name}/pooled",
        kernel_shape=list(layer.pool_size),
        strides=list(layer.strides),
        auto_pad="SAME_UPPER",
    )
    return _time_first(graph, name, value)


def _over_time(operator: str) -> "Writer":
    def write(graph: _Graph, name: str, _layer: Any, inputs: list[str]) -> str:
        axes = graph.constant(f"{name}/axes", np.array([1], np.int64))
        return graph.add(operator, [inputs[0], axes], f"{name}/over_time", keepdims=0)

    return write


def _deviation_over_time(graph: _Graph, name: str, layer: Any, inputs: list[str]) -> str:
    axes = graph.constant(f"{name}/axes", np.array([1], np.int64))
    mean = graph.add("ReduceMean", [inputs[0], axes], f"{name}/mean", keepdims=1)
    centred = graph.add("Sub", [inputs[0], mean], f"{name}/centred")
    squared = graph.add("Mul", [centred, centred], f"{name}/squared")
    variance = graph.add("ReduceMean", [squared, axes], f"{name}/variance", keepdims=0)
    floored = graph.add("Add", [variance, graph.constant(f"{name}/floor", np.array(layer.floor))], f"{name}/floored")
    return graph.add("Sqrt", [floored], f"{name}/deviation")


def _elementwise(operator: str, **attributes: Any) -> "Writer":
    def write(graph: _Graph, name: str, _layer: Any, inputs: list[str]) -> str:
        return graph.add(operator, inputs, f"{name}/{operator.lower()}", **attributes)

    return write


def _time_last(graph: _Graph, name: str, value: str) -> str:
    return graph.add("Transpose", [value], f"{name}/time_last", perm=[0, 2, 1])


def _time_first(graph: _Graph, name: str, value: str) -> str:
    return graph.add("Transpose", [value], f"{name}/time_first", perm=[0, 2, 1])


Writer = Callable[[_Graph, str, Any, list[str]], str]

_WRITERS: Final[dict[str, Writer]] = {
    **dict.fromkeys(SILENT_IN_USE, _same),
    "Activation": _activation,
    "Dense": _dense,
    "BatchNormalization": _batch_normalisation,
    "Conv1D": _convolution,
    "MaxPooling1D": _max_pooling,
    "GlobalAveragePooling1D": _over_time("ReduceMean"),
    "GlobalMaxPooling1D": _over_time("ReduceMax"),
    "DeviationOverTime": _deviation_over_time,
    "Concatenate": _elementwise("Concat", axis=-1),
    "Add": _elementwise("Add"),
}
