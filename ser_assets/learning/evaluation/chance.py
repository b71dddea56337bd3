"""The chance rule: whether a model recognises more takes than guessing does, and more than luck allows."""

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ser_assets.learning.evaluation.scores import confusion_matrix

if TYPE_CHECKING:
    import pandas as pd

STANDARD_ERRORS: Final = 3
"""Guessing recognises more takes than this many standard errors above its mean in less than 0.2 % of cases."""


class AgainstGuessing(NamedTuple):
    """A model beside guessing: always naming the most frequent emotion of the test set.

    Attributes:
        accuracy: of the model.
        chance: accuracy of guessing.
        takes: in the test set.
    """

    accuracy: float
    chance: float
    takes: int

    @property
    def beats_guessing(self) -> bool:
        """Whether the model recognises more takes than guessing."""
        return self.accuracy > self.chance

    @property
    def is_beyond_luck(self) -> bool:
        """Whether it does by more than `STANDARD_ERRORS` standard errors of the accuracy of guessing."""
        standard_error = math.sqrt(self.chance * (1 - self.chance) / self.takes)
        return self.accuracy > self.chance + STANDARD_ERRORS * standard_error


def against_guessing(predictions: "pd.DataFrame") -> AgainstGuessing:
    """Compare the predictions of one model under one protocol with guessing."""
    counts = confusion_matrix(predictions)
    takes = int(counts.sum())
    return AgainstGuessing(float(np.trace(counts) / takes), float(counts.sum(axis=1).max() / takes), takes)
