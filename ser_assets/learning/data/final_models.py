"""How the models that are kept are told apart: by the evidence that they take, in folders and in tables."""

from typing import Final

RAW: Final = "raw"
CALIBRATED: Final = "calibrated"
"""Folders under `models/`: for clips as they are, and for clips told relative to their speaker."""

KEPT: Final = "kept"
"""The `fold` of what a kept model has held out, where no fold is judged."""

PROTOCOL_OF_KEPT: Final = {RAW: "speaker_independent", CALIBRATED: "speaker_calibrated"}
"""The protocol whose scores tell how good a kept model is."""
