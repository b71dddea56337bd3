"""From a speech model in torch to an encoder file, which is compared with torch before it is used."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ser_assets.encoders.encoder import SHORTEST_SAMPLES, WINDOW_SECONDS, EncoderError
from ser_assets.encoders.log_mel import SAMPLING_RATE

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET: Final = 20
TOLERANCE: Final = 1e-4
"""Greatest difference from torch's hidden states, relative to their size."""
NORMALISING_EPSILON: Final = 1e-7
"""As in `Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm` of transformers."""
_VERBOSE_LOGGERS: Final = ("torch", "transformers", "huggingface_hub", "onnxscript", "onnx_ir")
_REMEDY: Final = "take another model, or the versions of torch and transformers in constraints.txt"


def exported(model: Any, source: str, metadata: dict[str, str], *, normalised: bool) -> bytes:
    """Export the hidden state after each block of a model, for clips of any length up to a window.

    Args:
        model: of transformers, with `encoder.layers`, that takes samples (1, samples).
        source: what messages call it.
        metadata: of the file.
        normalised: give each clip zero mean and unit variance first.

    Returns:
        The ONNX file.

    Raises:
        EncoderError: torch cannot export the model, or the file gives other hidden states than torch.
    """
    import torch

    with torch.no_grad():
        module = _hidden_states(model, normalised=normalised)
        graph = _graph(module, source, len(model.encoder.layers))
        _tidy(graph, metadata)
        content = bytes(graph.SerializeToString(deterministic=True))
        _compare(content, module, source)
    return content


def difference(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """Greatest difference of two lists of layers, relative to each layer's size.

    It is the greater one of the maximum and of the mean: the few huge dimensions of such models hide nothing.

    Examples:
        >>> difference([np.array([1.0, 2.0])], [np.array([1.0, 4.0])])
        0.5
    """
    if [layer.shape for layer in found] != [layer.shape for layer in expected]:
        return float("inf")
    ratios = [
        size(np.abs(own - other)) / size(np.abs(other))
        for own, other in zip(found, expected, strict=True)
        for size in (np.max, np.mean)
    ]
    return float(np.max(ratios))


def _hidden_states(model: Any, *, normalised: bool) -> Any:
    """A module from samples (1, samples) to the hidden state after each block."""
    import torch

    class HiddenStates(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, samples: Any) -> Any:
            if normalised:
                centred = samples - samples.mean(dim=-1, keepdim=True)
                variance = centred.square().mean(dim=-1, keepdim=True)
                samples = centred / torch.sqrt(variance + NORMALISING_EPSILON)
            return self.model(samples, output_hidden_states=True).hidden_states[1:]

    return HiddenStates().eval()


def _graph(module: Any, source: str, layers: int) -> "ModelProto":
    import torch

    length = torch.export.Dim("samples", min=SHORTEST_SAMPLES, max=WINDOW_SECONDS * SAMPLING_RATE)
    try:
        program = torch.onnx.export(
            module,
            (torch.from_numpy(_clips()[0][np.newaxis]),),
            dynamo=True,
            input_names=["samples"],
            output_names=[f"layer_{number:02d}" for number in range(1, layers + 1)],
            dynamic_shapes=({1: length},),
            opset_version=OPSET,
            verbose=False,
        )
    except Exception as error:  # torch raises a type of its own for each step of the export.
        reason = str(error).strip().splitlines()[0]
        raise EncoderError(f"{source} cannot be exported by torch {torch.__version__} ({reason}): {_REMEDY}") from error
    graph: ModelProto = program.model_proto
    return graph


def _tidy(model: "ModelProto", metadata: dict[str, str]) -> None:
    """Name axes and encoder, and leave out what the exporter noted of this machine."""
    from onnx import helper

    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[1].dim_param = "samples" if value.name == "samples" else "time"
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *model.functions):
        del part.metadata_props[:]
    del graph.value_info[:]
    helper.set_model_props(model, dict(sorted(metadata.items())))


def _compare(content: bytes, module: Any, source: str) -> None:
    """Raise EncoderError where the file gives other hidden states than torch."""
    import onnxruntime
    import torch

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for clip in _clips():
        expected = [layer.numpy() for layer in module(torch.from_numpy(clip[np.newaxis]))]
        found = difference(session.run(None, {"samples": clip[np.newaxis]}), expected)
        if not found <= TOLERANCE:
            raise EncoderError(
                f"the export of {source} differs from torch by {found:.1e} of its hidden states, and {TOLERANCE:.0e} "
                f"is allowed: {_REMEDY}"
            )


def _clips() -> list[np.ndarray]:
    """Two clips to compare on: noise of 0.7 s, and a tone in noise of 2.3 s, float32 at 16 kHz."""
    rng = np.random.default_rng(0)
    short, long = (rng.normal(0, 0.05, round(seconds * SAMPLING_RATE)) for seconds in (0.7, 2.3))
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(len(long)) / SAMPLING_RATE)
    return [short.astype(np.float32), (long + tone).astype(np.float32)]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without remarks of transformers and of the exporter on what is not needed."""
    loggers = [logging.getLogger(name) for name in _VERBOSE_LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
