"""One pool of worker processes for work per clip or per fold, reused while this process lives.

Items are submitted a few ahead of the oldest unfinished one, and results return in the order of the items, so that
memory does not grow with their number. A worker that dies loses only the item that killed it.
"""

import functools
import itertools
import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ser_assets.runtime.worker_setup import initialise_worker, keep_freed_memory

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNKS_AHEAD_PER_WORKER = 2


class WorkerDiedError(RuntimeError):
    """The worker process died on an item: a library crashed, or memory ran out."""


@dataclass(frozen=True)
class Outcome(Generic[Item, Result]):
    """The outcome of an item: a value, or an exception."""

    item: Item
    value: Result | None = None
    error: Exception | None = None

    def result(self) -> Result:
        """Return the value, or raise the exception."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def map_in_workers(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, chunk: int = 4
) -> Iterator[Result]:
    """Call `function` on every item in worker processes; results are in the order of the items.

    Args:
        function: a function of a module, or a `functools.partial` of one.
        items: its arguments.
        workers: number of processes; with one, `function` runs in this process.
        chunk: items per submission.

    Yields:
        The results. An exception in `function` is raised in place of its result.

    Raises:
        WorkerDiedError: a worker died on the item whose result was due; the next call starts new workers.

    Examples:
        >>> list(map_in_workers(abs, [-1, 2], workers=1))
        [1, 2]
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
    """Call `function` on every item in worker processes and yield all outcomes, in the order of the items.

    An interruption while waiting ends the workers at once. Without semaphores, `function` runs in this process.

    Args:
        function: a function of a module, or a `functools.partial` of one.
        items: its arguments, read a few chunks ahead of the oldest unfinished one.
        workers: number of processes; with one, `function` runs in this process.
        chunk: items per submission.
        guarded: use a process even with one worker, because `function` may crash.

    Yields:
        A value or an exception per item.
    """
    if (workers <= 1 and not guarded) or not _can_have_workers():
        yield from _outcomes_here(function, items)
        return
    ahead: deque[tuple[list[Item], Future[list[_Ended]]]] = deque()
    remaining = iter(items)
    try:
        while True:
            while len(ahead) < CHUNKS_AHEAD_PER_WORKER * workers:
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
        # Interrupted: the work in progress is useless now, and may take long.
        end_workers()
        raise
    finally:
        for _, future in ahead:
            future.cancel()


def end_workers() -> None:
    """End all worker processes at once; the next call starts new ones."""
    for pool in list(_pools.values()):
        for process in list((pool._processes or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
    _pools.clear()


_Ended = tuple[Any, Exception | None]
_pools: dict[str, ProcessPoolExecutor] = {}


@functools.cache
def _can_have_workers() -> bool:
    """Whether the system has the semaphores that a pool needs: not if `/dev/shm` is read-only, full or missing."""
    try:
        # Not at the top: the import fails where Python was built without them.
        from multiprocessing import synchronize

        synchronize.Lock(ctx=multiprocessing.get_context("spawn"))
    except (OSError, ImportError) as error:
        logging.getLogger(__name__).warning(
            "no worker processes (%s; check that /dev/shm exists, has space and is writable): everything runs in one "
            "process, which takes longer and ends if a recording crashes the decoder",
            error,
        )
        return False
    return True


def _outcomes_here(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Outcome[Item, Result]]:
    import threadpoolctl

    # As in a worker: the matrices of one clip are too small for several threads. Libraries that the function loads are
    # limited from the next call on.
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
        # It broke earlier, on another item.
        del _pools[pool]
        return _submit(function, part, workers, pool)
    except Exception as error:
        # No process could be started: this chunk fails, the others continue.
        failed: Future[list[_Ended]] = Future()
        failed.set_exception(error)
        return failed


def _ended(function: Callable[[Item], Result], part: list[Item], future: Future[list[_Ended]]) -> list[_Ended]:
    try:
        return future.result()
    except BrokenProcessPool:
        # One of the submitted chunks killed its worker, and the pool with it: repeat item by item to find which.
        return [_call_alone(function, item) for item in part]
    except Exception as error:
        return [(None, error)] * len(part)


def _call_alone(function: Callable[[Item], Result], item: Item) -> _Ended:
    try:
        [ended] = _submit(function, [item], 1, "alone").result()
    except BrokenProcessPool:
        del _pools["alone"]
        return None, WorkerDiedError("the worker process died: a library crashed, or memory ran out")
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
    """Return the exception in a form that can be sent to another process, with a note of its origin."""
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
        # The parent has threads (gRPC, DuckDB, tensorflow) whose locks a forked child would inherit.
        context = multiprocessing.get_context("spawn")
        _end_workers_at_exit()
        pool = _pools[name] = ProcessPoolExecutor(workers, mp_context=context, initializer=initialise_worker)
    return pool


@functools.cache
def _end_workers_at_exit() -> None:
    """End the workers before this process waits for its children, which would wait for work for ever.

    A process that `multiprocessing` started, such as a run of the UI, does not run the exit handlers of
    `concurrent.futures`.
    """
    from multiprocessing.util import Finalize

    Finalize(None, end_workers, exitpriority=100)
