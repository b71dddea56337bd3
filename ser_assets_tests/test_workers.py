"""One pool for everything that is done clip by clip."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from operator import truediv
from pathlib import Path

import pytest

from ser_assets.workers import map_in_workers


def threads_of_each_library(_: int) -> list[int]:
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def process(_: int) -> int:
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(map_in_workers(partial(truediv, 12), [1, 2, 3, 4], workers)) == [12, 6, 4, 3]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_comes_out_where_its_result_would_have(workers: int) -> None:
    results = map_in_workers(partial(truediv, 12), [1, 0], workers, chunk=1)
    assert next(results) == 12
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_the_same_processes_serve_every_call() -> None:
    first = set(map_in_workers(process, range(20), 2, chunk=1))
    assert os.getpid() not in first
    assert len(first | set(map_in_workers(process, range(20), 2, chunk=1))) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_numerical_libraries_are_kept_to_one_thread(workers: int) -> None:
    before = threads_of_each_library(0)
    [threads] = map_in_workers(threads_of_each_library, [0], workers)
    assert set(threads) <= {1}
    assert threads_of_each_library(0) == before


def die(_: int) -> None:
    os._exit(1)


def test_new_workers_take_the_place_of_one_that_died() -> None:
    with pytest.raises(BrokenProcessPool):
        list(map_in_workers(die, [1], 2))
    assert list(map_in_workers(partial(truediv, 12), [3], 2)) == [4]


SLEEPING = """
import time
from ser_assets.workers import map_in_workers
if __name__ == "__main__":
    print("begun", flush=True)
    list(map_in_workers(time.sleep, [60] * 8, 2, chunk=1))
"""


def test_an_interrupt_does_not_wait_for_what_is_being_worked_on(tmp_path: Path) -> None:
    script = tmp_path / "sleeping.py"
    script.write_text(SLEEPING)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as sleeping:
        assert sleeping.stdout is not None
        assert sleeping.stdout.readline() == b"begun\n"
        time.sleep(2)
        sleeping.send_signal(signal.SIGINT)
        assert sleeping.wait(timeout=30) != 0
