"""The processes that belong to one folder: the services, and the runs with their workers."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import psutil

MARK = "TESTED_FOLDER"
"""Environment variable that every process started in a tested folder inherits, also one that left its parent."""

SERVICES = {
    "dagster_webserver": "webserver",
    "dagster._daemon": "daemon",
    "code-server": "code server proxy",
    "grpc": "code server",
    "dev": "dagster dev",
}
Found = TypeVar("Found")


def marked(folder: str) -> list[psutil.Process]:
    """Find all living processes of this folder."""
    return list(_marked(folder))


def _marked(folder: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == folder and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def service_name(process: psutil.Process) -> str | None:
    """Name the service that this process is, or None where it is no service."""
    with contextlib.suppress(psutil.Error):
        arguments = process.cmdline()
        if "execute_run" in arguments or not any("dagster" in argument for argument in arguments[1:4]):
            return None
        return next((name for word, name in SERVICES.items() if word in arguments[1:6]), None)
    return None


def services(folder: str) -> dict[str, psutil.Process]:
    """Find the services of this folder by name."""
    return {name: process for process in marked(folder) if (name := service_name(process))}


def others(folder: str) -> list[psutil.Process]:
    """Find the processes of this folder that are no service: of runs, of their workers, of commands."""
    return [process for process in marked(folder) if service_name(process) is None and not _is_tracker(process)]


def _is_tracker(process: psutil.Process) -> bool:
    """Tell whether this is the process in which Python counts what a service shares; it ends with the service."""
    with contextlib.suppress(psutil.Error):
        parent = process.parent()
        return "resource_tracker" in " ".join(process.cmdline()) and parent is not None and bool(service_name(parent))
    return True


def roots(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Keep those whose parent is not among them: of a run and its workers, the run."""
    processes = list(processes)
    ids = {process.pid for process in processes}
    return [process for process in processes if process.ppid() not in ids]


def memory(processes: Iterable[psutil.Process]) -> int:
    """Add up their resident memory, in bytes."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def described(processes: Iterable[psutil.Process]) -> list[str]:
    """Write a line for each: number, parent, what it is and its command."""
    lines = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())[:120]
            lines.append(f"{process.pid} of {process.ppid()} {service_name(process) or ''}: {command}")
    return lines


def kill_all(folder: str) -> None:
    """Kill whatever of this folder is alive, also what starts while the others are killed."""
    for _ in range(5):
        if not (left := marked(folder)):
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=5)


def wait_until(found: Callable[[], Found], seconds: float, what: str) -> Found:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: it is not after so many seconds; names what was waited for and the last answer.
    """
    end = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {seconds:.0f} s; at last {answer!r}")
        time.sleep(0.2)
    return answer


def wait_until_gone(find: Callable[[], list[psutil.Process]], seconds: float, when: str) -> None:
    """Wait until no such process is there.

    Raises:
        AssertionError: some are still there after so many seconds; names them.
    """
    end = time.monotonic() + seconds
    while left := find():
        if time.monotonic() > end:
            raise AssertionError(f"{seconds:.0f} s after {when}, still there: {described(left)}")
        time.sleep(0.2)
