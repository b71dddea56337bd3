"""Who may open the database when: one process at a time, and a process that waits says for which.

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
from collections.abc import Iterator
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
def turn(database: Path, *, read_only: bool, seconds: float) -> Iterator[None]:
    """Hold the lock of a database while the body runs; a second turn inside the body would wait for itself.

    Raises:
        TurnTimeoutError: another process kept it for longer than `seconds`.
        OSError: the lock file cannot be made, and the body would write.
    """
    named = database.with_name(f"{database.name}.lock")
    try:
        lock = _acquired(database, named, seconds)
    except OSError as error:
        if not read_only or error.errno not in _NO_RIGHT:
            raise
        yield
        return
    try:
        sign(named)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.truncate(named, 0)
        lock.release()


class Notices:
    """Tells from time to time that this process waits, and for which other one."""

    def __init__(self, database: Path) -> None:
        self._database = database
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
        logging.getLogger(__name__).warning("waiting for %s, in use by %s", self._database, holder)


def _acquired(database: Path, named: Path, seconds: float) -> "filelock.BaseFileLock":
    import filelock

    try:
        return _wait(filelock.FileLock(named, fallback_to_soft=False), database, named, seconds)
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
    marker = database.with_name(f"{database.name}.in-use")
    return _wait(filelock.SoftFileLock(marker), database, named, seconds, f" (if it has ended, remove {marker})")


def _wait(
    lock: "filelock.BaseFileLock", database: Path, named: Path, seconds: float, remedy: str = ""
) -> "filelock.BaseFileLock":
    import filelock

    deadline, notices = time.monotonic() + seconds, Notices(database)
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


def sign(named: Path, command: str = "") -> None:
    """Write into a lock file who holds it. Nothing depends on it but what others are shown."""
    command = (command or " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]))[:COMMAND_SHOWN]
    since = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    about = {"process": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}
    with contextlib.suppress(OSError):
        named.write_text(json.dumps(about), encoding="utf-8")


def holder_of(named: Path) -> str:
    """Who holds a lock, as far as it has said so and still runs."""
    try:
        about = json.loads(named.read_text(encoding="utf-8"))
        process, host = int(about["process"]), str(about["host"])
        if host == socket.gethostname() and not is_alive(process):
            raise ProcessLookupError
        return f"process {process} on {host} since {about['since']}: {about['command']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "a process that has not said who it is"
