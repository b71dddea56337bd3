"""What the networks look like, as Keras graphs of layers that `network_onnx` can write down."""

from functools import cache
from typing import Any

from ser_assets.learning.models.networks.keras_runtime import import_keras
from ser_assets.learning.models.settings import ConvolutionSettings, DenseSettings

QUICK = 0.9
"""Momentum of the running means in batch normalisation: Keras's 0.99 lags behind when an epoch has ten steps."""


def dense(settings: DenseSettings, functionals: int, emotions: int) -> Any:
    """Noise, then dense layers with batch normalisation and dropout; input (batch, functionals)."""
    keras = import_keras()
    entry = keras.layers.Input((functionals,), name="functionals")
    signal = keras.layers.GaussianNoise(settings.input_noise_std, name="noise")(entry)
    signal = _hidden(signal, settings.units, normalise=True, dropout=settings.dropout)
    return keras.Model(entry, keras.layers.Dense(emotions, activation="softmax", name="emotions")(signal), name="dense")


def convolutional(settings: ConvolutionSettings, channels: int, emotions: int) -> Any:
    """Convolutions over time, then mean and deviation of what is left of it; input (batch, frames, channels)."""
    keras = import_keras()
    entry = keras.layers.Input((settings.frames, channels), name="channels")
    signal = entry
    for number, filters in enumerate(settings.filters, start=1):
        signal = keras.layers.Conv1D(
            filters,
            settings.kernel_size,
            padding="same",
            use_bias=not settings.batch_norm,
            name=f"convolution_{number}",
        )(signal)
        if settings.batch_norm:
            signal = keras.layers.BatchNormalization(momentum=QUICK, name=f"convolution_normalised_{number}")(signal)
        signal = keras.layers.Activation("relu", name=f"convolution_relu_{number}")(signal)
        signal = keras.layers.MaxPooling1D(2, padding="same", name=f"pooling_{number}")(signal)
        signal = keras.layers.SpatialDropout1D(settings.spatial_dropout, name=f"filter_dropout_{number}")(signal)
    pooled = keras.layers.Concatenate(name="mean_and_deviation")(
        [keras.layers.GlobalAveragePooling1D(name="mean")(signal), _deviation_over_time()(name="deviation")(signal)]
    )
    pooled = keras.layers.Dropout(settings.dropout, name="pooled_dropout")(pooled)
    pooled = _hidden(pooled, settings.units, settings.batch_norm, settings.dropout)
    return keras.Model(
        entry, keras.layers.Dense(emotions, activation="softmax", name="emotions")(pooled), name="convolutional"
    )


@cache
def _deviation_over_time() -> type[Any]:
    keras = import_keras()

    class DeviationOverTime(keras.layers.Layer):  # type: ignore[name-defined]
        """Standard deviation over the frames: (batch, frames, filters) to (batch, filters)."""

        floor = 1e-5

        def call(self, signal: Any) -> Any:
            return keras.ops.sqrt(keras.ops.var(signal, axis=1) + self.floor)

    return DeviationOverTime


def _hidden(signal: Any, sizes: tuple[int, ...], normalise: bool, dropout: float) -> Any:
    keras = import_keras()
    for number, size in enumerate(sizes, start=1):
        signal = keras.layers.Dense(size, use_bias=not normalise, name=f"hidden_{number}")(signal)
        if normalise:
            signal = keras.layers.BatchNormalization(momentum=QUICK, name=f"hidden_normalised_{number}")(signal)
        signal = keras.layers.Activation("relu", name=f"hidden_relu_{number}")(signal)
        signal = keras.layers.Dropout(dropout, name=f"hidden_dropout_{number}")(signal)
    return signal
