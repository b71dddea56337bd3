"""A run from the shell: its history, and what it does with runs that were killed."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from ser_assets.automation import PROCESS_TAG, _bury_the_dead

from ser_assets.corpus import archives
from ser_assets.definitions import build_definitions
from ser_assets.history import open_history
from ser_assets.settings import Settings
from ser_assets_tests.corpus.zenodo import Zenodo, an_archive

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


def started_run(instance: dg.DagsterInstance, process: int) -> str:
    @dg.job
    def nothing() -> None: ...

    tags = {PROCESS_TAG: f"{socket.gethostname()} {process}"}
    return instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags).run_id


def test_the_history_lies_where_the_dagster_yaml_of_the_folder_says(folder: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", folder)
    with open_history() as instance:
        assert instance.is_persistent
        assert instance.get_runs() == []
    assert (folder / "data/dagster/history/runs.db").exists()


def test_what_steps_print_is_not_captured_for_the_bars_are_printed_too(folder: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", folder)
    with open_history() as instance:
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"


@pytest.mark.usefixtures("folder")
def test_without_a_dagster_yaml_there_is_no_history() -> None:
    with open_history() as instance:
        assert not instance.is_persistent


def test_a_run_whose_process_was_killed_is_marked_as_failed_and_one_that_lives_is_not() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with dg.instance_for_test() as instance:
        dead, alive = started_run(instance, gone.pid), started_run(instance, os.getpid())
        _bury_the_dead(instance)
        statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {dead: dg.DagsterRunStatus.FAILURE, alive: dg.DagsterRunStatus.STARTED}


def download(settings: Settings, **config: object) -> dg.ExecuteInProcessResult:
    job = build_definitions(settings).resolve_job_def("download_recordings")
    return job.execute_in_process(run_config={"ops": {"download": {"config": config}}})


@pytest.fixture
def published(settings: Settings, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> Settings:
    archive, content = an_archive("01")
    zenodo.publish(archive, content)
    monkeypatch.setattr(archives, "ARCHIVES", {"speech-video": (archive,)})
    return settings.model_copy(update={"zenodo_url": zenodo.url})


def test_recordings_are_downloaded_for_whoever_agrees_and_agreed_before(published: Settings) -> None:
    assert download(published, actors=["01"], agree=True).success
    assert len(list(published.raw_dir.rglob("*.mp4"))) == 60
    assert download(published, actors=["01"]).success


def test_without_agreement_the_licence_is_shown_and_nothing_is_downloaded(published: Settings, zenodo: Zenodo) -> None:
    with pytest.raises(dg.Failure, match=r"CC BY-NC-SA 4.0"):
        download(published, actors=["01"])
    assert not zenodo.requests


def test_a_download_that_fails_says_why(published: Settings, zenodo: Zenodo) -> None:
    zenodo.files.clear()
    with pytest.raises(dg.Failure, match="404 Not Found"):
        download(published, actors=["01"], agree=True)


def test_actors_that_are_not_there_are_refused(published: Settings) -> None:
    with pytest.raises(dg.Failure, match="no actor 25"):
        download(published, actors=["25", "01"], agree=True)
