"""Which files an encoder is made of, and a hash of their content."""

import functools
import hashlib
from pathlib import Path
from typing import Final

WHISPER_FILES: Final = ("model.bin", "model.safetensors")
"""Weights of a Whisper in a folder; the first that is there is read."""
WHISPER_SUFFIXES: Final = (".bin", ".safetensors", ".pt")


def files_read(source: Path) -> list[Path]:
    """List the files of a model that decide what is made of it: its weights, and its configuration in a folder.

    Of weights in two formats, those that the readers prefer are listed: model.bin of a Whisper, then safetensors.

    Args:
        source: a folder, or a file with weights; nothing is read of any other one.
    """
    if not source.is_dir():
        return [source] if source.is_file() and source.suffix in WHISPER_SUFFIXES else []
    files = sorted(path for path in source.iterdir() if path.is_file())
    own = [path for path in files if path.suffix == ".json" or path.name == WHISPER_FILES[0]]
    weights = [path for path in files if path.suffix == ".safetensors"]
    return own + (weights or [path for path in files if path.suffix == ".bin" and path not in own])


def content_key(source: Path) -> str:
    """Hash the content of `files_read`, 8 bytes as hexadecimal digits; empty where there is none of them.

    Raises:
        OSError: one of them cannot be read.
    """
    files = files_read(source)
    if not files:
        return ""
    parts = "".join(f"{path.name} {sha256_of(path)}\n" for path in files)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file; read again only where its size or its time has changed.

    Raises:
        OSError: it cannot be read.
    """
    found = path.stat()
    return _sha256_of_state(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256_of_state(path: Path, _size: int, _mtime: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
