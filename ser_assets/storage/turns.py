"""Who may open the database when: one process at a time; a process that waits logs for which.

The lock is `flock` on a file beside the database (`filelock`). Where the file system has no `flock`, a second file,
`…in-use`, is the lock as long as it exists; one that a process of this machine left behind is taken away. Whoever may
not write in the folder only reads, and goes by DuckDB's own lock.
"""

import contextlib
import errno
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ser_assets.storage.files import is_alive

if TYPE_CHECKING:
    import filelock

FIRST_NOTICE_SECONDS = 3.0
NEXT_NOTICE_SECONDS = 30.0
COMMAND_SHOWN = 120

_NO_FLOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
_NO_RIGHT = {errno.EACCES, errno.EPERM, errno.EROFS}


class TurnTimeoutError(TimeoutError):
    """Another process kept the lock for too long; the message names it."""


@contextmanager
def turn(
    database: Path,
    *,
    read_only: bool,
    seconds: float,
    what: str = "",
    about: str = "",
    warn: Callable[[str], object] | None = None,
) -> Iterator[None]:
    """Hold the lock of a database while the body runs; a second turn inside the body would wait for itself.

    Args:
        database: file whose lock is taken.
        read_only: whether it is only read.
        seconds: to wait for it.
        what: what the message of a waiting process names; by default the database.
        about: who holds the lock, as others that wait are shown; by default the command.
        warn: logs what this process waits for.

    Raises:
        TurnTimeoutError: another process kept it for longer than `seconds`.
        OSError: the lock file cannot be made, and the body would write.
    """
    named = database.with_name(f"{database.name}.lock")
    try:
        lock = _acquired(database, named, seconds, Notices(what or str(database), warn))
    except OSError as error:
        if not read_only or error.errno not in _NO_RIGHT:
            raise
        yield
        return
    try:
        sign(named, about)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.truncate(named, 0)
        lock.release()


def process_that_holds(database: Path) -> str:
    """Say which process holds the lock of a database now, and for what; empty where none does."""
    named = database.with_name(f"{database.name}.lock")
    if not named.exists():
        return ""
    try:
        _acquired(database, named, 0.0, Notices("")).release()
    except TurnTimeoutError as error:
        return str(error)
    except OSError:
        return ""
    return ""


class Notices:
    """Tells from time to time that this process waits, and for which other one."""

    def __init__(self, what: str, warn: Callable[[str], object] | None = None) -> None:
        self._what = what
        self._warn = warn or logging.getLogger(__name__).warning
        self._next = time.monotonic() + FIRST_NOTICE_SECONDS

    @property
    def seconds_to_next(self) -> float:
        """When the next notice is due."""
        return max(self._next - time.monotonic(), 0)

    def tell(self, holder: str) -> None:
        """Tell it, if a notice is due."""
        if self.seconds_to_next > 0:
            return
        self._next = time.monotonic() + NEXT_NOTICE_SECONDS
        self._warn(f"waiting for {self._what}, in use by {holder}")


def _acquired(database: Path, named: Path, seconds: float, notices: Notices) -> "filelock.BaseFileLock":
    import filelock

    try:
        return _wait(filelock.FileLock(named, fallback_to_soft=False), named, seconds, notices)
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
    marker = database.with_name(f"{database.name}.in-use")
    remedy = f" (if it has ended, remove {marker})"
    return _wait(filelock.SoftFileLock(marker), named, seconds, notices, remedy)


def _wait(
    lock: "filelock.BaseFileLock", named: Path, seconds: float, notices: Notices, remedy: str = ""
) -> "filelock.BaseFileLock":
    import filelock

    deadline = time.monotonic() + seconds
    while True:
        remaining = deadline - time.monotonic()
        try:
            lock.acquire(timeout=max(min(remaining, notices.seconds_to_next), 0))
            return lock
        except filelock.Timeout:
            holder = f"{holder_of(named)}{remedy}"
            if time.monotonic() >= deadline:
                raise TurnTimeoutError(holder) from None
            notices.tell(holder)


def sign(named: Path, about: str = "") -> None:
    """Write into a lock file who holds it, by default the command. Nothing depends on it but what others are shown."""
    about = (about or " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))[:COMMAND_SHOWN]
    since = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    holder = {"process": os.getpid(), "host": socket.gethostname(), "about": about, "since": since}
    with contextlib.suppress(OSError):
        named.write_text(json.dumps(holder), encoding="utf-8")


def holder_of(named: Path) -> str:
    """Who holds a lock, if that is known and the process still runs."""
    try:
        holder = json.loads(named.read_text(encoding="utf-8"))
        process, host = int(holder["process"]), str(holder["host"])
        if host == socket.gethostname() and not is_alive(process):
            raise ProcessLookupError
        return f"process {process} on {host} since {holder['since']}: {holder['about']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "an unknown process"
