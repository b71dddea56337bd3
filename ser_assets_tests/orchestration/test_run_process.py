"""The process of a run: whether it lives, what becomes of the run when it is gone, and of it when the run is ended."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData

from ser_assets.orchestration import run_process
from ser_assets.orchestration.run_process import (
    PROCESS_TAG,
    fail_dead_runs,
    process_tag,
    reason_process_ended,
    supervised,
)
from ser_assets.runtime.stopping import RunEndedError
from ser_assets.storage.files import atomic_file, atomic_folder

STARTED, STARTING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture(scope="module")
def dead_process() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


@dg.job
def nothing() -> None: ...


def run_with(
    instance: dg.DagsterInstance, tag: str | None = None, status: dg.DagsterRunStatus = STARTED
) -> dg.DagsterRun:
    tags = {} if tag is None else {PROCESS_TAG: tag}
    return instance.create_run_for_job(nothing, status=status, tags=tags)


def tag_of(process: int, host: str | None = None, started: float | None = None) -> str:
    return f"{host or socket.gethostname()} {process} {started if started is not None else time.time():.2f}"


def test_a_run_whose_process_was_killed_is_marked_as_failed_with_the_reason(
    instance: dg.DagsterInstance, dead_process: int
) -> None:
    dead, alive = run_with(instance, tag_of(dead_process)), run_with(instance, process_tag())
    assert fail_dead_runs(instance) == [dead.run_id]
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {dead.run_id: dg.DagsterRunStatus.FAILURE, alive.run_id: STARTED}
    [event] = instance.all_logs(dead.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert f"process {dead_process} of the run is gone" in event.get_dagster_event().message
    assert "start the run again" in event.get_dagster_event().message


def test_a_process_with_the_number_of_one_that_is_gone_is_not_taken_for_it(instance: dg.DagsterInstance) -> None:
    earlier = psutil.Process().create_time() - 3600
    assert reason_process_ended(instance, run_with(instance, tag_of(os.getpid(), started=earlier)))


def test_a_process_on_another_host_may_live(instance: dg.DagsterInstance, dead_process: int) -> None:
    assert not reason_process_ended(instance, run_with(instance, tag_of(dead_process, host="elsewhere")))


def test_a_run_that_was_launched_counts_by_the_process_that_dagster_logged(
    instance: dg.DagsterInstance, dead_process: int
) -> None:
    dead, alive = run_with(instance, status=STARTING), run_with(instance, status=STARTING)
    for run, process in ((dead, dead_process), (alive, os.getpid())):
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(process))
    assert reason_process_ended(instance, dead)
    assert not reason_process_ended(instance, alive)


def test_a_run_that_never_began_counts_as_dead_after_three_minutes(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_with(instance, status=STARTING)
    assert not reason_process_ended(instance, run)
    monkeypatch.setattr(run_process, "START_SECONDS", -1.0)
    assert "never started" in reason_process_ended(instance, run)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.SUCCESS])
def test_a_run_that_waits_or_has_ended_is_left_alone(
    instance: dg.DagsterInstance, dead_process: int, status: dg.DagsterRunStatus
) -> None:
    run = run_with(instance, tag_of(dead_process), status)
    assert fail_dead_runs(instance) == []
    assert instance.get_run_by_id(run.run_id).status == status


def test_a_supervised_run_names_its_process(instance: dg.DagsterInstance) -> None:
    run = run_with(instance)
    with supervised(instance, run.run_id):
        assert instance.get_run_by_id(run.run_id).tags[PROCESS_TAG] == process_tag()
        assert not reason_process_ended(instance, instance.get_run_by_id(run.run_id))


def test_a_run_that_is_ended_elsewhere_stores_nothing_more(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = run_with(instance)
    # The interrupt of the main thread that follows within a second is part of it.
    with pytest.raises((RunEndedError, KeyboardInterrupt)), supervised(instance, run.run_id):
        with atomic_file(tmp_path / "before") as part:
            part.write_text("stored")
        instance.report_run_canceled(run)
        with atomic_folder(tmp_path / "after") as part:
            (part / "model").write_text("not stored")
    assert [path.name for path in tmp_path.iterdir()] == ["before"]


def test_the_work_of_a_run_that_is_ended_elsewhere_is_interrupted(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_process, "LOOK_SECONDS", 0.05)
    run = run_with(instance)
    # A shell starts background jobs with SIGINT ignored, and then nothing can interrupt them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), supervised(instance, run.run_id):
            instance.report_run_canceled(run)
            for _ in range(600):
                time.sleep(0.05)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_watch_ends_with_the_run(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_process, "LOOK_SECONDS", 0.05)
    with supervised(instance, run_with(instance).run_id):
        [watch] = [thread for thread in threading.enumerate() if thread.name == "end with run"]
    watch.join(10)
    assert not watch.is_alive()
