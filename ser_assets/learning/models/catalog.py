"""The catalogue of models: one entry each, which assets, command line, report, search and versions read.

A new model is one class (see `base.EmotionModel`) and one entry in `MODELS`. Its class is imported when it is fitted or
loaded, so that the catalogue is light.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.learning.data.set_names import EMBEDDINGS, FUNCTIONALS, MEL_SEQUENCES
from ser_assets.learning.models.settings import (
    ComplexConvolutionSettings,
    ConvolutionSettings,
    DenseSettings,
    ForestSettings,
    PretrainedEncoderSettings,
)

if TYPE_CHECKING:
    from ser_assets.learning.models.base import EmotionModel


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model of the catalogue.

    Attributes:
        name: of its asset, and in tables.
        title: in reports and pages.
        description: one sentence for the page of its asset.
        implementation: `module:Class` of the `EmotionModel`.
        settings: type of its settings, a pydantic dataclass with a default for each field.
        search_space: values that a hyper-parameter search draws from, by setting.
        version: of its code; another one marks stored models as outdated.
        libraries: distributions whose versions change what is fitted.
        kinds: tags of its asset in the Dagster UI.
        colour: in figures, `#RRGGBB`.
        reads: name of the feature set that it reads, as its class has it.
    """

    name: str
    title: str
    description: str
    implementation: str
    settings: type[Any]
    search_space: Mapping[str, Sequence[Any]]
    version: str
    libraries: tuple[str, ...]
    kinds: frozenset[str]
    colour: str
    reads: str = FUNCTIONALS

    def load_class(self) -> "type[EmotionModel]":
        """Import the class of the model."""
        module, _, name = self.implementation.partition(":")
        model: type[EmotionModel] = getattr(importlib.import_module(module), name)
        return model


_NETWORKS: Final = "ser_assets.learning.models.networks.models"
_NETWORK_LIBRARIES: Final = ("tensorflow", "keras", "onnx")
_NETWORK_KINDS: Final = frozenset({"tensorflow", "keras", "onnx"})

_SPECS: Final = (
    ModelSpec(
        name="random_forest",
        title="Random Forest",
        description="A random forest on discriminant directions of the functionals.",
        implementation="ser_assets.learning.models.random_forest:RandomForest",
        settings=ForestSettings,
        # A setting with one value saves time in the search; nothing follows from it.
        search_space={
            "n_estimators": (200,),
            "validation_forests": (1,),
            "validation_trees": (1,),
            "min_samples_leaf": (1, 2, 3, 5, 8, 12),
            "directions": (20, 50, 100, 200),
            "max_features": (0.1, 0.2, 0.4),
        },
        version="8",
        libraries=("scikit-learn", "skl2onnx"),
        kinds=frozenset({"scikitlearn", "onnx"}),
        colour="#009E73",
    ),
    ModelSpec(
        name="neural_network",
        title="Neural Network",
        description="Dense networks on the standardised functionals.",
        implementation=f"{_NETWORKS}:NeuralNetwork",
        settings=DenseSettings,
        search_space={
            "members": (1,),
            "epochs": (10, 20, 40),
            "units": ((128,), (256, 128), (512, 256)),
            "input_noise_std": (0.2, 0.5, 0.8),
            "dropout": (0.3, 0.5, 0.7),
            "learning_rate": (5e-4, 1e-3, 2e-3),
        },
        version="8",
        libraries=_NETWORK_LIBRARIES,
        kinds=_NETWORK_KINDS,
        colour="#E69F00",
    ),
    ModelSpec(
        name="cnn",
        title="CNN",
        description="Networks that convolve over time on log-mel and pitch sequences.",
        implementation=f"{_NETWORKS}:Cnn",
        settings=ConvolutionSettings,
        search_space={
            "members": (1,),
            "epochs": (12, 20),
            "filters": ((32, 64, 128), (48, 96, 192)),
            "spatial_dropout": (0.0, 0.1, 0.2),
            "dropout": (0.2, 0.3, 0.5),
            "freq_mask": (0, 8, 16),
            "band_shift": (0, 3),
        },
        version="8",
        libraries=_NETWORK_LIBRARIES,
        kinds=_NETWORK_KINDS,
        colour="#56B4E9",
        reads=MEL_SEQUENCES,
    ),
    ModelSpec(
        name="complex_cnn",
        title="Complex CNN",
        description="Wider networks that convolve over time on log-mel and pitch sequences, trained for longer.",
        implementation=f"{_NETWORKS}:ComplexCnn",
        settings=ComplexConvolutionSettings,
        search_space={
            "members": (1,),
            "epochs": (20, 30),
            "filters": ((64, 128, 256), (64, 128, 256, 256), (64, 128, 256, 512)),
            "spatial_dropout": (0.0, 0.1, 0.2),
            "dropout": (0.2, 0.3, 0.5),
            "freq_mask": (0, 8, 16),
            "band_shift": (0, 3),
        },
        version="8",
        libraries=_NETWORK_LIBRARIES,
        kinds=_NETWORK_KINDS,
        colour="#0B5394",
        reads=MEL_SEQUENCES,
    ),
    ModelSpec(
        name="pretrained_encoder",
        title="Pretrained Encoder",
        description="Logistic regressions on the layers of a pretrained speech encoder (Whisper), which stays frozen.",
        implementation="ser_assets.learning.models.pretrained_encoder:PretrainedEncoder",
        settings=PretrainedEncoderSettings,
        search_space={"strengths": ((0.001,), (0.003,), (0.01,), (0.03,), (0.1,)), "validation_parts": (1,)},
        version="1",
        libraries=("scikit-learn", "onnx"),
        kinds=frozenset({"scikitlearn", "onnx"}),
        colour="#D55E00",
        reads=EMBEDDINGS,
    ),
)
MODELS: Final[dict[str, ModelSpec]] = {spec.name: spec for spec in _SPECS}
"""The models by name, in the order of reports. Read it when it is needed, not at import: tests add to it."""


def titles() -> dict[str, str]:
    """Title of each model by name, the ensemble last.

    Examples:
        >>> titles()["cnn"]
        'CNN'
    """
    return {**{name: spec.title for name, spec in MODELS.items()}, ENSEMBLE: "Ensemble"}


def colours() -> dict[str, str]:
    """Colour of each model by name, `#RRGGBB`, the ensemble last; after Okabe and Ito's palette."""
    return {**{name: spec.colour for name, spec in MODELS.items()}, ENSEMBLE: "#CC79A7"}


def settings_types() -> dict[str, type[Any]]:
    """Type of the settings of each model by name."""
    return {name: spec.settings for name, spec in MODELS.items()}
