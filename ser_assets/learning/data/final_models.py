"""How the models that are kept are told apart: by the evidence that they take, in folders and in tables."""

from typing import Final

RAW: Final = "raw"
SPEAKER_NORMALISED: Final = "speaker_normalised"
"""Folders under `models/`: for clips as they are, and for clips told relative to their speaker."""

FINAL: Final = "final"
"""The `fold` of what a kept model has held out, where no fold is evaluated."""

PROTOCOL_OF_FINAL_MODEL: Final = {RAW: "speaker_independent", SPEAKER_NORMALISED: "speaker_normalised"}
"""The protocol whose scores tell how good a kept model is."""
