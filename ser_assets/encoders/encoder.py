"""An encoder file and what it makes of a clip.

The contract of a file: an ONNX graph with one input, `log_mel` (1, bands, frames) or `samples` (1, samples) at 16 kHz,
and one output `layer_NN` (1, time, dimensions) for each layer, numbered from 01. Its metadata `encoder` names it;
`licence` and `training_data` go into model cards. Clips go in one by one: nothing of a clip depends on another one.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ser_assets.audio.decoding.mono import resample
from ser_assets.encoders.log_mel import SAMPLING_RATE, log_mel
from ser_assets.encoders.names import EncoderError, EncoderIdentity

WINDOW_SECONDS: Final = 30
"""Longest window of an encoder, in s: positions of Whisper end there."""
SHORTEST_SAMPLES: Final = 1600
"""A shorter clip is padded with zeros at its end."""
MOST_LAYERS: Final = 8
"""Of a deeper encoder so many layers are kept, evenly spaced."""


class Embedding(NamedTuple):
    """One clip as an encoder has it, pooled over time.

    Attributes:
        encoder: that made it.
        layers: numbers of the layers.
        mean: float32 (layers, dimensions), as exact as a 16-bit float.
        deviation: the same.
    """

    encoder: EncoderIdentity
    layers: tuple[int, ...]
    mean: np.ndarray
    deviation: np.ndarray

    @property
    def vector(self) -> np.ndarray:
        """Mean and deviation, layer by layer, float32 (2 * layers * dimensions,); `embedding_names` names them."""
        return np.stack([self.mean, self.deviation], axis=1).ravel()


class Encoder:
    """An open encoder file; predictions take one thread, so that sums are the same on every machine."""

    def __init__(self, path: Path, expected: str | None = None) -> None:
        """Open a file.

        Args:
            path: of the ONNX file.
            expected: the SHA-256 that it must have, if any.

        Raises:
            EncoderError: there is no such file, it has changed, or it does not keep the contract.
        """
        try:
            onnx = path.read_bytes()
        except OSError as error:
            raise EncoderError(
                f"the encoder {path} cannot be read ({error.strerror}): set SER_ENCODER to an ONNX file, or to `none`"
            ) from error
        digest = hashlib.sha256(onnx).hexdigest()
        if expected and digest != expected:
            raise EncoderError(
                f"the encoder {path} has changed: its SHA-256 is {digest[:12]}…, and {expected[:12]}… is needed: "
                "put the file back that was there before"
            )
        self.path = path
        self.size = len(onnx)
        """Size of the file, in bytes."""
        self._session = self._opened(onnx)
        self.layers = kept_layers([output.name for output in self._session.get_outputs()])
        """Numbers of the layers that are kept."""
        self._outputs = [f"layer_{number:02d}" for number in self.layers]
        self._entry = self._session.get_inputs()[0]
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.identity = EncoderIdentity(metadata.get("encoder", path.stem), digest)
        self.metadata: Mapping[str, str] = metadata
        if not self.layers or self._entry.name not in ("log_mel", "samples"):
            raise EncoderError(
                f"{path} is no encoder: it needs an input `log_mel` or `samples` and outputs layer_01, layer_02 and so "
                "on; docs/encoders.md states the contract"
            )

    @cached_property
    def dimensions(self) -> int:
        """Size of a layer's output."""
        return int(self._session.get_outputs()[0].shape[-1])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values of an embedding's vector."""
        return embedding_names(self.layers, self.dimensions)

    def embed(self, samples: np.ndarray, sampling_rate: int) -> Embedding:
        """Run the encoder over a clip and pool each kept layer over time.

        Args:
            samples: float32 (samples,).
            sampling_rate: of the samples, in Hz.
        """
        speech = resample(samples, sampling_rate, SAMPLING_RATE)
        if len(speech) < SHORTEST_SAMPLES:
            speech = np.pad(speech, (0, SHORTEST_SAMPLES - len(speech)))
        frames = 0
        total: np.ndarray | float = 0.0
        squares: np.ndarray | float = 0.0
        for window in windows(speech):
            layers = np.stack(self._run(window)).astype(np.float64)
            frames += layers.shape[1]
            total = total + layers.sum(axis=1)
            squares = squares + np.square(layers).sum(axis=1)
        mean = np.asarray(total) / frames
        variance = np.maximum(np.asarray(squares) / frames - np.square(mean), 0.0)
        # Rounded here, so that a prediction reads the same values as are stored for training.
        rounded = (values.astype(np.float16).astype(np.float32) for values in (mean, np.sqrt(variance)))
        return Embedding(self.identity, self.layers, *rounded)

    def _run(self, window: np.ndarray) -> list[np.ndarray]:
        """Outputs of the kept layers, each float32 (time, dimensions)."""
        read = log_mel(window, int(self._entry.shape[1])) if self._entry.name == "log_mel" else window
        outputs = self._session.run(self._outputs, {self._entry.name: read[np.newaxis]})
        return [output[0] for output in outputs]

    def _opened(self, onnx: bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a type of its own for each reason.
            raise EncoderError(f"{self.path} is no ONNX file that can be opened: {error}") from error


def windows(speech: np.ndarray) -> list[np.ndarray]:
    """Cut speech at 16 kHz into windows of equal length, each of 30 s at most.

    Examples:
        >>> [len(window) / 16000 for window in windows(np.zeros(70 * 16000))]
        [23.333375, 23.3333125, 23.3333125]
    """
    count = math.ceil(len(speech) / (WINDOW_SECONDS * SAMPLING_RATE))
    return np.array_split(speech, max(1, count))


def kept_layers(outputs: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the layers to keep: all, or `MOST_LAYERS` evenly spaced ones of a deeper encoder.

    Examples:
        >>> kept_layers(["layer_01", "layer_02", "norm"])
        (1, 2)
        >>> kept_layers([f"layer_{number:02d}" for number in range(1, 25)])
        (3, 6, 9, 12, 15, 18, 21, 24)
    """
    numbers = sorted(int(found[1]) for name in outputs if (found := re.fullmatch(r"layer_(\d\d)", name)))
    if len(numbers) <= MOST_LAYERS:
        return tuple(numbers)
    places = np.linspace(len(numbers) / MOST_LAYERS, len(numbers), MOST_LAYERS).round().astype(int) - 1
    return tuple(numbers[place] for place in places)


def embedding_names(layers: Sequence[int], dimensions: int) -> tuple[str, ...]:
    """Names of the values of `Embedding.vector`.

    Examples:
        >>> embedding_names((2,), 2)
        ('layer_02_mean_0', 'layer_02_mean_1', 'layer_02_deviation_0', 'layer_02_deviation_1')
    """
    return tuple(
        f"layer_{layer:02d}_{statistic}_{number}"
        for layer in layers
        for statistic in ("mean", "deviation")
        for number in range(dimensions)
    )
