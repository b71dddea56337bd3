"""One pool of worker processes for all that is done clip by clip or fold by fold, kept while this process lives."""

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_workers(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, chunk: int = 4
) -> Iterator[Result]:
    """Call `function` on every item in worker processes, results in the order of the items.

    With one worker it is called here, in this process. `function` must be importable (a module's own function or a
    `functools.partial` of one); an exception in it comes out where its result would have.

    Raises:
        BrokenProcessPool: a worker died; the next call starts new ones.
    """
    if workers <= 1:
        import threadpoolctl

        # As in a worker: the products of one clip are too small to be shared out among threads. Libraries that the
        # function loads are held from the next call on.
        libraries = threadpoolctl.ThreadpoolController()
        for item in items:
            with libraries.limit(limits=1):
                result = function(item)
            yield result
        return
    pool = _pool(workers)
    try:
        yield from pool.map(function, items, chunksize=chunk)
    except BrokenProcessPool:
        _pool.cache_clear()
        raise
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        # Interrupted: what is being worked on is of no use any more, and may take long.
        _pool.cache_clear()
        for process in list(pool._processes.values()):
            process.terminate()
        raise


@functools.cache
def _pool(workers: int) -> ProcessPoolExecutor:
    # The parent runs threads (gRPC, DuckDB, tensorflow) that a forked child would inherit locked: start afresh instead.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread_each)


def _one_thread_each() -> None:
    """Hold numerical libraries to one thread: those that are still to be loaded, and those that are there already."""
    import threadpoolctl

    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threadpoolctl.threadpool_limits(1)
