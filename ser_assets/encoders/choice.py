"""Which encoder is in use: the embedded one, another one of the user, or none."""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ser_assets.encoders.names import EMBEDDED, NONE, EncoderError, EncoderIdentity
from ser_assets.encoders.sources import content_key, sha256_of

if TYPE_CHECKING:
    from ser_assets.encoders.encoder import Encoder

EMBEDDED_FILE: Final = Path(__file__).parent / "embedded" / "whisper_tiny_en.onnx"


class EncoderChoice(NamedTuple):
    """What `SER_ENCODER` names.

    Attributes:
        source: the name of the embedded encoder, `none`, an ONNX file, a folder with a Whisper model, or a model of a
            hub.
        folder: where encoder files are kept that are made of such a folder or model.
    """

    source: str
    folder: Path

    @property
    def file(self) -> Path:
        """The ONNX file: the source itself, or what is made of it; files with other content make another file.

        Raises:
            EncoderError: there is to be no encoder, or a file of the source cannot be read.
        """
        if self.source == NONE:
            raise EncoderError("SER_ENCODER=none turns the encoder off: leave it out, or name an encoder")
        if self.source == EMBEDDED.name:
            return EMBEDDED_FILE
        if self.source.endswith(".onnx"):
            return Path(self.source).expanduser()
        try:
            key = content_key(Path(self.source).expanduser())
        except OSError as error:
            raise EncoderError(f"{error.filename} cannot be read ({error.strerror}): make it readable") from error
        return self.folder / f"{slug(f'{self.source} {key}')}.onnx"

    @property
    def version(self) -> str:
        """SHA-256 of the file, or `absent` where there is none (yet)."""
        if self.source == EMBEDDED.name:
            return EMBEDDED.sha256
        try:
            return sha256_of(self.file)
        except (OSError, EncoderError):
            return "absent"

    def open(self) -> "Encoder":
        """Open the encoder. Raises EncoderError where it cannot be opened."""
        return open_encoder(self.file, self.version)


class EncoderFile(NamedTuple):
    """An encoder that something was made with, for another process to open.

    Attributes:
        path: of the file.
        identity: name and hash that it must have.
    """

    path: Path
    identity: EncoderIdentity

    def open(self) -> "Encoder":
        """Open the file. Raises EncoderError where it is missing, or another one."""
        return open_encoder(self.path, self.identity.sha256)


@functools.lru_cache(maxsize=2)
def open_encoder(path: Path, expected: str) -> "Encoder":
    """Open an encoder file once in a process; raises as `Encoder`."""
    from ser_assets.encoders.encoder import Encoder

    return Encoder(path, expected)


def slug(source: str) -> str:
    """A name for a file, from a path or the name of a model.

    Examples:
        >>> slug("microsoft/wavlm-base-plus")
        'microsoft-wavlm-base-plus'
    """
    return re.sub(r"[^\w.]+", "-", source).strip("-.")
