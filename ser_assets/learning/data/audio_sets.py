"""The feature sets of measured audio."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ser_assets.audio.features.extract import extract_features, extract_sequence
from ser_assets.audio.features.names import functional_names, sequence_names
from ser_assets.learning.data.feature_sets import FeatureSet, Vectors
from ser_assets.learning.data.sequences import MelSequences
from ser_assets.learning.data.set_names import FUNCTIONALS, MEL_SEQUENCES


def audio_columns() -> dict[str, tuple[str, ...]]:
    """Columns of each feature set that is measured of audio."""
    return {FUNCTIONALS: functional_names(), MEL_SEQUENCES: sequence_names()}


def measured_audio(samples: np.ndarray, sampling_rate: int, names: Collection[str]) -> dict[str, np.ndarray]:
    """Measure a clip for those of these feature sets that are measured of audio, and for no other.

    Args:
        samples: float32 (samples,).
        sampling_rate: of the samples, in Hz.
        names: of feature sets.

    Returns:
        Functionals (functionals,), mel sequence (frames, 66), both float32, by the name of the set.
    """
    if FUNCTIONALS not in names:
        return {MEL_SEQUENCES: extract_sequence(samples, sampling_rate)} if MEL_SEQUENCES in names else {}
    both = extract_features(samples, sampling_rate)
    measured = {FUNCTIONALS: both.functionals, MEL_SEQUENCES: both.sequence}
    return {name: values for name, values in measured.items() if name in names}


def audio_sets(measured: Sequence[Mapping[str, np.ndarray]]) -> dict[str, FeatureSet]:
    """The feature sets of clips, at least one, in their order, of what `measured_audio` returns of each."""
    columns, sets = audio_columns(), dict[str, FeatureSet]()
    if FUNCTIONALS in measured[0]:
        sets[FUNCTIONALS] = Vectors(columns[FUNCTIONALS], np.stack([each[FUNCTIONALS] for each in measured]))
    if MEL_SEQUENCES in measured[0]:
        sequences = tuple(each[MEL_SEQUENCES] for each in measured)
        sets[MEL_SEQUENCES] = MelSequences(columns[MEL_SEQUENCES], sequences)
    return sets
