"""What a model said of takes, as a table: take_id, actor, emotion (the performed one) and `PROBABILITY_COLUMNS`."""

from typing import TYPE_CHECKING, Final

import numpy as np

from ser_assets.corpus.ravdess import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.examples import Examples

PROBABILITY_COLUMNS: Final = tuple(f"p_{emotion}" for emotion in EMOTIONS)

_INDEX: Final = {emotion: number for number, emotion in enumerate(EMOTIONS)}


def said_of(examples: "Examples", probabilities: np.ndarray) -> "pd.DataFrame":
    """Put the labels of takes and what was said of them side by side."""
    return said_of_takes(examples.rows, probabilities)


def said_of_takes(rows: "pd.DataFrame", probabilities: np.ndarray) -> "pd.DataFrame":
    """As `said_of`, of rows with at least take_id, actor and emotion."""
    import pandas as pd

    takes = rows[["take_id", "actor", "emotion"]].reset_index(drop=True)
    return pd.concat([takes, pd.DataFrame(probabilities, columns=list(PROBABILITY_COLUMNS))], axis=1)


def performed_labels(rows: "pd.DataFrame") -> np.ndarray:
    """Index into `EMOTIONS` of each row's performed emotion, int64 (n,)."""
    return rows["emotion"].map(_INDEX).to_numpy(dtype=np.int64)


def probability_array(said: "pd.DataFrame") -> np.ndarray:
    """Probabilities of each take in the order of `EMOTIONS`, float64 (n, 8)."""
    return said[list(PROBABILITY_COLUMNS)].to_numpy(dtype=np.float64)
