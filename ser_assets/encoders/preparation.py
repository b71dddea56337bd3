"""The encoder file that a choice needs: found, or made once of a Whisper folder or of a model of a hub."""

import json
import re
from pathlib import Path
from typing import Final, Protocol

from ser_assets.encoders.choice import EncoderChoice
from ser_assets.encoders.names import EMBEDDED, EncoderError
from ser_assets.encoders.sources import WHISPER_FILES, WHISPER_SUFFIXES

_HUB_ID: Final = re.compile(r"\w[\w.-]*/\w[\w.-]*")


class _Maker(Protocol):
    def __call__(self, source: str, name: str) -> bytes: ...


def prepare(choice: EncoderChoice) -> Path:
    """Return the ONNX file of a choice, and make it first where there is none yet, or of other files.

    Processes that need the same file wait for the first of them, so that all use the same bytes.

    Raises:
        EncoderError: there is no such file or model, or no encoder can be made of it; the message has the remedy.
    """
    path = choice.file
    if path.is_file():
        return path
    if choice.source == EMBEDDED.name:
        raise EncoderError(f"the embedded encoder {path} is missing: install ser-assets again")
    if choice.source.endswith(".onnx"):
        raise EncoderError(f"the encoder {path} does not exist: set SER_ENCODER to a file that does, or to `none`")
    make = _maker(choice.source)
    from filelock import FileLock

    choice.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if not path.is_file():
            _write(path, make(choice.source, readable_name(choice.source)))
    return path


def readable_name(source: str) -> str:
    """Name an encoder: the id of a model of a hub, or the folder of its files.

    A folder in the cache of Hugging Face is named by its model, so that what is known of the model is found.

    Examples:
        >>> readable_name("microsoft/wavlm-base-plus")
        'microsoft/wavlm-base-plus'
        >>> readable_name("/models/whisper-base/model.bin")
        'whisper-base'
        >>> readable_name("/cache/models--openai--whisper-small/snapshots/0123abc")
        'openai/whisper-small'
    """
    path = Path(source).expanduser()
    if not path.exists() and not path.suffix and _HUB_ID.fullmatch(source):
        return source
    cached = [part for part in path.parts if part.startswith("models--")]
    if cached:
        return cached[-1].removeprefix("models--").replace("--", "/")
    if path.name in WHISPER_FILES:
        path = path.parent
    return path.resolve().name.removesuffix(".pt").removesuffix(".safetensors")


def _maker(source: str) -> _Maker:
    """How a file is made of a source."""
    path = Path(source).expanduser()
    if path.is_file() and path.suffix in WHISPER_SUFFIXES:
        return _of_whisper
    if path.is_dir():
        family = _family(path)
        if family not in (None, "whisper"):
            return _of_hub
        if family or any((path / name).is_file() for name in WHISPER_FILES):
            return _of_whisper
        raise EncoderError(
            f"{path} holds no encoder: it needs model.bin or model.safetensors of a Whisper, or the config.json and "
            "the weights of a model of Hugging Face"
        )
    if _HUB_ID.fullmatch(source):
        return _of_hub
    raise EncoderError(
        f"there is no encoder {source}: set SER_ENCODER to an ONNX file, to the folder of a model, to the id of one "
        "such as microsoft/wavlm-base-plus, or to `none`"
    )


def _family(folder: Path) -> str | None:
    """Family of a model of Hugging Face, by its config.json; CTranslate2's has none."""
    config = folder / "config.json"
    if not config.is_file():
        return None
    try:
        found = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise EncoderError(f"{config} cannot be read ({error}): download the model again") from error
    return None if found is None else str(found)


def _of_whisper(source: str, name: str) -> bytes:
    from ser_assets.encoders.whisper_onnx import whisper_onnx
    from ser_assets.encoders.whisper_weights import read_whisper

    metadata = {"encoder": name, "source": source, "licence": f"see {source}", "training_data": f"see {source}"}
    return whisper_onnx(read_whisper(Path(source).expanduser()), metadata, int8=True)


def _of_hub(source: str, name: str) -> bytes:
    from ser_assets.encoders.hub import hub_onnx

    return hub_onnx(source, name)


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise EncoderError(f"the encoder {path} cannot be written ({error.strerror}): make room there") from error
