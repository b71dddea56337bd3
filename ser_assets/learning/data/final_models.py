"""Names of the final models, which are fitted on all actors: by the kind of clips, in folders and in tables."""

from typing import Final

ENSEMBLE: Final = "ensemble"
"""Name of the model that pools the predictions of all others."""

RAW: Final = "raw"
SPEAKER_NORMALISED: Final = "speaker_normalised"
"""Folders under `models/`: for raw and for speaker-normalised clips."""

FINAL: Final = "final"
"""The `fold` of the validation predictions of a final model, which has no test set."""

PROTOCOL_OF_FINAL_MODEL: Final = {RAW: "speaker_independent", SPEAKER_NORMALISED: "speaker_normalised"}
"""The protocol whose scores hold for a final model."""
