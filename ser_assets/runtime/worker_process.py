"""How a worker process starts: one thread for each library, freed memory kept, and an end with its parent."""

import functools
import multiprocessing
import os
import sys

KEEP_FREED_BYTES = 64 << 20


def get_ready() -> None:
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
