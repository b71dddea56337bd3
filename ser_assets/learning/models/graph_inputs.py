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
        facts: of the model; `reads` is `functionals` or `sequence`, the latter cut or repeated to `frames`.
        clips: n clips.

    Raises:
        ValueError: the clips have other features than the training set.
    """
    if facts["reads"] == "functionals":
        trained = facts["features"]
        if list(clips.functional_names) != trained:
            raise ValueError(
                f"{facts['model']} was trained on {len(trained)} functionals, and these {len(clips.functional_names)} "
                "are not the same ones in the same order"
            )
        return clips.functionals
    columns = facts["sequence_columns"]
    if any(sequence.shape[1] != columns for sequence in clips.sequences):
        raise ValueError(
            f"{facts['model']} was trained on sequences of {columns} columns, and these clips have another number"
        )
    each = [network_input(sequence, clips.speaker_normalised) for sequence in clips.sequences]
    return np.stack([fix_length(values, facts["frames"]) for values in each]).astype(np.float32)


def spread_votes(votes: np.ndarray, classes: "list[int] | np.ndarray | None", emotions: int) -> np.ndarray:
    """Probabilities of all emotions, float64 (n, emotions), from votes for the classes of the training set.

    Args:
        votes: (n, classes).
        classes: index of the emotion of each column; None if the columns are all emotions.
        emotions: number of emotions.
    """
    if classes is None:
        return votes
    probabilities = np.zeros((len(votes), emotions))
    probabilities[:, classes] = votes / votes.sum(axis=1, keepdims=True)
    return probabilities
