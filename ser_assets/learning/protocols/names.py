"""Names of the protocols and of the general fold schemes, without anything heavy: settings and reports read them."""

from typing import Final

PROTOCOL_NAMES: Final = (
    "speaker_independent",
    "speaker_normalised",
    "random_split",
    "random_split_leaky",
    "permuted_labels",
)
"""In the order of reports."""
GENERAL_FOLD_SCHEMES: Final = ("loso", "groups5")
"""Fold schemes for the actors of any corpus; a corpus may have published ones of its own."""
