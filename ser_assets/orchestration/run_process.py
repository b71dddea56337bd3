"""The process that a run runs in: who it is, whether it still lives, and how it ends when the run is ended elsewhere.

A run names its process in a tag, so that any other process can find out whether it still lives, whoever started it:
the UI, a backfill, the schedule, `dagster asset materialize` or `ser-assets run`.
"""

import _thread
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from ser_assets.runtime.stopping import RunEndedError, stored_only_while
from ser_assets.runtime.workers import end_workers

PROCESS_TAG: Final = "ser_assets/process"
ENDED: Final = (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)
BEING_ENDED: Final = (dg.DagsterRunStatus.CANCELING, *ENDED)
IN_A_PROCESS: Final = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
LOOK_SECONDS: Final = 1.0
INTERRUPT_AFTER_SECONDS: Final = 5.0
GIVE_UP_AFTER_SECONDS: Final = 20.0
SAME_START_SECONDS: Final = 2.0
START_SECONDS: Final = 180.0
CAUSES: Final = "it was killed, it crashed, or the machine was restarted"


@contextmanager
def supervised(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Tie the run to this process while the body executes it.

    The run carries the tag that names this process. When another process ends the run, this one is interrupted, and
    from then on nothing is stored. At the end the worker processes end.
    """
    if not instance.is_persistent:
        yield
        return
    if instance.has_run(run_id):
        instance.add_run_tags(run_id, {PROCESS_TAG: process_tag()})
    watch = _Watch(instance, run_id)
    watch.start()
    try:
        with stored_only_while(lambda: _require_not_ended(instance, run_id)):
            yield
    finally:
        watch.stop()
        end_workers()


def process_tag() -> str:
    """Name this process so that no other one is taken for it: host, process number, time of its start."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def death_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Say how the process of a run is known to have ended; empty as long as it may live.

    A process on another host may live. A run without the tag was launched, but its process had not begun to execute it:
    then what Dagster logged of the process counts, or that there is none after three minutes.
    """
    host, _, process = run.tags.get(PROCESS_TAG, "").partition(" ")
    if process:
        number, _, started = process.partition(" ")
        there = host != socket.gethostname() or _lives(int(number), float(started))
        return "" if there else f"process {number} of the run is gone ({CAUSES}): start the run again"
    for entry in instance.all_logs(run.run_id, of_type={dg.DagsterEventType.ENGINE_EVENT}):
        logged = entry.get_dagster_event().engine_event_data.metadata.get("pid")
        if logged is not None:
            there = _lives(int(str(logged.value)), entry.timestamp)
            return "" if there else f"process {logged.value} of the run is gone ({CAUSES}): start the run again"
    record = instance.get_run_record_by_id(run.run_id)
    waits = time.time() - record.update_timestamp.timestamp() if record else 0.0
    return "the run was launched, but never began: start it again" if waits > START_SECONDS else ""


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run as failed whose process is gone, with the reason; returns their ids."""
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_A_PROCESS)):
        if reason := death_of(instance, run):
            instance.report_run_failed(run, reason)
            dead.append(run.run_id)
    return dead


def _lives(number: int, moment: float) -> bool:
    """Whether the process runs that had this number at this moment; a number is given again to later processes."""
    import psutil

    try:
        process = psutil.Process(number)
        return process.create_time() < moment + SAME_START_SECONDS and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _require_not_ended(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status in ENDED:
        raise RunEndedError(f"the run is {run.status.value} by another process: nothing more is stored")


class _Watch(threading.Thread):
    """Interrupts the main thread once the run is being ended from elsewhere; ends the process if that does not help.

    The code server interrupts the runs that it has launched; the wait leaves that to it where it can.
    """

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        super().__init__(name="end with run", daemon=True)
        self._instance = instance
        self._run_id = run_id
        self._finished = threading.Event()
        self._interrupting = threading.Lock()

    def stop(self) -> None:
        """Have it interrupt nothing from now on."""
        with self._interrupting:
            self._finished.set()

    def run(self) -> None:
        """Look once a second."""
        ended_since = None
        interrupted = False
        while not self._finished.wait(LOOK_SECONDS):
            run = self._instance.get_run_by_id(self._run_id)
            if run is None or run.status not in BEING_ENDED:
                continue
            ended_since = ended_since or time.monotonic()
            waited = time.monotonic() - ended_since
            with self._interrupting:
                if self._finished.is_set():
                    return
                if not interrupted and (run.status in ENDED or waited > INTERRUPT_AFTER_SECONDS):
                    interrupted = True
                    end_workers()
                    _thread.interrupt_main()
                if waited > GIVE_UP_AFTER_SECONDS:
                    end_workers()
                    os._exit(1)
