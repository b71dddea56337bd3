"""`dagster dev` in a folder of its own, as users start it, and whatever belongs to it."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import psutil

from ser_assets_tests.services import processes
from ser_assets_tests.services.graphql import Ui
from ser_assets_tests.services.processes import wait_until

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SMALL = {"SER_PROTOCOLS": "speaker_independent", "SER_SPEED_PERTURBATION": "none", "SER_WORKERS": "2"}
TRAINED = "neural_network"
LONG_TRAINING = {"epochs": 100_000, "members": 1}
OF_TENSORFLOW_BYTES = 350 << 20
SETTINGS_FILE = "models.toml"
BRIEF_SETTINGS = """\
[random_forest]
n_estimators = 20
validation_forests = 1
validation_trees = 10

[neural_network]
members = 1
epochs = 2

[cnn]
members = 1
epochs = 1
filters = [8]

[complex_cnn]
members = 1
epochs = 1
filters = [8]
"""
"""Settings of the models for `SER_MODEL_SETTINGS`: small enough to train all of them in a minute."""


class Platform:
    """A folder with recordings, data, history and, between `start` and the end, the services.

    folder: holds `dagster.yaml` and `workspace.yaml`, and the data under `data`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(ROOT / name, folder)
        (folder / SETTINGS_FILE).write_text(BRIEF_SETTINGS)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
        brief = {"SER_MODEL_SETTINGS": str(folder / SETTINGS_FILE)}
        self.environment = clean | SMALL | brief | dict(environment or {}) | {processes.MARK: str(folder)}
        self.port = _free_port()
        self.ui = Ui(self.port)
        self._starts = 0

    @property
    def data(self) -> Path:
        """Folder of the data."""
        return self.folder / "data"

    def start(self) -> None:
        """Start `dagster dev`, and wait until it answers and the code location is there."""
        self._starts += 1
        self.dev = self._popen("dagster", "dev", "-p", str(self.port), output=f"services-{self._starts}.log")
        # Nobody reads from it before: a run or a reload right after the start would race with the first load.
        wait_until(lambda: self.dev.poll() is not None or self.ui.is_loaded(), 90, "dagster dev answers")
        assert self.dev.poll() is None, f"dagster dev ended at once:\n{self.output()}"

    def restart(self) -> None:
        """Start `dagster dev` again, whatever is left of it."""
        self.kill_everything()
        self.start()

    def command(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder, to its end."""
        return subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def shell_run(self, assets: str, *options: str, output: str = "shell.log") -> subprocess.Popen[bytes]:
        """Start `dagster asset materialize` for these assets, in a session of its own."""
        command = ["dagster", "asset", "materialize", "--select", assets, *options, "-m", "ser_assets.definitions"]
        return self._popen(*command, output=output)

    def interrupt(self) -> None:
        """Press Ctrl-C in the terminal of `dagster dev`: all processes of the terminal receive it."""
        os.killpg(self.dev.pid, signal.SIGINT)

    def services(self) -> dict[str, psutil.Process]:
        """The services by name."""
        return processes.services(str(self.folder))

    def is_whole(self) -> bool:
        """Tell whether all services are there and the code location answers."""
        return set(self.services()) == set(processes.SERVICES.values()) and self.ui.is_loaded()

    def others(self) -> list[psutil.Process]:
        """Processes of runs, workers and commands."""
        return processes.others(str(self.folder))

    def run_process(self) -> psutil.Process:
        """Find the process of the only run that is going on; its workers are below it."""
        [process] = processes.roots(self.others())
        return process

    def train_for_long(self) -> str:
        """Launch a training of a network that takes minutes, wait until it is in the middle, and return the run."""
        run = self.ui.launch([TRAINED], config={TRAINED: LONG_TRAINING})
        self.wait_for_training(run)
        return run

    def wait_for_training(self, run: str) -> None:
        """Wait until a run is in the middle of training a network: its step goes on, TensorFlow is at work."""
        wait_until(lambda: TRAINED in self.ui.steps_started(run), 60, f"{TRAINED} starts")
        at_work = lambda: any(processes.memory([process]) > OF_TENSORFLOW_BYTES for process in self.others())  # noqa: E731
        wait_until(at_work, 60, f"{TRAINED} is trained")
        time.sleep(3)

    def everything(self) -> list[psutil.Process]:
        """All processes of the folder."""
        return processes.marked(str(self.folder))

    def kill(self, *names: str) -> None:
        """Kill these services with SIGKILL."""
        found = self.services()
        for name in names:
            found[name].kill()
        psutil.wait_procs([found[name] for name in names], timeout=10)

    def kill_everything(self) -> None:
        """Kill all of it at once, as a power cut does."""
        processes.kill_all(str(self.folder))

    def no_process_of_a_run_is_left(self) -> None:
        """Wait, for a few seconds at most, until only the services are there."""
        processes.wait_until_gone(self.others, 5, "a run has ended")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the tables, once no other process has them open."""

        def answer() -> list[list[tuple[Any, ...]]]:
            try:
                with duckdb.connect(self.data / "ravdess/ser.duckdb", read_only=True) as connection:
                    return [connection.execute(sql).fetchall()]
            except duckdb.IOException:
                return []

        return wait_until(answer, 30, "the tables can be read")[0]

    def content(self) -> dict[str, str]:
        """Hash of each kept file of a model, and of the rows of each table."""
        files = {path for path in (self.data / "ravdess/models").rglob("*") if path.is_file()}
        found = {str(path): hashlib.blake2b(path.read_bytes()).hexdigest() for path in sorted(files)}
        for (table,) in self.query("SELECT table_name FROM duckdb_tables() ORDER BY ALL"):
            [(rows,)] = self.query(f"SELECT (count(*), sum(hash(rows))) FROM {table} AS rows")
            found[table] = repr(rows)
        return found

    def statuses(self) -> dict[str, str]:
        """Status of each run, read from the history without the services."""
        with self.history() as instance:
            return {run.run_id: run.status.value for run in instance.get_runs()}

    @contextlib.contextmanager
    def history(self) -> Iterator[dg.DagsterInstance]:
        """Open the history in this process."""
        with contextlib.chdir(self.folder), dg.DagsterInstance.from_config(str(self.folder)) as instance:
            yield instance

    def output(self) -> str:
        """The last lines of all that services and commands printed."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def _popen(self, *command: str, output: str) -> subprocess.Popen[bytes]:
        with (self.folder / output).open("ab") as log:
            return subprocess.Popen(
                [BIN / command[0], *command[1:]],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Where a shell starts the tests in the background, they ignore Ctrl-C, and so would all of this.
                preexec_fn=_obey_ctrl_c,
            )


@contextlib.contextmanager
def running(platform: Platform) -> Iterator[Platform]:
    """Start the services of a platform; at the end all its processes are killed, whatever happened."""
    try:
        platform.start()
        yield platform
    finally:
        platform.kill_everything()


def _obey_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
