"""Every setting of the models: typed, described, with its default. How the defaults were found: docs/models.md."""

from typing import Annotated, Final

from pydantic import Field
from pydantic.dataclasses import dataclass

Share = Annotated[float, Field(ge=0, lt=1)]
Sizes = tuple[Annotated[int, Field(ge=1)], ...]

MOST_PARTS: Final = 5
"""A part leaves a fifth of the actors out, so that five leave each out once."""

# Settings that several models have, each with another default.
Members = Annotated[
    int,
    Field(
        ge=1, le=MOST_PARTS, description="Networks whose probabilities are averaged; each is validated on other actors."
    ),
]
Epochs = Annotated[int, Field(ge=1, description="Times that each network sees the training clips.")]
BatchSize = Annotated[int, Field(ge=2, description="Clips in one step.")]
Filters = Annotated[Sizes, Field(min_length=1, description="Filters of each convolution.")]
FreqMask = Annotated[int, Field(ge=0, description="Most neighbouring mel bands hidden in a training clip.")]
PooledDropout = Annotated[Share, Field(description="Share of what is pooled, and of each hidden layer, silenced.")]


@dataclass(frozen=True)
class ForestSettings:
    """Hyper-parameters of the Random Forest."""

    n_estimators: Annotated[int, Field(ge=1, description="Number of trees.")] = 400
    min_samples_leaf: Annotated[int, Field(ge=1, description="Fewest training clips in a leaf.")] = 1
    directions: Annotated[
        int, Field(ge=1, description="Directions among the functionals that the trees are grown on.")
    ] = 50
    max_features: Annotated[
        float, Field(gt=0, le=1, description="Share of the directions that a node may choose from.")
    ] = 0.1
    validation_forests: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_PARTS,
            description="Smaller forests, each without other actors, for the temperature of the forest.",
        ),
    ] = 2
    validation_trees: Annotated[int, Field(ge=1, description="Trees in each of those.")] = 100


@dataclass(frozen=True)
class TrainingSettings:
    """Hyper-parameters that every network has."""

    members: Members = 3
    epochs: Epochs = 20
    batch_size: BatchSize = 64
    learning_rate: Annotated[float, Field(gt=0, description="First step size; it falls to 0 along a cosine.")] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, description="Decoupled weight decay (AdamW).")] = 1e-3
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="Share of the target that is spread over all emotions.")
    ] = 0.1


@dataclass(frozen=True)
class DenseSettings(TrainingSettings):
    """Hyper-parameters of the dense networks."""

    epochs: Epochs = 40
    members: Members = 5
    units: Annotated[Sizes, Field(description="Size of each hidden layer.")] = (128,)
    input_noise_std: Annotated[
        float, Field(ge=0, description="Deviation of the Gaussian noise on the standardised functionals.")
    ] = 0.8
    dropout: Annotated[Share, Field(description="Share of each hidden layer that is silenced in training.")] = 0.5


@dataclass(frozen=True)
class SequenceSettings:
    """How long a sequence is read, and how far it is varied in training (Park et al. 2019, arXiv 1904.08779)."""

    frames: Annotated[int, Field(ge=16, description="Frames that the network reads of a clip.")] = 112
    band_shift: Annotated[
        int, Field(ge=0, description="A training clip is moved by up to so many mel bands, like another vocal tract.")
    ] = 0
    freq_mask: FreqMask = 8
    time_mask: Annotated[int, Field(ge=0, description="Most neighbouring frames hidden in a training clip.")] = 12


@dataclass(frozen=True)
class ConvolutionSettings(SequenceSettings, TrainingSettings):
    """Hyper-parameters of networks that convolve over time."""

    epochs: Epochs = 12
    batch_size: BatchSize = 32
    members: Members = 3
    filters: Filters = (48, 96, 192)
    kernel_size: Annotated[int, Field(ge=1, description="Frames that a filter spans.")] = 5
    batch_norm: Annotated[bool, Field(description="Batch normalisation after each layer.")] = True
    units: Annotated[Sizes, Field(description="Size of each hidden layer after the convolutions.")] = ()
    spatial_dropout: Annotated[Share, Field(description="Share of filters that is silenced in training.")] = 0.1
    dropout: PooledDropout = 0.3


@dataclass(frozen=True)
class ComplexConvolutionSettings(ConvolutionSettings):
    """The same, wider, and trained for longer."""

    epochs: Epochs = 20
    members: Members = 2
    filters: Filters = (64, 128, 256)
    freq_mask: FreqMask = 0
    dropout: PooledDropout = 0.2


@dataclass(frozen=True)
class PretrainedEncoderSettings:
    """Hyper-parameters of the regressions on a pretrained encoder."""

    strengths: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...],
        Field(
            min_length=1,
            description="Inverse strengths of the regularisation to choose from; the best on held-out actors is taken.",
        ),
    ] = (0.003, 0.01, 0.03)
    validation_parts: Annotated[
        int, Field(ge=1, le=MOST_PARTS, description="Times that other training actors are held out for that choice.")
    ] = MOST_PARTS
