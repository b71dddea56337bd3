"""Saved models at work: all that a prediction needs, and nothing that fits.

A saved model is a folder with an ONNX graph and its facts. Nothing here imports pandas, Keras or scikit-learn, and no
class of a model: the facts say what the graph reads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ser_assets.learning.data.examples import Features
from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.learning.data.temperature import SMALLEST_PROBABILITY, apply_temperature
from ser_assets.learning.models.graph_inputs import graph_inputs, require_trained_kind, with_all_emotions
from ser_assets.learning.models.model_files import (
    GRAPH_FILE,
    MODEL_FACTS_FILE,
    fingerprint,
    read_facts,
)
from ser_assets.learning.speakers.bias import SpeakerBias, estimate_bias, remove_bias, remove_bias_by_speaker

CLIPS_AT_ONCE: Final = 256
OUTPUT: Final = "probabilities"
"""Name of the output of every graph that is read."""


class NotFittedError(RuntimeError):
    """A model that has not been fitted was to predict or to be saved."""


class EnsembleError(ValueError):
    """Models cannot be pooled; the message says why, and what to do."""


class OnnxModel:
    """A fitted model: its graph and its facts.

    Attributes:
        facts_: what the facts file holds: label order, feature names, what the graph reads, settings, training set,
            temperature. None before a fit.
    """

    name: str

    def __init__(self) -> None:
        self.facts_: dict[str, Any] | None = None
        self._onnx = b""
        self._fingerprint = ""
        self._session: Any = None

    @staticmethod
    def load(folder: Path, expected: str | None = None) -> "OnnxModel":
        """Read a saved model; its predictions equal those of the model that was saved.

        Args:
            folder: of the model.
            expected: the fingerprint that the model must have, if any; compared before its graph is opened.

        Raises:
            FileNotFoundError: there is no model in this folder.
            EnsembleError: its fingerprint is another one.
        """
        model = OnnxModel()
        model.facts_ = read_facts(folder)
        model.name = model.facts_["model"]
        model._onnx = (folder / GRAPH_FILE).read_bytes()
        if expected and model.fingerprint != expected:
            raise EnsembleError(f"{model.name} has changed since the ensemble was made: materialize ensemble again")
        model._open()
        return model

    def save(self, folder: Path) -> None:
        """Write the graph and the facts into this folder, which exists."""
        (folder / MODEL_FACTS_FILE).write_text(self._facts_text(), encoding="utf-8")
        (folder / GRAPH_FILE).write_bytes(self._onnx)

    def predict_proba(self, clips: Features, bias: SpeakerBias | None = None) -> np.ndarray:
        """Probability of each emotion, float64 (n, emotions) in the order of `emotions`; rows sum to 1.

        Args:
            clips: n clips.
            bias: of the one speaker of these clips, from `bias_for`; entries of other models are ignored.

        Raises:
            NotFittedError: the model has not been fitted.
            ValueError: the clips have other features than the training set; the message says which.
        """
        probabilities = self._raw_probabilities(clips)
        if bias and self.fingerprint in bias:
            probabilities = remove_bias(probabilities, bias[self.fingerprint])
        return apply_temperature(probabilities, self._fitted_facts()["temperature"])

    def predict_each_speaker(self, clips: Features, speakers: np.ndarray) -> np.ndarray:
        """Predict as `predict_proba`, without the bias that each speaker's clips show.

        Args:
            clips: n clips.
            speakers: the speaker of each clip, (n,).
        """
        probabilities = remove_bias_by_speaker(self._raw_probabilities(clips), speakers, self._shares())
        return apply_temperature(probabilities, self._fitted_facts()["temperature"])

    def bias_for(self, clips: Features) -> SpeakerBias:
        """Estimate the model's bias for the one speaker of these clips; raises as `predict_proba` does."""
        return {self.fingerprint: estimate_bias(self._raw_probabilities(clips), self._shares())}

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions in the order of the probabilities."""
        return tuple(self._fitted_facts()["emotions"])

    @property
    def fingerprint(self) -> str:
        """Hash of the graph and the facts, equal to `model_files.fingerprint_of` the saved model."""
        self._fitted_facts()
        self._fingerprint = self._fingerprint or fingerprint(self._onnx, self._facts_text())
        return self._fingerprint

    @property
    def fingerprints(self) -> set[str]:
        """Keys of `bias_for`."""
        return {self.fingerprint}

    def _raw_probabilities(self, clips: Features) -> np.ndarray:
        """Probabilities before bias and temperature, float64 (n, emotions). Raises as `predict_proba` does."""
        facts = self._fitted_facts()
        require_trained_kind(facts, clips)
        entry = self._session.get_inputs()[0].name
        batches = [
            self._session.run([OUTPUT], {entry: graph_inputs(facts, batch)})[0]
            for batch in clips.batches(CLIPS_AT_ONCE)
        ]
        votes = np.concatenate(batches).astype(np.float64)
        if "classes" not in facts:
            return votes
        return with_all_emotions(votes / votes.sum(axis=1, keepdims=True), facts["classes"], len(self.emotions))

    def _open(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # With more threads the sums of one clip are taken in another order on another machine.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(self._onnx, options, providers=["CPUExecutionProvider"])

    def _fitted_facts(self) -> dict[str, Any]:
        if self.facts_ is None:
            raise NotFittedError(f"{self.name} has not been fitted")
        return self.facts_

    def _shares(self) -> np.ndarray:
        return np.array(self._fitted_facts()["emotion_shares"])

    def _facts_text(self) -> str:
        return json.dumps(self._fitted_facts(), indent=2, sort_keys=True) + "\n"


class Ensemble:
    """Several models whose probabilities are pooled by weights."""

    name: Final = ENSEMBLE

    def __init__(self, members: Mapping[str, OnnxModel], weights: Mapping[str, float]) -> None:
        """Pool these members. Raises EnsembleError if they predict other emotions."""
        self.members, self.weights = dict(members), dict(weights)
        self.emotions = common_emotions({name: model.emotions for name, model in members.items()})
        """The emotions in the order of the probabilities."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the weights in this folder and the members in the folders beside it.

        Raises:
            EnsembleError: a member is not the one that the weights were fitted for, or predicts other emotions.
            FileNotFoundError: the ensemble or a member is missing.
        """
        facts = read_facts(folder)
        members = {name: OnnxModel.load(folder.parent / name, expected) for name, expected in facts["members"].items()}
        return cls(members, facts["weights"])

    def predict_proba(self, clips: Features, bias: SpeakerBias | None = None) -> np.ndarray:
        """Probability of each emotion, float64 (n, emotions) in the order of `emotions`; raises as the members do."""
        each = {name: model.predict_proba(clips, bias) for name, model in self.members.items()}
        return log_opinion_pool(each, self.weights)

    def bias_for(self, clips: Features) -> SpeakerBias:
        """Estimate the bias of each member for the one speaker of these clips."""
        return {key: bias for model in self.members.values() for key, bias in model.bias_for(clips).items()}

    @property
    def fingerprints(self) -> set[str]:
        """Fingerprints of the members."""
        return {model.fingerprint for model in self.members.values()}


def load_model(folder: Path) -> OnnxModel | Ensemble:
    """Read the saved model in this folder, or the ensemble of those beside it.

    Raises:
        FileNotFoundError: there is no model in this folder.
        EnsembleError: a member of the ensemble has changed.
    """
    return Ensemble.load(folder) if read_facts(folder)["model"] == Ensemble.name else OnnxModel.load(folder)


def log_opinion_pool(probabilities: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Logarithmic opinion pool: the product of p ** weight over the models, float64 (n, emotions), rows sum to 1.

    Genest & Zidek 1986, doi 10.1214/ss/1177013825.

    Args:
        probabilities: of each model, (n, emotions).
        weights: of each model. If they sum to more than 1, the pool is sharper than the mean of its members.

    Examples:
        >>> half = {"a": np.array([[0.5, 0.5]]), "b": np.array([[0.8, 0.2]])}
        >>> log_opinion_pool(half, {"a": 0.0, "b": 1.0}).round(2).tolist()
        [[0.8, 0.2]]
    """
    logarithms = sum(weights[name] * np.log(np.maximum(probabilities[name], SMALLEST_PROBABILITY)) for name in weights)
    shifted = np.exp(logarithms - np.max(logarithms, axis=1, keepdims=True))
    result: np.ndarray = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def common_emotions(emotions: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The emotions that all members, by name, predict in one order. Raises EnsembleError if they differ."""
    first, *others = emotions.values()
    if any(other != first for other in others):
        each = "; ".join(f"{member}: {', '.join(own)}" for member, own in emotions.items())
        raise EnsembleError(f"models of other emotions cannot be pooled ({each}): materialize them again")
    return first
