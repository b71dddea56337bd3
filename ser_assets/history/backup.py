"""One archive of a data folder without recordings, and its restoration.

A backup is a plain tar file. Its last member lists all others with their SHA-256, so that a truncated or changed backup
is never restored.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Final

from ser_assets.storage.files import WRITTEN_BY_OTHERS, atomic_file, beside, explain_full_disk, is_left_over
from ser_assets.storage.warehouse import FILE_NAME, Warehouse

LISTING: Final = "ser-assets-backup.json"
HISTORY: Final = "dagster"
LEFT_OUT: Final = frozenset({*WRITTEN_BY_OTHERS, "README.md"} - {HISTORY})
"""What a backup excludes, and what a data folder may contain before it is restored."""
OF_PROCESSES: Final = (".lock", ".in-use", ".db-wal", ".db-shm", ".db-journal")
DATABASE: Final = (FILE_NAME, f"{FILE_NAME}.wal")
WAIT_SECONDS: Final = 30.0
CHUNK: Final = 1 << 20


class BackupError(OSError):
    """A backup cannot be made or restored; the message names the file, the reason and the remedy."""


def back_up(data_dir: Path, target: Path) -> int:
    """Write a data folder without recordings, downloads, locks and leftovers into a new tar file.

    SQLite copies its files, and each DuckDB database is copied under its lock, so that other processes may use both.

    Returns:
        The number of files in it.

    Raises:
        BackupError: there is nothing to back up, or the target exists or is inside the data folder.
    """
    if target.exists():
        raise BackupError(f"{target} exists: name a new file")
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise BackupError(f"{target} would be in the data folder itself: name a file outside it")
    names = sorted(_names(data_dir))
    if not names:
        raise BackupError(f"nothing to back up in {data_dir.absolute()}: name the data folder with SER_DATA_DIR")
    with atomic_file(target) as part, tarfile.open(part, "w") as archive:
        listed = {}
        for database in sorted(data_dir.glob(f"*/{FILE_NAME}")):
            with Warehouse(database.parent).reading():
                for path in (database.with_name(name) for name in DATABASE):
                    if path.exists():
                        name = path.relative_to(data_dir).as_posix()
                        listed[name] = _add(archive, path, name)
        with tempfile.TemporaryDirectory(prefix=".ser-assets-backup-", dir=target.parent) as scratch:
            for name in names:
                copied = _copied(data_dir / name, Path(scratch)) if _is_sqlite(name) else data_dir / name
                # Captured output and files of runs may disappear while Dagster runs.
                with contextlib.suppress(FileNotFoundError):
                    listed[name] = _add(archive, copied, name)
        _add_listing(archive, listed)
    return len(listed)


def restore(source: Path, data_dir: Path) -> int:
    """Restore the files of a backup into a data folder that is empty or contains only recordings.

    All files are unpacked and verified in a separate folder first and then moved, all or none.

    Returns:
        The number of files.

    Raises:
        BackupError: the data folder contains other files, or the backup is incomplete or changed.
    """
    if not source.is_file():
        raise BackupError(f"{source.absolute()} does not exist: name a file that `ser-assets backup` wrote")
    present = sorted(path.name for path in data_dir.iterdir()) if data_dir.exists() else []
    if taken := [name for name in present if name not in LEFT_OUT and not _is_of_processes(name)]:
        raise BackupError(
            f"{data_dir.absolute()} contains {', '.join(taken)}, and nothing is overwritten: name an empty data folder "
            "with SER_DATA_DIR, or move these away"
        )
    data_dir.mkdir(parents=True, exist_ok=True)
    unpacked = beside(data_dir / "restored", "part")
    try:
        unpacked.mkdir()
        with explain_full_disk(data_dir):
            number = _unpack(source, unpacked)
        _move(unpacked, data_dir)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return number


def _names(data_dir: Path) -> Iterator[str]:
    """Relative names of the files that belong into a backup, without those of the databases."""
    for folder, subfolders, files in os.walk(data_dir, followlinks=True):
        top = Path(folder) == data_dir
        subfolders[:] = [name for name in subfolders if not (is_left_over(name) or (top and name in LEFT_OUT))]
        for name in files:
            if not (is_left_over(name) or _is_of_processes(name) or (top and name in LEFT_OUT) or name in DATABASE):
                yield Path(folder, name).relative_to(data_dir).as_posix()


def _is_of_processes(name: str) -> bool:
    return name.endswith(OF_PROCESSES) or is_left_over(name)


def _is_sqlite(name: str) -> bool:
    return name.startswith(f"{HISTORY}/") and name.endswith(".db")


def _copied(path: Path, scratch: Path) -> Path:
    """A copy of a SQLite file as it is at one moment, in a folder for one such file."""
    copy = scratch / "copy.db"
    copy.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)
            ) as original,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            original.backup(target)
    except sqlite3.Error as error:
        if path.exists():
            raise BackupError(f"{path} cannot be copied ({error}): try again later, or remove it") from error
    return copy


def _add(archive: tarfile.TarFile, path: Path, name: str) -> str:
    """Add a file under a name, with its length at opening; return its SHA-256."""
    with path.open("rb") as opened:
        member = archive.gettarinfo(arcname=name, fileobj=opened)
        if not member.isreg():
            raise BackupError(f"{path} is not a regular file: remove it")
        read = _Hashed(opened)
        archive.addfile(member, read)
    return read.digest


def _add_listing(archive: tarfile.TarFile, listed: dict[str, str]) -> None:
    about = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "files": listed}
    content = json.dumps(about, indent=1).encode()
    member = tarfile.TarInfo(LISTING)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _unpack(source: Path, folder: Path) -> int:
    """Unpack a backup and verify every file."""
    remedy = "take another backup"
    try:
        with tarfile.open(source) as archive:
            members = archive.getmembers()
            if unsafe := [member.name for member in members if not _is_safe(member)]:
                raise BackupError(
                    f"{source} is not a backup of ser-assets, because it contains {unsafe[0]!r}: {remedy}"
                )
            if not members or members[-1].name != LISTING:
                raise BackupError(
                    f"{source} is not a complete backup of ser-assets, because its list is missing: {remedy}"
                )
            listed = json.loads(_opened(archive, members.pop()).read())["files"]
            if sorted(listed) != sorted(member.name for member in members):
                raise BackupError(f"{source} does not contain the files that it lists: {remedy}")
            for member in members:
                if _write(_opened(archive, member), folder / member.name, member.mtime) != listed[member.name]:
                    raise BackupError(f"{source}: {member.name} has changed since the backup was made: {remedy}")
    except (tarfile.TarError, EOFError, ValueError, LookupError, TypeError) as error:
        raise BackupError(f"{source} cannot be read as a backup ({error}): {remedy}") from error
    return len(members)


def _is_safe(member: tarfile.TarInfo) -> bool:
    """Whether it is a regular file inside the folder into which it is unpacked."""
    path = PurePosixPath(member.name)
    return member.isreg() and bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(member)
    assert opened is not None, "a regular file"  # noqa: S101
    return opened


def _write(content: IO[bytes], target: Path, modified: float) -> str:
    """Write a file, and return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    read = _Hashed(content)
    with target.open("xb") as opened:
        shutil.copyfileobj(read, opened, CHUNK)
    os.utime(target, (modified, modified))
    return read.digest


def _move(source: Path, target: Path) -> None:
    """Move the content of a folder into another one on the same disk; an interruption moves everything back."""
    moved: list[str] = []
    try:
        for path in sorted(source.iterdir()):
            moved.append(path.name)
            path.rename(target / path.name)
    except BaseException:
        for name in moved:
            with contextlib.suppress(OSError):
                (target / name).rename(source / name)
        raise


class _Hashed:
    """A file that is read once, with its SHA-256."""

    def __init__(self, opened: IO[bytes]) -> None:
        self._opened = opened
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._opened.read(size)
        self._hash.update(content)
        return content

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
