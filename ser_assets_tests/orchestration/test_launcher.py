"""The run launcher: it knows what became of a run's process, and ends a run whose code server is gone."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from ser_assets.orchestration.launcher import WatchfulRunLauncher
from ser_assets.orchestration.run_process import PROCESS_TAG, process_tag

ROOT = Path(__file__).resolve().parents[2]
GONE = f"{socket.gethostname()} {os.getpid()} 1.00"
LAUNCHER = {"run_launcher": {"module": "ser_assets.orchestration.launcher", "class": "WatchfulRunLauncher"}}


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(overrides=LAUNCHER) as instance:
        yield instance


def started(instance: dg.DagsterInstance, process: str, **tags: str) -> dg.DagsterRun:
    tags = {PROCESS_TAG: process, **tags}
    return instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)


def test_dagster_yaml_names_it_and_has_runs_monitored() -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert config["run_launcher"] == LAUNCHER["run_launcher"]
    assert config["run_monitoring"]["enabled"]


def test_the_health_of_a_run_is_that_of_its_process(instance: dg.DagsterInstance) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchfulRunLauncher)
    assert launcher.supports_check_run_worker_health
    assert launcher.check_run_worker_health(started(instance, process_tag())).status == WorkerStatus.RUNNING
    health = launcher.check_run_worker_health(started(instance, GONE))
    assert health.status == WorkerStatus.FAILED
    assert "is gone" in (health.msg or "")


def test_a_run_whose_process_is_gone_is_canceled_at_once(instance: dg.DagsterInstance) -> None:
    run = started(instance, GONE)
    assert instance.run_launcher.terminate(run.run_id)
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.CANCELED


def test_a_run_without_a_code_server_is_being_canceled_and_its_process_ends_it(instance: dg.DagsterInstance) -> None:
    server_that_is_gone = json.dumps({"host": "localhost", "socket": "/nowhere"})
    from_shell = started(instance, process_tag())
    from_server = started(instance, process_tag(), **{GRPC_INFO_TAG: server_that_is_gone})
    for run in (from_shell, from_server):
        assert instance.run_launcher.terminate(run.run_id)
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.CANCELING


def test_a_run_that_has_ended_cannot_be_terminated(instance: dg.DagsterInstance) -> None:
    run = started(instance, process_tag())
    instance.report_run_canceled(run)
    assert not instance.run_launcher.terminate(run.run_id)
