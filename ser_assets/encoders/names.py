"""Names of encoders, apart from what opens them, so that settings load no numpy."""

from typing import Final, NamedTuple


class EncoderError(ValueError):
    """An encoder cannot be used; the message names it, the reason and the remedy."""


class EncoderIdentity(NamedTuple):
    """Which encoder made an embedding.

    Attributes:
        name: of the encoder, such as `whisper-tiny.en`.
        sha256: of its file, as hexadecimal digits.

    Examples:
        >>> str(EncoderIdentity("whisper-tiny.en", "4aca238d777f5ac4"))
        'whisper-tiny.en (4aca238d777f)'
    """

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:12]})"


NONE: Final = "none"
"""Turns the encoder off."""
EMBEDDED: Final = EncoderIdentity("whisper-tiny.en", "4aca238d777f5ac47b19a28f91f16b48100a31392c77345a4ef453702ac0c2d8")
"""Whisper tiny.en's encoder as int8 ONNX, made by `tools/build_encoder.py`."""
POOLING_VERSION: Final = "1"
"""Of windows and pooling; another one marks stored embeddings as outdated."""
