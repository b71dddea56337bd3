"""One daemon per history: two would both act on the same tick.

The lock is `flock` on a file in the history folder, held until the process ends, in whatever way. On a file system
without `flock` nothing is locked, and Dagster's own message about a second daemon remains.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ser_assets.storage.turns import holder_of, sign

if TYPE_CHECKING:
    import filelock

LOCK_FILE = "daemon.lock"

_held: dict[Path, "filelock.BaseFileLock"] = {}


class DaemonRunningError(RuntimeError):
    """Another daemon already serves this history; the message names it and the remedy."""


def lock_for_this_process(folder: Path) -> None:
    """Lock a history if this process is a daemon; check the lock if this process is about to start one.

    Raises:
        DaemonRunningError: another daemon has locked it.
    """
    role = _role()
    if role is None or folder.absolute() in _held:
        return
    import filelock

    folder.mkdir(parents=True, exist_ok=True)
    named = folder.absolute() / LOCK_FILE
    lock = filelock.FileLock(named, blocking=False, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise DaemonRunningError(
            f"a Dagster daemon serves the history in {folder} already, {holder_of(named)}: end it first, name another "
            "data folder with SER_DATA_DIR, or start `dagster-webserver` for another UI without a daemon"
        ) from None
    except (OSError, NotImplementedError):
        return
    if role == "starts a daemon":
        lock.release()
        return
    sign(named, "dagster dev" if os.environ.get("DAGSTER_IS_DEV_CLI") else "dagster-daemon run")
    _held[folder.absolute()] = lock


def _role() -> Literal["daemon", "starts a daemon"] | None:
    """Whether the command of this process is a daemon (`dagster-daemon run`) or starts one (`dagster dev`)."""
    import click

    context = click.get_current_context(silent=True)
    if context is None or context.command.callback is None:
        return None
    module, name = context.command.callback.__module__, context.command.name
    if module == "dagster._daemon.cli" and name == "run":
        return "daemon"
    # `dagster dev` and `dg dev` are commands of two packages.
    return "starts a daemon" if module.startswith("dagster") and name == "dev" else None
