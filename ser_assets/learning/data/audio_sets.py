"""The feature sets of measured audio."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.audio.features.names import functional_names, sequence_names
from ser_assets.learning.data.feature_sets import FeatureSet, Vectors
from ser_assets.learning.data.sequences import MelSequences
from ser_assets.learning.data.set_names import FUNCTIONALS, MEL_SEQUENCES

if TYPE_CHECKING:
    from ser_assets.audio.features.extract import ClipFeatures


def audio_columns() -> dict[str, tuple[str, ...]]:
    """Columns of each feature set that is measured of audio."""
    return {FUNCTIONALS: functional_names(), MEL_SEQUENCES: sequence_names()}


def audio_sets(measured: "Sequence[ClipFeatures]") -> dict[str, FeatureSet]:
    """Functionals and mel sequences of measured clips, at least one, in their order."""
    columns = audio_columns()
    return {
        FUNCTIONALS: Vectors(columns[FUNCTIONALS], np.stack([each.functionals for each in measured])),
        MEL_SEQUENCES: MelSequences(columns[MEL_SEQUENCES], tuple(each.sequence for each in measured)),
    }
