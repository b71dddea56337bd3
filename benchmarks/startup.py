"""How long users wait before anything happens: imports, the help page, and the UI's first answer.

Run: `python benchmarks/startup.py [--runs 9] [--short] [--json FILE]`. Each of ours beside its peer, in turns.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from platform_runs import BIN, new_folder
from timing import parser_of, seconds_of, tell

PORT = 3987
PATIENCE_SECONDS = 120.0
EMPTY = "import dagster as dg\ndefs = dg.Definitions()\n"


def command_seconds(*command: str | Path) -> float:
    """Seconds of a command, from its start to its end."""
    return seconds_of(lambda: subprocess.run(command, check=True, capture_output=True))


def seconds_until_it_answers(folder: Path, *options: str) -> float:
    """Seconds from `dagster dev` to the UI knowing the code location."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    command = [BIN / "dagster", "dev", "--port", str(PORT), *options]
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as dev:
        try:
            while not _answers():
                if dev.poll() is not None or time.perf_counter() - start > PATIENCE_SECONDS:
                    raise SystemExit(f"dagster dev does not answer on port {PORT}")
                time.sleep(0.05)
            return time.perf_counter() - start
        finally:
            dev.send_signal(signal.SIGINT)
            dev.wait(60)


def _answers() -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{PORT}/server_info", timeout=1):
            return True
    except (URLError, OSError):
        return False


def main() -> None:
    """Start everything a few times, print a table."""
    parser = parser_of(__doc__)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    runs = 1 if arguments.short else arguments.runs
    python = sys.executable
    seconds: dict[str, list[float]] = {}
    with TemporaryDirectory() as name:
        ours = new_folder(Path(name) / "ours", Path(name))
        empty = new_folder(Path(name) / "empty", Path(name))
        (empty / "empty.py").write_text(EMPTY)
        ways = {
            "import dagster": lambda: command_seconds(python, "-c", "import dagster"),
            "import ser_assets.definitions": lambda: command_seconds(python, "-c", "import ser_assets.definitions"),
            "ser-assets --help": lambda: command_seconds(BIN / "ser-assets", "--help"),
        }
        if not arguments.short:
            ways |= {
                "dagster dev, empty project": lambda: seconds_until_it_answers(empty, "-f", "empty.py"),
                "dagster dev, this project": lambda: seconds_until_it_answers(ours),
            }
        for _ in range(runs):
            for way, start in ways.items():
                seconds.setdefault(way, []).append(start())
    bare = seconds["import dagster"]
    rows: list[dict[str, Any]] = [
        {"what": way, "seconds": float(np.median(taken)), "times_bare": float(np.median(np.divide(taken, bare)))}
        for way, taken in seconds.items()
    ]
    tell(f"start-up, medians of {runs} runs", rows, arguments.json)


if __name__ == "__main__":
    main()
