"""The process of a run: its identity, whether it is alive, and how it ends when another process ends the run.

A tag of the run identifies its process, so that any other process can check whether it is alive, whoever started it:
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

    The run gets the tag of this process. When another process ends the run, this one is interrupted and stores nothing
    from then on. At the end the worker processes end.
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
    """Identify this process uniquely: host, process number, start time."""
    import psutil

    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.2f}"


def reason_process_ended(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Describe how the process of a run ended; empty as long as it may be alive.

    A process on another host may be alive. A run without the tag was launched, but its process has not started to
    execute it: then Dagster's log of the process counts, or its absence after three minutes.
    """
    host, _, process = run.tags.get(PROCESS_TAG, "").partition(" ")
    if process:
        number, _, started = process.partition(" ")
        alive = host != socket.gethostname() or _is_alive(int(number), float(started))
        return "" if alive else f"process {number} of the run is gone ({CAUSES}): start the run again"
    for entry in instance.all_logs(run.run_id, of_type={dg.DagsterEventType.ENGINE_EVENT}):
        logged = entry.get_dagster_event().engine_event_data.metadata.get("pid")
        if logged is not None:
            alive = _is_alive(int(str(logged.value)), entry.timestamp)
            return "" if alive else f"process {logged.value} of the run is gone ({CAUSES}): start the run again"
    record = instance.get_run_record_by_id(run.run_id)
    waited = time.time() - record.update_timestamp.timestamp() if record else 0.0
    return "the run was launched, but never started: start it again" if waited > START_SECONDS else ""


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run without a process as failed, with the reason; return their ids."""
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_A_PROCESS)):
        if reason := reason_process_ended(instance, run):
            instance.report_run_failed(run, reason)
            dead.append(run.run_id)
    return dead


def _is_alive(number: int, moment: float) -> bool:
    """Whether the process that had this number at this moment is alive; later processes may reuse the number."""
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
        raise RunEndedError(f"another process set the run to {run.status.value}: nothing more is stored")


class _Watch(threading.Thread):
    """Interrupts the main thread when another process ends the run; ends the process if that has no effect.

    The code server interrupts the runs that it has launched; the delay leaves that to it.
    """

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        super().__init__(name="end with run", daemon=True)
        self._instance = instance
        self._run_id = run_id
        self._finished = threading.Event()
        self._interrupting = threading.Lock()

    def stop(self) -> None:
        """Interrupt nothing from now on."""
        with self._interrupting:
            self._finished.set()

    def run(self) -> None:
        """Check the state of the run once a second."""
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
