"""Recordings out of a zip that is not trusted: only names that were requested, whole or not at all."""

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from rich.filesize import decimal

from ser_assets.corpus.zenodo.archives import DownloadError

_PIECE_BYTES = 1 << 20


def unpack(
    path: Path, files: Sequence[str], raw_dir: Path, most_bytes: int, check: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Unpack `files`, named as in the archive, under the folder of recordings; all else in the archive stays packed.

    Each file appears under its name when all of them are written and their checksums hold.

    Args:
        path: a zip.
        files: `Actor_NN/….mp4`.
        raw_dir: folder of the actors' folders.
        most_bytes: what the files may take together; more is taken for a bomb.
        check: called after each piece; may raise to end the unpacking.

    Returns:
        Bytes of each file.

    Raises:
        DownloadError: the archive is damaged, lacks one of the files or is made to do harm; or a file is there already.
        OSError: a file cannot be written.
    """
    refuse_to_replace(raw_dir, files)
    scratch = raw_dir / f".unpacking-{path.stem}"
    # A process that was killed may have left one.
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, files)
            _refuse_bomb(path, members, most_bytes)
            refuse_full_disk(raw_dir, sum(member.file_size for member in members))
            parts = {member.filename: scratch / f"{number}.part" for number, member in enumerate(members)}
            for member in members:
                with archive.open(member) as source:
                    _write(source, parts[member.filename], member.file_size, check)
        for name, part in parts.items():
            (raw_dir / name).parent.mkdir(exist_ok=True)
            part.replace(raw_dir / name)
    # zipfile tells of encryption by RuntimeError, and of ways to compress that it lacks by NotImplementedError.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DownloadError(f"{path.name} cannot be unpacked ({error}): delete it and download again") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {member.filename: member.file_size for member in members}


def make_folder(folder: Path) -> None:
    """Make a folder; raise DownloadError where something else is in its way."""
    _refuse_other_than_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)


def refuse_to_replace(raw_dir: Path, files: Iterable[str]) -> None:
    """Raise DownloadError where one of the files, or something else than its folder, is there already."""
    paths = [raw_dir / name for name in files]
    for folder in dict.fromkeys(path.parent for path in paths):
        _refuse_other_than_folder(folder)
    # A link that leads nowhere now may lead to a disk that is not there today.
    if there := [path for path in paths if os.path.lexists(path)]:
        others = f" and {len(there) - 1} more" if there[1:] else ""
        raise DownloadError(
            f"{there[0]}{others}: is not the recording of RAVDESS, and nothing is overwritten; move it away and "
            "download again"
        )


def refuse_full_disk(folder: Path, needed: int) -> None:
    """Raise DownloadError where fewer than `needed` bytes are free on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder} needs {decimal(needed)}, and {decimal(free)} are free on its disk: make room, ask for fewer "
            "actors, or choose another SER_DATA_DIR"
        )


def _refuse_other_than_folder(folder: Path) -> None:
    for path in (folder, *folder.parents):
        if os.path.lexists(path) and not path.is_dir():
            raise DownloadError(
                f"{path}: is not a folder, as it must be for what comes, and nothing is overwritten; move it away and "
                "download again"
            )


def _members(archive: zipfile.ZipFile, files: Sequence[str]) -> list[zipfile.ZipInfo]:
    """Find the files in the archive; one that tries to get out of its folder is not touched at all."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename
        if _leads_outside(name) or stat.S_ISLNK(member.external_attr >> 16):
            raise zipfile.BadZipFile(f"{name!r} leads out of the folder")
        if name in found:
            raise zipfile.BadZipFile(f"{name!r} is in it twice")
        found[name] = member
    if missing := [name for name in files if name not in found]:
        raise zipfile.BadZipFile(f"{len(missing)} recordings are not in it, {missing[0]} among them")
    return [found[name] for name in files]


def _leads_outside(name: str) -> bool:
    windows = PureWindowsPath(name)
    return bool(windows.drive or windows.root) or ".." in windows.parts or PurePosixPath(name).is_absolute()


def _refuse_bomb(path: Path, members: Iterable[zipfile.ZipInfo], most_bytes: int) -> None:
    declared = sum(member.file_size for member in members)
    if declared > most_bytes:
        raise zipfile.BadZipFile(f"{path.stat().st_size} bytes that unpack to {declared}, more than {most_bytes}")


def _write(source: IO[bytes], target: Path, size: int, check: Callable[[], None]) -> None:
    """Write what a member holds, which may be more than it says."""
    with target.open("xb") as file:
        while piece := source.read(_PIECE_BYTES):
            if file.tell() + len(piece) > size:
                raise zipfile.BadZipFile("a file is larger than it says")
            file.write(piece)
            check()
