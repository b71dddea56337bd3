"""One pool for everything that is done clip by clip."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from operator import truediv
from pathlib import Path

import pytest

from ser_assets.runtime.workers import WorkerDiedError, map_in_workers, outcomes_in_workers


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
    with pytest.raises(WorkerDiedError, match="died"):
        list(map_in_workers(die, [1], 2))
    assert list(map_in_workers(partial(truediv, 12), [3], 2)) == [4]


def die_over_seven(item: int) -> int:
    if item == 7:
        os._exit(1)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_an_item_that_kills_its_worker_takes_no_other_with_it(workers: int) -> None:
    outcomes = list(outcomes_in_workers(die_over_seven, range(20), workers, chunk=3, guarded=True))
    assert [outcome.item for outcome in outcomes if outcome.error] == [7]
    assert isinstance(outcomes[7].error, WorkerDiedError)
    assert [outcome.result() for outcome in outcomes if outcome.item != 7] == [n for n in range(20) if n != 7]


def test_an_outcome_tells_where_in_the_worker_it_went_wrong() -> None:
    [outcome] = outcomes_in_workers(partial(truediv, 12), [0], 1, guarded=True)
    assert isinstance(outcome.error, ZeroDivisionError)
    assert "in a worker process" in "".join(outcome.error.__notes__)


class OddError(Exception):
    """One that cannot be sent to another process."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def raise_odd(_: int) -> None:
    raise OddError("a", "b")


def test_an_exception_that_cannot_travel_comes_as_another_that_says_the_same() -> None:
    [outcome] = outcomes_in_workers(raise_odd, [0], 1, guarded=True)
    assert str(outcome.error) == "OddError: ab"


def unsendable_over_two(item: int) -> object:
    return (lambda: None) if item == 2 else item


def test_a_result_that_cannot_travel_takes_no_other_with_it() -> None:
    outcomes = list(outcomes_in_workers(unsendable_over_two, range(5), 2))
    assert [outcome.item for outcome in outcomes if outcome.error] == [2]
    assert [outcome.value for outcome in outcomes] == [0, 1, None, 3, 4]


def test_an_item_is_not_blamed_for_a_lone_worker_that_had_died_before() -> None:
    next(outcomes_in_workers(die, [1], 1, guarded=True))
    list(outcomes_in_workers(die_over_seven, range(8), 2))
    for worker in multiprocessing.active_children():
        worker.kill()
        worker.join()
    outcomes = list(outcomes_in_workers(die_over_seven, range(8), 2))
    assert [outcome.item for outcome in outcomes if outcome.error] == [7]


def test_items_are_read_only_as_workers_come_free() -> None:
    read = []

    def items() -> Iterator[int]:
        for number in range(100):
            read.append(number)
            yield number

    results = outcomes_in_workers(process, items(), 2)
    next(results)
    assert len(read) <= 4
    assert len(list(results)) == 99


SLEEPING = """
import multiprocessing, time
from ser_assets.runtime.workers import map_in_workers
if __name__ == "__main__":
    results = map_in_workers(time.sleep, [0.01, 0.01] + [60] * 8, 2, chunk=1)
    next(results)
    print(*(worker.pid for worker in multiprocessing.active_children()), flush=True)
    list(results)
"""


def heed_interrupts() -> None:
    """Undo what nohup and shells do to what they start in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_workers_end_with_the_process_that_asked_whatever_they_are_doing(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "sleeping.py"
    script.write_text(SLEEPING)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts
    ) as sleeping:
        assert sleeping.stdout is not None
        workers = [int(number) for number in sleeping.stdout.readline().split()]
        assert len(workers) == 2
        time.sleep(1)
        sleeping.send_signal(how)
        assert sleeping.wait(timeout=30) != 0
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "workers go on without their parent"
        time.sleep(0.05)


NO_SEMAPHORES = """
import errno, os, sys
import _multiprocessing
class No(_multiprocessing.SemLock):
    def __new__(cls, *_, **__):
        raise OSError(int(sys.argv[1]), os.strerror(int(sys.argv[1])))
if sys.argv[1] == "0":
    del _multiprocessing.SemLock
else:
    _multiprocessing.SemLock = No
from functools import partial
from operator import truediv
from ser_assets.runtime.workers import map_in_workers, outcomes_in_workers
if __name__ == "__main__":
    print(list(map_in_workers(partial(truediv, 12), [1, 2], 2)))
    print([outcome.value for outcome in outcomes_in_workers(partial(truediv, 12), [3, 0, 4], 2, guarded=True)])
"""


@pytest.mark.parametrize(
    "number", [errno.ENOSYS, errno.EROFS, errno.ENOSPC, errno.EACCES, errno.ENOENT, 0], ids=lambda n: os.strerror(n)
)
def test_where_there_are_no_semaphores_all_is_done_in_one_process_with_one_warning(tmp_path: Path, number: int) -> None:
    script = tmp_path / "alone.py"
    script.write_text(NO_SEMAPHORES)
    done = subprocess.run([sys.executable, script, str(number)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[12.0, 6.0]", "[4.0, None, 3.0]"]
    assert done.stderr.count("no worker processes") == 1
