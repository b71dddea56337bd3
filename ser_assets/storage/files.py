"""Writes that are whole or not at all, and what is done about damage and about what killed runs leave behind."""

import contextlib
import errno
import os
import re
import shutil
import socket
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from ser_assets.runtime.stopping import require_running

DAMAGED = ".damaged-"

WRITTEN_BY_OTHERS = ("raw", "downloads", "dagster")

_in_use: set[Path] = set()
_SET_ASIDE = re.compile(r"\.damaged-\d+$")
_TEMPORARY = re.compile(r"\.(?P<name>.+)~(?P<host>[^~]+)~(?P<process>\d+)~(?P<kind>part|old)")


class DiskFullError(OSError):
    """There is no room for what was to be written; the message names it and the remedy."""


@contextmanager
def explain_full_disk(target: Path) -> Iterator[None]:
    """Say of a full disk what could not be written, and what to do; all else is raised as it comes."""
    try:
        yield
    except DiskFullError:
        # Of something inside: it knows best what could not be written.
        raise
    except Exception as error:
        if getattr(error, "errno", None) != errno.ENOSPC and os.strerror(errno.ENOSPC) not in str(error):
            raise
        detail = f"no space left on the disk to write {target}: free some and run again; nothing half-written is left"
        raise DiskFullError(errno.ENOSPC, detail) from error


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Hand out a temporary name beside `target` to write to; it becomes `target` if the body ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = beside(target, "part")
    _in_use.add(part)
    try:
        with explain_full_disk(target):
            yield part
            require_running()
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
        _in_use.discard(part)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Hand out an empty temporary folder beside `target`; it takes the place of `target` if the body ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part, old = beside(target, "part"), beside(target, "old")
    shutil.rmtree(part, ignore_errors=True)
    _in_use.update((part, old))
    try:
        with explain_full_disk(target):
            part.mkdir()
            yield part
        require_running()
        if target.exists():
            target.rename(old)
        try:
            part.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        _in_use.difference_update((part, old))


def quarantine(path: Path) -> Path:
    """Give a damaged file another name, `NAME.damaged-1`, so that a new one can be made and nothing is lost."""
    number = 1
    while (aside := path.with_name(f"{path.name}{DAMAGED}{number}")).exists():
        number += 1
    return path.rename(aside)


def set_aside_if_possible(path: Path) -> str:
    """Give a damaged file another name; say, as the end of a sentence, which, or why it stays where it is."""
    try:
        return f"is set aside as {quarantine(path).name}"
    except OSError as error:
        return f"cannot be set aside ({error.strerror})"


def files_set_aside(data_dir: Path) -> list[Path]:
    """List the damaged files that were set aside in a data folder."""
    return sorted(path for path in _made_here(data_dir) if _SET_ASIDE.search(path.name))


def leftovers(data_dir: Path) -> list[Path]:
    """List the unfinished files in a data folder, of whatever process and machine; folders are not among them."""
    return sorted(path for path in _made_here(data_dir) if _TEMPORARY.fullmatch(path.name) and path.is_file())


def is_left_over(name: str) -> bool:
    """Whether a name is of a damaged file that was set aside, or of something unfinished.

    Examples:
        >>> is_left_over("actor_01.parquet.damaged-1"), is_left_over("actor_01.parquet")
        (True, False)
    """
    return bool(_SET_ASIDE.search(name) or _TEMPORARY.fullmatch(name))


def remove_leftovers(data_dir: Path) -> None:
    """Take away what killed processes of this machine left half-written, and put back a folder they were replacing."""
    for left in list(_made_here(data_dir)):
        match = _TEMPORARY.fullmatch(left.name)
        if match is None or match["host"] != socket.gethostname() or left.absolute() in _in_use:
            continue
        # A process of another container may have had the number of this one.
        if int(match["process"]) != os.getpid() and is_alive(int(match["process"])):
            continue
        target = left.with_name(match["name"])
        if match["kind"] == "old" and not target.exists():
            with contextlib.suppress(OSError):
                left.rename(target)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            # Whoever only reads leaves it to others.
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def _made_here(data_dir: Path) -> Iterator[Path]:
    """All files and folders that are written by way of a temporary name, whatever else comes and goes meanwhile."""
    for folder, subfolders, names in os.walk(data_dir):
        if Path(folder) == data_dir:
            subfolders[:] = [name for name in subfolders if name not in WRITTEN_BY_OTHERS]
        yield from (Path(folder, name) for name in (*subfolders, *names))


def is_alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def beside(target: Path, kind: Literal["part", "old"]) -> Path:
    """A hidden name with its purpose and its process: `remove_leftovers` takes it away when that process has ended."""
    return target.absolute().with_name(f".{target.name}~{socket.gethostname()}~{os.getpid()}~{kind}")


def file_stem(actor: str) -> str:
    """Name a file after an actor; after a plus sign it says in hexadecimal which letters of the name are capitals.

    On a disk that ignores case, Ann and ann would have one file otherwise.
    """
    capitals = sum(1 << position for position, letter in enumerate(actor) if letter in string.ascii_uppercase)
    return f"actor_{quote(actor, safe=' ')}" + (f"+{capitals:x}" if capitals else "")


def actor_of(path: Path) -> str:
    """Speaker of a file that `file_stem` named."""
    return unquote(path.stem.removeprefix("actor_").partition("+")[0])
