"""Runs the platform as users do, in a folder of its own, and says what it took."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copy
from typing import NamedTuple

import psutil

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHAIN = "raw_videos,mono_audio,trimmed_audio,augmented_set,features"
LOOK_SECONDS = 0.2


class Run(NamedTuple):
    """Seconds on the wall, and the most memory that all its processes held together (proportional set size)."""

    seconds: float
    megabytes: float


def new_folder(folder: Path, raw: Path) -> Path:
    """A folder to run in, with these recordings and nothing made of them yet."""
    (folder / "data").mkdir(parents=True)
    (folder / "data/raw").symlink_to(raw.resolve())
    for name in ("dagster.yaml", "workspace.yaml"):
        copy(ROOT / name, folder)
    return folder


def to_features(folder: Path, actors: Sequence[str], cores: int, **settings: str) -> Run:
    """Materialize everything up to `features` by the command of the README, on so many cores."""
    command = ["dagster", "asset", "materialize", "--select", CHAIN, "-m", "ser_assets.definitions"]
    command += ["--partition-range", f"{actors[0]}...{actors[-1]}"]
    return run(command, folder, cores, {"SER_WORKERS": str(cores), **settings})


def run(command: Sequence[str], folder: Path, cores: int, settings: Mapping[str, str]) -> Run:
    """Run a command of the project on so many cores; raise CalledProcessError, with what it said, if it fails."""
    chosen = set(sorted(os.sched_getaffinity(0))[:cores])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    start = time.perf_counter()
    with (folder / "run.log").open("w") as log:
        process = subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=folder,
            env={**environment, **settings},
            stdout=log,
            stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, chosen),
        )
        peak = _watch(process)
        code = process.wait()
    seconds = time.perf_counter() - start
    if code:
        raise subprocess.CalledProcessError(code, command, (folder / "run.log").read_text()[-3000:])
    return Run(seconds, peak[0] / 1e6)


def _watch(process: subprocess.Popen) -> list[int]:
    """Keep the most memory seen in the one entry of the list that comes back, until the process ends."""
    peak = [0]

    def look() -> None:
        while process.poll() is None:
            held = 0
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            except psutil.Error:
                family = []
            for member in family:
                try:
                    held += member.memory_full_info().pss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], held)
            time.sleep(LOOK_SECONDS)

    threading.Thread(target=look, daemon=True).start()
    return peak
