"""RAVDESS from Zenodo into the folder of recordings: plan, check for room, transfer, verify, unpack.

Archives rest in the folder of downloads until they are unpacked: `NAME.zip.part` while they come, `NAME.zip` once they
are verified. `NAME.zip.json` remembers how many bytes each file had that was unpacked.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import NoReturn
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from ser_assets.corpus.zenodo.archives import Archive, DownloadError, archives_for
from ser_assets.corpus.zenodo.disk import (
    BOMB_FACTOR,
    ArchiveJob,
    DownloadRequest,
    bytes_there,
    is_there,
    refuse_full_disks,
    remember_sizes,
    sizes_unpacked,
)
from ser_assets.corpus.zenodo.retries import RetryPolicy
from ser_assets.corpus.zenodo.transfer import Transfer
from ser_assets.corpus.zenodo.unpacking import make_folder, refuse_to_replace, unpack
from ser_assets.runtime.progress import Listener

ALL = "all files"

_SECONDS_TO_STOP = 1.0


def plan(order: DownloadRequest) -> list[ArchiveJob]:
    """List what has to be fetched: an archive none of whose files is missing, cut short or replaced is not."""
    errands = []
    for archive in archives_for(order.what, order.actors):
        sizes = sizes_unpacked(order, archive)
        files = archive.files(order.actors, with_video_only=order.with_video_only)
        if missing := tuple(name for name in files if not is_there(order.raw_dir / name, sizes.get(name), archive)):
            errands.append(ArchiveJob(archive, missing, bytes_there(order, archive)))
    return errands


def download(
    order: DownloadRequest,
    errands: Sequence[ArchiveJob],
    progress: Listener = lambda *_: None,
    tell: Callable[[str], None] = lambda _: None,
    patience: RetryPolicy | None = None,
) -> list[str]:
    """Do the errands, a few at once; one that fails does not stop the others, unless the server never answers.

    Whoever is interrupted in here leaves at once, and all that has come is kept for the next time.

    Args:
        order: what was requested.
        errands: its plan.
        progress: called with (archive, bytes there, bytes in all), and the same of `ALL` together.
        tell: called with a sentence on what went wrong and is retried.
        patience: how long to wait for a server.

    Returns:
        In words, what failed.

    Raises:
        DownloadError: the disk has no room, something else is in the way of a folder, or another download is at work
            in it.
        OSError: a folder cannot be made.
    """
    make_folder(order.raw_dir)
    make_folder(order.downloads_dir)
    lock = FileLock(order.downloads_dir / ".lock", timeout=0)
    try:
        with lock:
            refuse_full_disks(order, errands)
            return _DownloadPool(order, errands, progress, tell, patience or RetryPolicy()).work()
    except Timeout as error:
        raise DownloadError(f"another download is at work in {order.downloads_dir}: let it end first") from error


class _Stopped(Exception):  # noqa: N818 - somebody's wish
    """The user does not want to wait."""


class _DownloadPool:
    """Threads that do errands; the thread that waits for them prints their messages."""

    def __init__(
        self,
        order: DownloadRequest,
        errands: Sequence[ArchiveJob],
        progress: Listener,
        tell: Callable[[str], None],
        patience: RetryPolicy,
    ) -> None:
        self._order, self._patience = order, patience
        self._progress, self._tell = progress, tell
        self._there = {errand.archive.name: errand.there_bytes for errand in errands}
        self._all_bytes = sum(errand.archive.bytes for errand in errands)
        self._failures: list[str] = []
        self._to_do: SimpleQueue[ArchiveJob] = SimpleQueue()
        for errand in errands:
            self._to_do.put(errand)
        self._said: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._given_up = threading.Event()

    def work(self) -> list[str]:
        """Do all errands; hand out what failed."""
        # Daemons, for one that waits for a silent server cannot be woken, and would hold up the end of the program.
        threads = [threading.Thread(target=self._do_errands, daemon=True) for _ in range(self._order.at_once)]
        for thread in threads:
            thread.start()
        at_work = len(threads)
        try:
            while at_work:
                if say := self._said.get():
                    say()
                else:
                    at_work -= 1
        finally:
            self._stop.set()
            # Wakes a thread that pauses.
            self._given_up.set()
            latest = time.monotonic() + _SECONDS_TO_STOP
            for thread in threads:
                thread.join(max(0, latest - time.monotonic()))
        return self._failures

    def _do_errands(self) -> None:
        try:
            while not self._stop.is_set():
                errand = self._to_do.get_nowait()
                try:
                    self._do(errand)
                except DownloadError as error:
                    self._say(self._failures.append, str(error))
                except OSError as error:
                    self._say(self._failures.append, f"{errand.archive.name}: {error}")
        except (Empty, _Stopped):
            pass
        except BaseException as error:
            self._said.put(partial(_throw, error))
        finally:
            self._said.put(None)

    def _do(self, errand: ArchiveJob) -> None:
        refuse_to_replace(self._order.raw_dir, errand.files)
        archive, downloads = errand.archive, self._order.downloads_dir
        whole, part = downloads / archive.name, downloads / f"{archive.name}.part"
        if whole.exists():
            # Kept from before, or brought by the user: looked at like one that has just come.
            whole.replace(part)
        # What is here whole needs no server.
        if errand.remaining_bytes:
            self._pause(archive, 0)
        transfer = Transfer(
            archive,
            archive.address(self._order.base_url),
            part,
            self._patience,
            tell=partial(self._say, self._tell),
            progress=lambda there: self._say(self._tell_progress, archive, there),
            wait=partial(self._pause, archive),
            answered=self._answered.set,
        )
        try:
            transfer.run()
        except DownloadError:
            if not self._answered.is_set():
                self._given_up.set()
            raise
        part.replace(whole)
        most_bytes = BOMB_FACTOR * archive.unpacked_bytes
        sizes = unpack(whole, errand.files, self._order.raw_dir, most_bytes, self._check)
        remember_sizes(self._order, archive, sizes)
        if not self._order.keep_archives:
            whole.unlink()

    def _say(self, how: Callable[..., None], *what: object) -> None:
        self._check()
        self._said.put(partial(how, *what))

    def _check(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _pause(self, archive: Archive, seconds: float) -> None:
        self._given_up.wait(seconds)
        self._check()
        if self._given_up.is_set():
            host = urlsplit(self._order.base_url).hostname
            raise DownloadError(f"{archive.name}: given up too, for {host} has never answered")

    def _tell_progress(self, archive: Archive, there: int) -> None:
        self._there[archive.name] = there
        self._progress(archive.name, there, archive.bytes)
        self._progress(ALL, sum(self._there.values()), self._all_bytes)


def _throw(error: BaseException) -> NoReturn:
    raise error
