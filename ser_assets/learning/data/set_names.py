"""Names of the feature sets, apart from their classes, so that the catalogue of models loads no numpy."""

from typing import Final

FUNCTIONALS: Final = "functionals"
"""The functionals (`audio.features.names`), as `feature_sets.Vectors`."""
MEL_SEQUENCES: Final = "mel_sequences"
"""Log-mel and pitch sequences (`audio.features.names`), as `sequences.MelSequences`."""
EMBEDDINGS: Final = "embeddings"
"""Embeddings of a pretrained encoder (`encoders.encoder`), as `embeddings.Embeddings`."""
