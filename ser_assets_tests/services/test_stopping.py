"""Ctrl-C, cancel and force-cancel: what was going on ends, and nothing is written afterwards."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from ser_assets_tests.services.conftest import MakePlatform
from ser_assets_tests.services.platform import Platform, running
from ser_assets_tests.services.processes import wait_until_gone

pytestmark = pytest.mark.services

CLIPS = ("raw_videos", "mono_audio")
LATE_SECONDS = 5


@pytest.fixture(scope="module")
def prepared_platform(make_platform: MakePlatform, prepared: "os.PathLike[str]") -> Iterator[Platform]:
    """The services, on a platform on which everything has been made."""
    with running(make_platform(prepared)) as platform:
        yield platform


@pytest.fixture
def platform(prepared_platform: Platform) -> Platform:
    """The same, started again where the test before has ended or killed services."""
    if not prepared_platform.is_whole():
        prepared_platform.restart()
    return prepared_platform


def nothing_was_written(platform: Platform, before: dict[str, str]) -> None:
    """Assert that models and tables are as they were, now and a while later."""
    assert platform.content() == before
    time.sleep(LATE_SECONDS)
    assert platform.content() == before
    models = platform.data / "ravdess/models"
    parts = [path for path in models.rglob("*.part*") if path.stat().st_mtime > time.time() - 3]
    assert parts == []


def test_a_training_that_is_cancelled_ends_and_the_old_models_stay(platform: Platform) -> None:
    before = platform.content()
    run = platform.train_for_long()
    assert platform.ui.cancel(run) == "TerminateRunSuccess"
    assert platform.ui.run_end(run, seconds=20) == "CANCELED"
    platform.no_process_of_a_run_is_left()
    nothing_was_written(platform, before)


def test_a_training_that_is_cancelled_by_force_ends_although_the_code_server_is_gone(platform: Platform) -> None:
    before = platform.content()
    run = platform.train_for_long()
    platform.kill("code server proxy", "code server")
    assert platform.ui.cancel(run, by_force=True) == "TerminateRunSuccess"
    assert platform.ui.status(run) == "CANCELED"
    wait_until_gone(platform.others, 60, "a run was cancelled by force")
    assert platform.ui.status(run) == "CANCELED"
    nothing_was_written(platform, before)


def test_ctrl_c_ends_the_services_and_the_run_that_is_going_on(platform: Platform) -> None:
    before = platform.content()
    run = platform.train_for_long()
    platform.interrupt()
    wait_until_gone(platform.everything, 20, "Ctrl-C")
    assert platform.statuses()[run] in ("CANCELED", "FAILURE")
    nothing_was_written(platform, before)


def test_a_run_outlives_an_interrupt_of_dagster_dev_alone_and_can_still_be_cancelled(platform: Platform) -> None:
    before = platform.content()
    run = platform.train_for_long()
    os.kill(platform.dev.pid, signal.SIGINT)
    platform.dev.wait(60)
    assert platform.statuses()[run] == "STARTED"
    with platform.history() as instance:
        assert instance.run_launcher.terminate(run)
    # The code server of the run ends with it, once it has missed `dagster dev` for a while.
    wait_until_gone(platform.everything, 120, "the run was cancelled")
    assert platform.statuses()[run] == "CANCELED"
    nothing_was_written(platform, before)


def test_ctrl_c_ends_the_services_after_a_run_that_had_workers(platform: Platform) -> None:
    for clips in platform.data.glob("mono_audio/*.parquet"):
        clips.unlink()
    run = platform.ui.launch(CLIPS, partition_range=("01", "02"))
    assert platform.ui.run_end(run) == "SUCCESS", platform.ui.reasons(run)
    platform.interrupt()
    wait_until_gone(platform.everything, 20, "Ctrl-C")
