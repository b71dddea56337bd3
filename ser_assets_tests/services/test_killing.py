"""Processes that are killed: the run is marked as failed within a minute, with the reason, and the next one works."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from ser_assets_tests.services.conftest import BRIEFLY, MakePlatform
from ser_assets_tests.services.graphql import ENDED
from ser_assets_tests.services.platform import LONG_TRAINING, TRAINED, Platform, running
from ser_assets_tests.services.processes import wait_until

pytestmark = pytest.mark.services

A_MINUTE = 60
MONITORED_SECONDS = 30


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


def has_failed_and_says_that_the_process_was_killed(platform: Platform, run: str, process: psutil.Process) -> None:
    """Assert that a run is marked as failed within a minute, and that its page names the killed process."""
    assert platform.ui.run_end(run, A_MINUTE) == "FAILURE"
    reasons = [*platform.ui.reasons(run), *platform.ui.engine_messages(run)]
    killed = f"process {process.pid} of the run is gone"
    # The code server names the signal that ended a process of its own; run monitoring names a process that is gone.
    assert any(killed in reason or "SIGKILL" in reason for reason in reasons), reasons
    platform.no_process_of_a_run_is_left()


def the_next_training_works(platform: Platform) -> None:
    """Assert that a model is trained: no lock of the killed run is in the way."""
    run = platform.ui.launch(["random_forest"], config={"random_forest": BRIEFLY["random_forest"]})
    assert platform.ui.run_end(run) == "SUCCESS", platform.ui.reasons(run)


def is_never_a_ghost(platform: Platform, run: str, process: psutil.Process) -> None:
    """Assert that a run that lost a service has failed with the reason, or goes on and obeys a cancel."""
    with contextlib.suppress(AssertionError):
        platform.ui.run_end(run, MONITORED_SECONDS)
    if platform.ui.status(run) in ENDED:
        assert platform.ui.status(run) == "FAILURE"
        assert all(reason.strip() for reason in platform.ui.reasons(run))
    else:
        assert process.is_running()
        assert platform.ui.cancel(run) == "TerminateRunSuccess"
        assert platform.ui.run_end(run, 20) == "CANCELED"
    platform.no_process_of_a_run_is_left()


def test_a_run_whose_process_is_killed_has_failed_and_the_next_one_works(platform: Platform) -> None:
    before = platform.content()
    run = platform.train_for_long()
    process = platform.run_process()
    process.kill()
    has_failed_and_says_that_the_process_was_killed(platform, run, process)
    assert platform.content() == before
    the_next_training_works(platform)


def test_a_command_of_the_shell_that_is_killed_has_failed(platform: Platform) -> None:
    known = {run["runId"] for run in platform.ui.runs()}
    config = json.dumps({"ops": {TRAINED: {"config": LONG_TRAINING}}})
    shell = platform.shell_run(TRAINED, "--config-json", config)
    [run] = wait_until(lambda: {run["runId"] for run in platform.ui.runs()} - known, 60, "the run is in the history")
    platform.wait_for_training(run)
    process = psutil.Process(shell.pid)
    shell.kill()
    shell.wait()
    has_failed_and_says_that_the_process_was_killed(platform, run, process)


def test_the_code_server_is_killed_and_no_run_is_a_ghost(platform: Platform) -> None:
    run = platform.train_for_long()
    process = platform.run_process()
    platform.kill("code server proxy", "code server")
    is_never_a_ghost(platform, run, process)


def test_the_daemon_is_killed_and_no_run_is_a_ghost_after_the_next_start(platform: Platform) -> None:
    run = platform.train_for_long()
    process = platform.run_process()
    platform.kill("daemon")
    # `dagster dev` ends itself when it misses its daemon; whoever supervises it starts it again.
    assert platform.dev.wait(60) is not None
    platform.start()
    is_never_a_ghost(platform, run, process)


def test_dagster_dev_is_ended_alone_and_no_run_is_a_ghost_after_the_next_start(platform: Platform) -> None:
    run = platform.train_for_long()
    process = platform.run_process()
    # A supervisor that signals one process and not its group; the code server waits for its runs.
    platform.dev.send_signal(signal.SIGINT)
    assert platform.dev.wait(60) is not None
    platform.start()
    is_never_a_ghost(platform, run, process)


@pytest.mark.parametrize("all_of_it", [False, True], ids=["run and code server", "power cut"])
def test_run_and_services_are_killed_and_the_next_start_marks_the_run(platform: Platform, all_of_it: bool) -> None:
    run = platform.train_for_long()
    process = platform.run_process()
    if all_of_it:
        platform.kill_everything()
    else:
        for each in platform.others():
            each.kill()
        platform.kill("code server proxy", "code server")
    platform.restart()
    has_failed_and_says_that_the_process_was_killed(platform, run, process)
    the_next_training_works(platform)
