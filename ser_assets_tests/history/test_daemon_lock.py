"""One daemon serves a history; a second one is refused in a line, and nothing else is."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dagster._daemon import cli as daemon

from ser_assets.history import daemon_lock, open_history

BIN = Path(sys.executable).parent
HOLD = """
import sys, filelock
from pathlib import Path
from ser_assets.storage.turns import sign
lock = filelock.FileLock(sys.argv[1])
lock.acquire()
sign(Path(sys.argv[1]), "dagster dev")
print("locked", flush=True)
sys.stdin.read()
"""
IN_USE = (
    r"a Dagster daemon serves the history in .*data/dagster already, process {process} on .* since .*: dagster dev: end"
)


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """End a daemon as soon as it has opened the history, and forget what this process locked."""
    monkeypatch.setattr(daemon, "_daemon_run_command", lambda *_: None)
    monkeypatch.setattr(daemon_lock, "_held", {})
    monkeypatch.setenv("DAGSTER_HOME", str(home))


@pytest.fixture
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that serves the history of this folder."""
    (home / "data/dagster").mkdir(parents=True)
    command = [sys.executable, "-c", HOLD, home / "data/dagster/daemon.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def start_daemon() -> Result:
    return CliRunner().invoke(daemon.run_command, ["--empty-workspace"])


def test_a_daemon_locks_its_history_and_says_who_it_is(home: Path) -> None:
    result = start_daemon()
    assert result.exit_code == 0, result.output
    assert f'"process": {os.getpid()}' in (home / "data/dagster/daemon.lock").read_text()


def test_a_second_daemon_is_refused_by_the_name_of_the_first(holder: subprocess.Popen[str]) -> None:
    result = start_daemon()
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert _names(result.output, holder)


def test_a_second_dagster_dev_ends_at_once_with_the_same_line(home: Path, holder: subprocess.Popen[str]) -> None:
    command = [BIN / "dagster", "dev", "--empty-workspace", "--port", "3991"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True)
    assert done.returncode == 1
    assert _names(done.stderr.splitlines()[-1], holder)
    assert "Traceback" not in done.stderr


def test_a_daemon_that_was_killed_leaves_the_history_free(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert start_daemon().exit_code == 0


def test_another_data_folder_has_another_daemon(holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_DATA_DIR", "data/voices")
    assert start_daemon().exit_code == 0
    assert holder.poll() is None


@pytest.mark.usefixtures("holder")
def test_all_but_daemons_open_a_history_that_is_served() -> None:
    with open_history() as instance:
        assert instance.get_runs() == []


def _names(line: str, holder: subprocess.Popen[str]) -> bool:
    return bool(re.search(IN_USE.format(process=holder.pid), line))
