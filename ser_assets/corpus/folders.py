"""Recordings in folders at any depth."""

import os
from pathlib import Path

MEDIA_ENDINGS = frozenset({".mp4", ".wav", ".flac", ".m4a", ".mov", ".mkv", ".mp3", ".ogg", ".opus", ".webm"})


def media_files(top: Path) -> tuple[list[Path], dict[Path, str]]:
    """List the media files under a folder, sorted, and the folders that cannot be entered with the reason.

    Links are followed, each folder is entered once. Names that begin with a dot are passed over: they are what systems
    leave (`._take.wav` of macOS), or what is not finished.
    """
    found: list[Path] = []
    unreadable: dict[Path, str] = {}
    seen: set[str] = set()

    def note(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            unreadable[Path(error.filename)] = f"cannot be entered ({error.strerror})"

    for folder, subfolders, names in os.walk(top, followlinks=True, onerror=note):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        found += [Path(folder, name) for name in names if _is_media(name)]
    return sorted(found), unreadable


def _is_media(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in MEDIA_ENDINGS
