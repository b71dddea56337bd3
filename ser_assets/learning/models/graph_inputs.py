"""Between features and the graph of a model: what it reads, and what its outputs mean."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ser_assets.learning.data.examples import Features
from ser_assets.learning.data.sequences import fix_length, network_input


def require_trained_kind(facts: Mapping[str, Any], clips: Features) -> None:
    """Raise ValueError unless the clips are speaker-normalised or raw, as the training set was."""
    if clips.speaker_normalised != facts["speaker_normalised"]:
        kinds = {True: "speaker-normalised", False: "raw"}
        trained, given = kinds[facts["speaker_normalised"]], kinds[clips.speaker_normalised]
        raise ValueError(f"{facts['model']} was trained on {trained} clips, and these are {given}")


def graph_inputs(facts: Mapping[str, Any], clips: Features) -> np.ndarray:
    """What the graph of a model reads of clips, float32 (clips, ...).

    Args:
        facts: of the model; `reads` names its feature set. Sequences are cut or repeated to `frames`.
        clips: n clips.

    Raises:
        ValueError: the clips have other features than the training set.
    """
    name, trained = facts["reads"], facts["features"]
    if name not in clips.sets:
        raise ValueError(f"{facts['model']} was trained on {name}, and these clips have {', '.join(clips.sets)}")
    own = clips[name]
    if own.made_by != facts["made_by"]:
        raise ValueError(
            f"{facts['model']} was trained on {name} of {facts['made_by']}, and these are of {own.made_by}"
        )
    if list(own.names) != trained:
        raise ValueError(
            f"{facts['model']} was trained on {len(trained)} {name}, and these {len(own.names)} are not the same ones "
            "in the same order"
        )
    if "frames" not in facts:
        vectors: np.ndarray = own.values
        return vectors
    each = [network_input(sequence, clips.speaker_normalised) for sequence in own.values]
    return np.stack([fix_length(values, facts["frames"]) for values in each]).astype(np.float32)


def with_all_emotions(shares: np.ndarray, classes: "list[int] | np.ndarray", emotions: int) -> np.ndarray:
    """Probabilities of all emotions, float64 (n, emotions); 0 for one that is not in the training set.

    Args:
        shares: (n, classes), rows sum to 1.
        classes: index of the emotion of each column.
        emotions: number of emotions.

    Examples:
        >>> with_all_emotions(np.array([[0.25, 0.75]]), [0, 2], 3).tolist()
        [[0.25, 0.0, 0.75]]
    """
    probabilities = np.zeros((len(shares), emotions))
    probabilities[:, classes] = shares
    return probabilities
