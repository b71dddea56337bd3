"""One pool of worker processes for all that is done clip by clip or fold by fold, kept while this process lives.

Items go out, a few ahead of the oldest that is not done, and results come back in the order of the items, so that what
is held in memory does not grow with their number. A worker that dies takes nothing with it but the one item that killed
it.
"""

import functools
import itertools
import logging
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PARTS_AHEAD_OF_EACH_WORKER = 2
KEEP_FREED_BYTES = 64 << 20


class WorkerDiedError(RuntimeError):
    """The process that worked on an item died over it; a library crashed, or memory ran out."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Result]):
    """What came of an item: a value, or the exception that it ended in."""

    item: Item
    value: Result | None = None
    error: Exception | None = None

    def result(self) -> Result:
        """Hand out the value, or raise the exception."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def map_in_workers(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, chunk: int = 4
) -> Iterator[Result]:
    """Call `function` on every item in worker processes, results in the order of the items.

    With one worker it is called here, in this process. `function` must be importable (a module's own function or a
    `functools.partial` of one); an exception in it comes out where its result would have.

    Raises:
        WorkerDiedError: a worker died over the item whose result was due; the next call starts new ones.
    """
    return (outcome.result() for outcome in outcomes_in_workers(function, items, workers, chunk))


def outcomes_in_workers(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    chunk: int = 1,
    *,
    guarded: bool = False,
) -> Iterator[Outcome[Item, Result]]:
    """Call `function` on every item in worker processes and hand out all outcomes, in the order of the items.

    `items` is read a few parts ahead of the oldest that is not done; `chunk` of them go to a worker at a time. With one
    worker it is called here, unless it is `guarded`, for it may crash. Where the system cannot have workers it is
    called here in any case. Whoever is interrupted while waiting here ends the workers at once.
    """
    if (workers <= 1 and not guarded) or not _can_have_workers():
        yield from _outcomes_here(function, items)
        return
    ahead: deque[tuple[list[Item], Future[list[_Ended]]]] = deque()
    remaining = iter(items)
    try:
        while True:
            while len(ahead) < PARTS_AHEAD_OF_EACH_WORKER * workers:
                part = list(itertools.islice(remaining, chunk))
                if not part:
                    break
                ahead.append((part, _submit(function, part, workers)))
            if not ahead:
                return
            part, future = ahead.popleft()
            for item, (value, error) in zip(part, _ended(function, part, future), strict=True):
                yield Outcome(item, value, error)
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # Interrupted: what is being worked on is of no use any more, and may take long.
        end_workers()
        raise
    finally:
        for _, future in ahead:
            future.cancel()


def end_workers() -> None:
    """End all worker processes, whatever they are doing; the next call starts new ones."""
    for pool in list(_pools.values()):
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
    _pools.clear()


_Ended = tuple[Any, Exception | None]
_pools: dict[str, ProcessPoolExecutor] = {}


@functools.cache
def _can_have_workers() -> bool:
    """Whether there are semaphores, which a pool needs: not where `/dev/shm` is read-only, full or missing."""
    try:
        # Not at the top: already the import fails where Python was built without them.
        from multiprocessing import synchronize

        synchronize.Lock(ctx=multiprocessing.get_context("spawn"))
    except (OSError, ImportError) as error:
        logging.getLogger(__name__).warning(
            "there can be no worker processes (%s; is /dev/shm there, with room, and may you write to it?): everything "
            "is done in one process, which takes longer and ends if a recording crashes the decoder",
            error,
        )
        return False
    return True


def _outcomes_here(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
    import threadpoolctl

    # As in a worker: the products of one clip are too small to be shared out among threads. Libraries that the
    # function loads are held from the next call on.
    libraries = threadpoolctl.ThreadpoolController()
    keep_freed_memory()
    for item in items:
        try:
            with libraries.limit(limits=1):
                outcome = Outcome(item, function(item))
        except Exception as error:
            outcome = Outcome(item, error=error)
        yield outcome


def _submit(
    function: Callable[[Item], Result], part: list[Item], workers: int, pool: str = "workers"
) -> Future[list[_Ended]]:
    try:
        return _pool(pool, workers).submit(_call_each, function, part)
    except BrokenProcessPool:
        # It broke earlier, over something else.
        del _pools[pool]
        return _submit(function, part, workers, pool)
    except Exception as error:
        # No process could be started: what comes of this part, not the end of all others.
        failed: Future[list[_Ended]] = Future()
        failed.set_exception(error)
        return failed


def _ended(function: Callable[[Item], Result], part: list[Item], future: Future[list[_Ended]]) -> list[_Ended]:
    try:
        return future.result()
    except BrokenProcessPool:
        # One of the parts that were out killed its worker, and all fell with it: find out alone which item did.
        return [_call_alone(function, item) for item in part]
    except Exception as error:
        # The part could not be sent, or its results could not be sent back; the others are not to blame.
        return [(None, error)] * len(part)


def _call_alone(function: Callable[[Item], Result], item: Item) -> _Ended:
    try:
        [ended] = _submit(function, [item], 1, "alone").result()
    except BrokenProcessPool:
        del _pools["alone"]
        return None, WorkerDiedError("the process that worked on it died: a library crashed, or memory ran out")
    except Exception as error:
        return None, error
    return ended


def _call_each(function: Callable[[Item], Result], items: Sequence[Item]) -> list[_Ended]:
    """Call the function on each item, in a worker."""
    return [_call(function, item) for item in items]


def _call(function: Callable[[Item], Result], item: Item) -> _Ended:
    try:
        return function(item), None
    except Exception as error:
        return None, _portable(error)


def _portable(error: Exception) -> Exception:
    """The exception as it can be sent to another process, with a note of where it arose."""
    import pickle
    import traceback

    place = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"in a worker process:\n{place}")
    return error


def _pool(name: str, workers: int) -> ProcessPoolExecutor:
    pool = _pools.get(name)
    if pool is None or pool._max_workers != workers:  # type: ignore[attr-defined]
        if pool is not None:
            pool.shutdown(wait=False)
        # The parent runs threads (gRPC, DuckDB, tensorflow) that a forked child would inherit locked: start afresh.
        context = multiprocessing.get_context("spawn")
        _end_workers_at_exit()
        pool = _pools[name] = ProcessPoolExecutor(workers, mp_context=context, initializer=_get_ready)
    return pool


@functools.cache
def _end_workers_at_exit() -> None:
    """Have the workers end before this process waits for its children: they would wait for work for ever.

    A process that `multiprocessing` started, as a run of the UI is, runs none of what `concurrent.futures` registers to
    end them.
    """
    from multiprocessing.util import Finalize

    Finalize(None, end_workers, exitpriority=100)


def _get_ready() -> None:
    """Be a good worker: one thread for numerical libraries, no ear for the terminal's Ctrl-C, gone with the parent."""
    import signal
    import threading

    import threadpoolctl

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threadpoolctl.threadpool_limits(1)
    keep_freed_memory()


def _end_with_parent() -> None:
    """Wait for the parent to end: one that was killed cannot tell its workers to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library keep up to 64 MiB that is freed: one clip after the other asks for the same arrays.

    Handed back to the kernel and fetched again page by page, they would take a good part of the time of measuring it.
    Only glibc is told.
    """
    import ctypes

    trim_threshold, mmap_threshold = -1, -3
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(trim_threshold, KEEP_FREED_BYTES)
        libc.mallopt(mmap_threshold, KEEP_FREED_BYTES // 2)
