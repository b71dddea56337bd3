"""What the networks look like, as Keras graphs of built-in layers only, so that a saved one loads without our code."""

from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ser_assets.learning.sequences import SequenceSettings
from ser_assets.learning.training import TrainingSettings

QUICK = 0.9
"""Momentum of the running means in batch normalisation: Keras's 0.99 lags behind when an epoch has ten steps."""

Share = Annotated[float, Field(ge=0, lt=1)]
Sizes = tuple[Annotated[int, Field(ge=1)], ...]


@dataclass(frozen=True)
class DenseSettings(TrainingSettings):
    """Hyper-parameters of the dense network."""

    units: Annotated[Sizes, Field(description="Size of each hidden layer.")] = (256, 128)
    noise: Annotated[
        float, Field(ge=0, description="Deviation of the Gaussian noise on the standardised functionals.")
    ] = 0.5
    dropout: Annotated[Share, Field(description="Share of each hidden layer that is silenced in training.")] = 0.5


@dataclass(frozen=True)
class ConvolutionSettings(SequenceSettings, TrainingSettings):
    """Hyper-parameters of a network that convolves over time."""

    members: Annotated[
        int, Field(ge=1, description="Networks whose probabilities are averaged; each is validated on other actors.")
    ] = 1
    filters: Annotated[Sizes, Field(min_length=1, description="Filters of each convolution.")] = (64, 128, 256)
    kernel: Annotated[int, Field(ge=1, description="Frames that a filter spans.")] = 5
    normalise: Annotated[bool, Field(description="Batch normalisation after each layer.")] = False
    units: Annotated[Sizes, Field(description="Size of each hidden layer after the convolutions.")] = ()
    filter_dropout: Annotated[Share, Field(description="Share of filters that is silenced in training.")] = 0.2
    dropout: Annotated[Share, Field(description="Share of what is pooled, and of each hidden layer, silenced.")] = 0.5


@dataclass(frozen=True)
class ComplexConvolutionSettings(ConvolutionSettings):
    """The same with one convolution and two dense layers more; batch normalisation lets it learn in fewer epochs."""

    epochs: Annotated[int, Field(ge=1, description="Times that each network sees the training clips.")] = 30
    filters: Annotated[Sizes, Field(min_length=1, description="Filters of each convolution.")] = (64, 128, 256, 512)
    normalise: Annotated[bool, Field(description="Batch normalisation after each layer.")] = True
    units: Annotated[Sizes, Field(description="Size of each hidden layer after the convolutions.")] = (256, 128)
    filter_dropout: Annotated[Share, Field(description="Share of filters that is silenced in training.")] = 0.1
    dropout: Annotated[Share, Field(description="Share of what is pooled, and of each hidden layer, silenced.")] = 0.3


def dense(settings: DenseSettings, functionals: int, emotions: int) -> Any:
    """Noise, then dense layers with batch normalisation and dropout; input (batch, functionals)."""
    from keras import Model, layers

    entry = layers.Input((functionals,), name="functionals")
    signal = layers.GaussianNoise(settings.noise, name="noise")(entry)
    signal = _hidden(signal, settings.units, normalise=True, dropout=settings.dropout)
    return Model(entry, layers.Dense(emotions, activation="softmax", name="emotions")(signal), name="dense")


def convolutional(settings: ConvolutionSettings, bands: int, emotions: int) -> Any:
    """Convolutions that each halve time, then mean and peak over what is left of it; input (batch, frames, bands)."""
    from keras import Model, layers

    entry = layers.Input((settings.frames, bands), name="log_mel")
    signal = entry
    for number, filters in enumerate(settings.filters, start=1):
        signal = layers.Conv1D(
            filters, settings.kernel, padding="same", use_bias=not settings.normalise, name=f"convolution_{number}"
        )(signal)
        if settings.normalise:
            signal = layers.BatchNormalization(momentum=QUICK, name=f"convolution_normalised_{number}")(signal)
        signal = layers.Activation("relu", name=f"convolution_relu_{number}")(signal)
        signal = layers.MaxPooling1D(2, padding="same", name=f"pooling_{number}")(signal)
        signal = layers.SpatialDropout1D(settings.filter_dropout, name=f"filter_dropout_{number}")(signal)
    pooled = layers.Concatenate(name="mean_and_peak")(
        [layers.GlobalAveragePooling1D(name="mean")(signal), layers.GlobalMaxPooling1D(name="peak")(signal)]
    )
    pooled = layers.Dropout(settings.dropout, name="pooled_dropout")(pooled)
    pooled = _hidden(pooled, settings.units, settings.normalise, settings.dropout)
    return Model(entry, layers.Dense(emotions, activation="softmax", name="emotions")(pooled), name="convolutional")


def _hidden(signal: Any, sizes: tuple[int, ...], normalise: bool, dropout: float) -> Any:
    from keras import layers

    for number, size in enumerate(sizes, start=1):
        signal = layers.Dense(size, use_bias=not normalise, name=f"hidden_{number}")(signal)
        if normalise:
            signal = layers.BatchNormalization(momentum=QUICK, name=f"hidden_normalised_{number}")(signal)
        signal = layers.Activation("relu", name=f"hidden_relu_{number}")(signal)
        signal = layers.Dropout(dropout, name=f"hidden_dropout_{number}")(signal)
    return signal
