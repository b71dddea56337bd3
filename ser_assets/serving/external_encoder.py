"""Where an encoder is that a bundle only names by hash: where the settings of the platform have it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ser_assets.encoders.choice import EncoderChoice
from ser_assets.encoders.names import EncoderError, EncoderIdentity
from ser_assets.encoders.sources import sha256_of


def external_encoder(identity: EncoderIdentity) -> Path:
    """Find the file of an encoder by its hash: what `SER_ENCODER` names, or a file that was made for other settings.

    Raises:
        EncoderError: there is no such file, or the settings cannot be read.
    """
    from ser_assets.environment import SettingsError, read_settings

    try:
        choice = read_settings().encoder_choice
    except SettingsError as error:
        raise EncoderError(f"the encoder {identity} is needed, and the settings have a fault: {error}") from error
    for path in _candidates(choice):
        if _has_hash(path, identity.sha256):
            return path
    raise EncoderError(
        f"the encoder {identity} is needed, and it is neither what SER_ENCODER names ({choice.source}) nor in "
        f"{choice.folder}: set SER_ENCODER to its ONNX file, or copy the file into that folder"
    )


def _candidates(choice: EncoderChoice) -> Iterator[Path]:
    # Turned off, or a folder that cannot be read: the file may have been made before.
    with contextlib.suppress(EncoderError):
        yield choice.file
    yield from sorted(choice.folder.glob("*.onnx"))


def _has_hash(path: Path, expected: str) -> bool:
    try:
        return sha256_of(path) == expected
    except OSError:
        return False
