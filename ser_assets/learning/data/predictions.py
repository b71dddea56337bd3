"""Predictions as a table: corpus, take_id, actor, emotion (the true one) and `p_<emotion>` of each emotion.

The order of these columns is the order of the emotions, in this table and in all that is worked out from it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.data.examples import Examples

_PREFIX: Final = "p_"
FOLD_COLUMNS: Final = ("model", "protocol", "fold_scheme", "fold")


def probability_columns(emotions: Sequence[str]) -> list[str]:
    """Name the columns that hold the probabilities of these emotions."""
    return [_PREFIX + emotion for emotion in emotions]


def emotions_of(predicted: "pd.DataFrame") -> tuple[str, ...]:
    """Name the emotions that a table has probabilities of, in their order."""
    return tuple(column.removeprefix(_PREFIX) for column in predicted.columns if column.startswith(_PREFIX))


def prediction_table(examples: "Examples", probabilities: np.ndarray) -> "pd.DataFrame":
    """Put the labels of takes and their predicted probabilities side by side."""
    return prediction_table_of_takes(examples.rows, examples.emotions, probabilities)


def prediction_table_of_takes(
    rows: "pd.DataFrame", emotions: Sequence[str], probabilities: np.ndarray
) -> "pd.DataFrame":
    """As `prediction_table`, of rows with at least corpus, take_id, actor and emotion."""
    import pandas as pd

    takes = rows[["corpus", "take_id", "actor", "emotion"]].reset_index(drop=True)
    return pd.concat([takes, pd.DataFrame(probabilities, columns=probability_columns(emotions))], axis=1)


def labels_of(rows: "pd.DataFrame", emotions: Sequence[str]) -> np.ndarray:
    """Index into `emotions` of each row's performed emotion, int64 (n,).

    Raises:
        ValueError: one of them is none of these emotions.
    """
    strangers = sorted(set(rows["emotion"]) - set(emotions))
    if strangers:
        raise ValueError(f"unknown emotions: {', '.join(map(str, strangers))}; there are {', '.join(emotions)}")
    index = {emotion: number for number, emotion in enumerate(emotions)}
    return rows["emotion"].map(index).to_numpy(dtype=np.int64)


def true_labels(predicted: "pd.DataFrame") -> np.ndarray:
    """Index into `emotions_of` of each row's performed emotion, int64 (n,). Raises as `labels_of`."""
    return labels_of(predicted, emotions_of(predicted))


def probability_array(predicted: "pd.DataFrame") -> np.ndarray:
    """Probabilities of each take in the order of `emotions_of`, float64 (n, emotions)."""
    return predicted[probability_columns(emotions_of(predicted))].to_numpy(dtype=np.float64)
