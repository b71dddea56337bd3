"""The models of the project by name, and how a saved one is opened."""

import json
from pathlib import Path
from typing import Final

from ser_assets.learning.models.base import FACTS_FILE, EmotionModel, NotFittedError
from ser_assets.learning.models.ensemble import Ensemble
from ser_assets.learning.models.networks.models import Cnn, ComplexCnn, NeuralNetwork
from ser_assets.learning.models.random_forest import RandomForest

__all__ = ["MODELS", "EmotionModel", "Ensemble", "NotFittedError", "load_model"]

MODELS: Final[dict[str, type[RandomForest] | type[NeuralNetwork] | type[Cnn] | type[ComplexCnn]]] = {
    model.name: model for model in (RandomForest, NeuralNetwork, Cnn, ComplexCnn)
}


def load_model(folder: Path) -> EmotionModel | Ensemble:
    """Read the saved model in this folder, whichever of `MODELS` it is, or the ensemble of those beside it.

    Raises:
        FileNotFoundError: there is no model in this folder.
        ValueError: it is none of `MODELS`.
        EnsembleError: a member of the ensemble has changed.
    """
    facts = folder / FACTS_FILE
    if not facts.is_file():
        raise FileNotFoundError(f"no saved model in {folder}: it has no {FACTS_FILE}")
    name = json.loads(facts.read_text(encoding="utf-8")).get("model")
    if name == Ensemble.name:
        return Ensemble.load(folder, load_model)
    if name not in MODELS:
        raise ValueError(f"{folder} holds the model {name!r}; there are {', '.join(MODELS)}, {Ensemble.name}")
    return MODELS[name].load(folder)
