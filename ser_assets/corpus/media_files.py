"""Recordings in folders at any depth."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# Written by hand: what ffmpeg lists lacks .wav, which it knows by its content, and has .txt and .gif.
# Without a header (.raw, .pcm, .g722) nothing tells what the samples mean.
_SOUND = (
    "aac ac3 adts aif aifc aiff amr ape au awb caf dsf dts eac3 flac gsm m4a m4b m4r mka mlp mp1 mp2 mp3 mpa mpc mpga "
    "nist oga ogg opus qcp ra rf64 shn snd sph spx tak thd tta voc w64 wav wave weba wma wv"
)
_FILM = (
    "3g2 3gp 3gpp asf avi divx f4v flv m2ts m4v mk3d mkv mov mp4 mpeg mpg mts mxf nut ogm ogv ogx qt rm rmvb ts vob "
    "webm wmv wtv"
)
MEDIA_ENDINGS = frozenset(f".{ending}" for ending in (_SOUND + " " + _FILM).split())


class FolderContent(NamedTuple):
    """Recordings of a folder, sorted; folders in it that cannot be entered, with the reason; other files by ending."""

    recordings: list[Path]
    unreadable: dict[Path, str]
    skipped: Counter[str]


def skipped_text(skipped: Mapping[str, int]) -> str:
    """Say which files are no recordings: `skipped 3 files that are no recordings: .txt (2), .jpg (1)`.

    Examples:
        >>> skipped_text({".txt": 2, ".jpg": 1})
        'skipped 3 files that are no recordings: .txt (2), .jpg (1)'
    """
    by_ending = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    total = sum(skipped.values())
    files = "1 file that is no recording" if total == 1 else f"{total} files that are no recordings"
    return f"skipped {files}: {', '.join(f'{ending} ({count})' for ending, count in by_ending)}"


def media_files(top: Path) -> FolderContent:
    """List the media files under a folder, by their endings, and what else is there.

    Links are followed, each folder is entered once. Names that begin with a dot are passed over: they are what systems
    leave (`._take.wav` of macOS), or what is not finished.
    """
    found: list[Path] = []
    unreadable: dict[Path, str] = {}
    skipped: Counter[str] = Counter()
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
        for name in names:
            ending = Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if ending in MEDIA_ENDINGS:
                found.append(Path(folder, name))
            else:
                skipped[ending or "without an ending"] += 1
    return FolderContent(sorted(found), unreadable, skipped)
