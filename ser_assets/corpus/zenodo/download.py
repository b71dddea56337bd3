"""RAVDESS from Zenodo into the folder of recordings: plan, check for room, transfer, verify, unpack.

Archives rest in the folder of downloads until they are unpacked: `NAME.zip.part` while they come, `NAME.zip` once they
are verified. `NAME.zip.json` remembers how many bytes each file had that was unpacked.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NoReturn
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from ser_assets.corpus.zenodo.archives import Archive, DownloadError, What, archives_for
from ser_assets.corpus.zenodo.transfer import RetryPolicy, Transfer
from ser_assets.corpus.zenodo.unpacking import make_folder, refuse_full_disk, refuse_to_replace, unpack
from ser_assets.runtime.progress import Listener

ALL = "all files"

_SIZES = TypeAdapter(dict[str, int])
_BOMB_FACTOR = 2
_SECONDS_TO_STOP = 1.0


@dataclass(frozen=True)
class DownloadRequest:
    """Which recordings are wanted, from where, and where they go; `at_once` archives are on their way together."""

    what: What
    actors: Collection[str]
    base_url: str
    raw_dir: Path
    downloads_dir: Path
    with_video_only: bool = False
    keep_archives: bool = False
    at_once: int = 3


@dataclass(frozen=True)
class ArchiveJob:
    """An archive to be fetched, and the files in it to be unpacked, `Actor_NN/….mp4`."""

    archive: Archive
    files: tuple[str, ...]
    there_bytes: int

    @property
    def remaining_bytes(self) -> int:
        """What is still to come over the line."""
        return self.archive.bytes - self.there_bytes

    @property
    def unpacked_bytes(self) -> int:
        """About what the files will take."""
        return self.archive.unpacked_bytes * len(self.files) // len(self.archive.files())


def plan(order: DownloadRequest) -> list[ArchiveJob]:
    """List what has to be fetched: an archive none of whose files is missing, cut short or replaced is not."""
    errands = []
    for archive in archives_for(order.what, order.actors):
        sizes = _sizes_unpacked(order, archive)
        files = archive.files(order.actors, with_video_only=order.with_video_only)
        if missing := tuple(name for name in files if not _is_there(order.raw_dir / name, sizes.get(name), archive)):
            errands.append(ArchiveJob(archive, missing, _bytes_there(order, archive)))
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
        order: what was asked for.
        errands: its plan.
        progress: told (archive, bytes there, bytes in all), and the same of `ALL` together.
        tell: told in words what went wrong and is tried again.
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
            _refuse_full_disks(order, errands)
            return _DownloadPool(order, errands, progress, tell, patience or RetryPolicy()).work()
    except Timeout as error:
        raise DownloadError(f"another download is at work in {order.downloads_dir}: let it end first") from error


class _Stopped(Exception):  # noqa: N818 - somebody's wish
    """The user does not want to wait."""


class _DownloadPool:
    """Threads that do errands; all that they have to say is said by the thread that waits for them."""

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
            # Wakes whoever pauses.
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
        most_bytes = _BOMB_FACTOR * archive.unpacked_bytes
        sizes = unpack(whole, errand.files, self._order.raw_dir, most_bytes, self._check)
        _remember_sizes(self._order, archive, sizes)
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


def _refuse_full_disks(order: DownloadRequest, errands: Sequence[ArchiveJob]) -> None:
    """Raise DownloadError unless there is room for what stays and for the archives that are there at one time."""
    remaining = sorted((errand.remaining_bytes for errand in errands), reverse=True)
    archives = sum(remaining if order.keep_archives else remaining[: order.at_once])
    recordings = sum(errand.unpacked_bytes for errand in errands)
    if order.raw_dir.stat().st_dev == order.downloads_dir.stat().st_dev:
        refuse_full_disk(order.raw_dir, archives + recordings)
    else:
        refuse_full_disk(order.raw_dir, recordings)
        refuse_full_disk(order.downloads_dir, archives)


def _bytes_there(order: DownloadRequest, archive: Archive) -> int:
    paths = (order.downloads_dir / archive.name, order.downloads_dir / f"{archive.name}.part")
    return min(archive.bytes, next((path.stat().st_size for path in paths if path.exists()), 0))


def _is_there(path: Path, size: int | None, archive: Archive) -> bool:
    """Tell whether a recording is there; where nobody remembers its size, one that is large enough is."""
    if not path.exists():
        return False
    found = path.stat().st_size
    return found >= archive.smallest_take if size is None else found == size


def _sizes_unpacked(order: DownloadRequest, archive: Archive) -> dict[str, int]:
    """Bytes of each file that was unpacked from an archive, as far as that is remembered."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        return _SIZES.validate_json(_memory(order, archive).read_bytes())
    return {}


def _remember_sizes(order: DownloadRequest, archive: Archive, sizes: Mapping[str, int]) -> None:
    memory = _memory(order, archive)
    part = memory.with_name(f"{memory.name}.part")
    part.write_bytes(_SIZES.dump_json({**_sizes_unpacked(order, archive), **sizes}, indent=1))
    part.replace(memory)


def _memory(order: DownloadRequest, archive: Archive) -> Path:
    return order.downloads_dir / f"{archive.name}.json"
