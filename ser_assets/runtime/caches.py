"""Cache folders of libraries, also on a machine without a home folder."""

import os
import tempfile
from pathlib import Path

CACHES = {"NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib", "XDG_CACHE_HOME": "cache", "KERAS_HOME": "keras"}


def provide_caches() -> None:
    """Give Numba, matplotlib, fontconfig and Keras a temporary folder if the home folder is not writable.

    Without one, Numba cannot import librosa ("no locator available") and matplotlib warns. Variables that are already
    set stay.
    """
    if _home_is_writable():
        return
    folder = _own_temporary_folder()
    for variable, name in CACHES.items():
        if variable not in os.environ:
            (folder / name).mkdir(exist_ok=True)
            os.environ[variable] = str(folder / name)


def _home_is_writable() -> bool:
    try:
        home = Path.home()
    except RuntimeError:
        return False
    return home.is_dir() and os.access(home, os.W_OK | os.X_OK)


def _own_temporary_folder() -> Path:
    """A folder that stays for the next command, unless another user owns one of this name: it will contain code."""
    user = os.getuid() if hasattr(os, "getuid") else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"ser-assets-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if folder.is_symlink() or (hasattr(os, "getuid") and found.st_uid != user) or found.st_mode & 0o022:
            raise PermissionError
    except OSError:
        return Path(tempfile.mkdtemp(prefix="ser-assets-"))
    return folder
