"""The environment of a worker process: threads, signals, memory, and its end with the parent."""

import functools
import multiprocessing
import os
import sys

KEEP_FREED_BYTES = 64 << 20


def initialise_worker() -> None:
    """Set up a worker: one thread for numerical libraries, Ctrl-C ignored, ends with the parent."""
    import signal
    import threading

    import threadpoolctl

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    threadpoolctl.threadpool_limits(1)
    keep_freed_memory()


def _end_with_parent() -> None:
    """Wait for the parent to end: a killed parent cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@functools.cache
def keep_freed_memory() -> None:
    """Make the C library keep up to 64 MiB of freed memory: every clip needs arrays of the same sizes.

    Returning them to the kernel and faulting them in again would take a good part of the time per clip. Only glibc has
    this setting.
    """
    import ctypes

    trim_threshold, mmap_threshold = -1, -3
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(trim_threshold, KEEP_FREED_BYTES)
        libc.mallopt(mmap_threshold, KEEP_FREED_BYTES // 2)
