"""Runs that are killed, run out of disk, run into each other, or find damage: what is at rest afterwards is right.

`python -m robustness.broken_runs kill|full-disk|overlap|damage` does it on three actors of the real recordings
(SER_RAVDESS) and prints what was seen.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from ser_assets_tests.conftest import real_recordings

ACTORS = ("01", "02", "03")
CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features")
MODELS = ("random_forest", "neural_network", "cnn", "complex_cnn", "ensemble")
REPORT = ("metrics_report", "champion_model")
# Small enough to be trained dozens of times.
CONFIG = {
    "ops": {name: {"config": {"epochs": 1}} for name in MODELS[1:4]}
    | {"random_forest": {"config": {"n_estimators": 20}}}
}
LEFT_FREE_BYTES = 64 << 10


@dataclass(frozen=True)
class Platform:
    """A data folder of its own, and a history beside it."""

    folder: Path

    @property
    def data(self) -> Path:
        """Folder of the data."""
        return self.folder / "data"

    @property
    def history(self) -> Path:
        """Folder of Dagster's history."""
        return self.folder / "history"

    @property
    def environment(self) -> dict[str, str]:
        """What commands are told."""
        return {
            **os.environ,
            "SER_DATA_DIR": str(self.data),
            "SER_PROTOCOLS": "speaker_independent",
            "SER_FOLD_SCHEMES": "loso",
            "DAGSTER_HOME": str(self.history),
        }

    def doctor(self) -> str:
        """What the doctor says."""
        command = [sys.executable, "-c", "from ser_assets.cli import main; main()", "doctor", "--all"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def start(self, assets: Sequence[str], actors: tuple[str, str] = (ACTORS[0], ACTORS[-1])) -> subprocess.Popen[str]:
        """Start to materialize assets from the shell, in a session of its own."""
        self.history.mkdir(exist_ok=True)
        # Two processes that make Dagster's history at the same moment stumble over each other.
        dg.DagsterInstance.from_config(str(self.history)).dispose()
        config = {"ops": {name: op for name, op in CONFIG["ops"].items() if name in assets}}
        command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "ser_assets.definitions"]
        command += ["--select", ",".join(assets), "--partition-range", "...".join(actors)]
        command += ["--config-json", json.dumps(config)]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, assets: Sequence[str], actors: tuple[str, str] = (ACTORS[0], ACTORS[-1])) -> tuple[int, str]:
        """Materialize assets; hands out the exit code and what was printed."""
        process = self.start(assets, actors)
        message, _ = process.communicate()
        return process.returncode, message

    def contents(self) -> dict[str, str]:
        """Hash of every file and every table at rest; the order of rows does not count, nor does that of the files."""
        import duckdb

        found = {}
        for path in self.data.rglob("*"):
            name = path.relative_to(self.data).as_posix()
            if path.is_file() and not name.startswith(("raw/", "ravdess/ser.duckdb")):
                found[name] = hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324 - nobody attacks
        database = self.data / "ravdess/ser.duckdb"
        if database.exists():
            with duckdb.connect(database, read_only=True) as connection:
                for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    rows = sorted(map(repr, connection.execute(f'FROM "{table}"').fetchall()))
                    found[f"table {table}"] = hashlib.md5("\n".join(rows).encode()).hexdigest()  # noqa: S324
        return found


def differences(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """What is at rest here and not there, or not the same."""
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


@contextlib.contextmanager
def platform(recordings: Path, actors: Sequence[str] = ACTORS) -> Iterator[Platform]:
    """Hand out an empty platform with links to the recordings of some actors."""
    with tempfile.TemporaryDirectory() as folder:
        made = Platform(Path(folder))
        (made.data / "raw").mkdir(parents=True)
        for actor in actors:
            (made.data / "raw" / f"Actor_{actor}").symlink_to(recordings / f"Actor_{actor}")
        yield made


def undisturbed(recordings: Path, assets: Sequence[str]) -> tuple[dict[str, str], float]:
    """What a run leaves that nothing disturbs, and how many seconds it takes."""
    with platform(recordings) as calm:
        begun = time.monotonic()
        code, message = calm.run(assets)
        if code:
            sys.exit(message)
        return calm.contents(), time.monotonic() - begun


def kill(recordings: Path, times: int, assets: Sequence[str], seed: int) -> list[str]:
    """Kill a run at random moments, run it again, and compare; hands out what was not as it should be.

    Every other time all of its processes are killed at once, else the main one alone.
    """
    wanted, seconds = undisturbed(recordings, assets)
    print(f"undisturbed: {seconds:.1f} s, {len(wanted)} files and tables", flush=True)
    moments = random.Random(seed)
    wrong = []
    for number in range(times):
        with platform(recordings) as struck:
            process = struck.start(assets)
            moment = moments.uniform(0, seconds)
            time.sleep(moment)
            everything = number % 2 == 0
            with contextlib.suppress(ProcessLookupError):
                if everything:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            process.communicate()
            left = len(struck.contents())
            code, message = struck.run(assets)
            unequal = differences(struck.contents(), wanted)
            litter = [path.name for path in struck.data.rglob(".*~*")]
            told = "the same" if not (code or unequal or litter) else f"exit {code}, differs {unequal}, left {litter}"
            who = "all" if everything else "main"
            print(f"{number + 1}: {who} killed after {moment:.1f} s with {left} at rest: {told}", flush=True)
            if told != "the same":
                wrong.append(f"{number + 1}: {told}\n{message[-2000:] if code else ''}")
    return wrong


def full_disk(recordings: Path) -> list[str]:
    """Let the disk be full in each asset in turn; hands out what was not as it should be. Needs root, for a tmpfs."""
    wanted, _ = undisturbed(recordings, (*CHAIN, *MODELS, *REPORT))
    wrong = []
    with platform(recordings) as small, _tmpfs(small):
        for asset in (*CHAIN, *MODELS, *REPORT):
            before = small.contents()
            filler = small.data / "raw/filler"
            _fill(filler, small.data)
            code, message = small.run([asset])
            told = re.search(r"no space left on the disk to write \S+", message)
            reason = told[0] if told else "no reason"
            touched = differences(small.contents(), before)
            filler.unlink()
            print(f"{asset}: exit {code}; {reason}; changed: {touched or 'nothing'}", flush=True)
            # Actors that were finished before the disk was full are kept, each whole.
            half = [name for name in touched if name != "table raw_videos"]
            if code == 0 or reason == "no reason" or half:
                wrong.append(f"{asset}: exit {code}, {reason}, changed {touched}\n{message[-3000:]}")
            code, message = small.run([asset])
            if code:
                wrong.append(f"{asset}: failed after there was room again\n{message[-3000:]}")
        if unequal := differences(small.contents(), wanted):
            wrong.append(f"in the end differs {unequal}")
    return wrong


def overlap(recordings: Path, times: int) -> list[str]:
    """Two runs at once with an actor in common, and a reader who holds the database open now and then."""
    wanted, _ = undisturbed(recordings, CHAIN)
    reader = "import duckdb, sys, time\nwith duckdb.connect(sys.argv[1], read_only=True): time.sleep(1.5)"
    wrong = []
    for number in range(times):
        with platform(recordings) as shared:
            runs = [shared.start(CHAIN, actors) for actors in (("01", "02"), ("02", "03"))]
            readings = 0
            while any(run.poll() is None for run in runs):
                database = shared.data / "ravdess/ser.duckdb"
                if database.exists():
                    asked = subprocess.run([sys.executable, "-c", reader, database], capture_output=True, check=False)
                    readings += asked.returncode == 0
                time.sleep(0.5)
            message = [run.communicate()[0] for run in runs]
            unequal = differences(shared.contents(), wanted)
            codes = [run.returncode for run in runs]
            print(
                f"{number + 1}: exits {codes}, {readings} readings in between, differs: {unequal or 'nothing'}",
                flush=True,
            )
            if any(codes) or unequal:
                wrong.append(f"{number + 1}: {codes}, {unequal}\n" + "\n".join(text[-2000:] for text in message))
    return wrong


def damage(recordings: Path, times: int, seed: int) -> list[str]:
    """Overwrite a part of a file at rest, ask the doctor, run once, and compare."""
    chance = random.Random(seed)
    wrong = []
    with platform(recordings) as hurt:
        hurt.run(CHAIN)
        wanted = hurt.contents()
        files = ["ravdess/ser.duckdb", *(f"ravdess/{asset}/actor_02.parquet" for asset in CHAIN[1:])]
        for number in range(times):
            path = hurt.data / files[number % len(files)]
            content = bytearray(path.read_bytes())
            place = chance.randrange(len(content))
            content[place : place + 4000] = os.urandom(len(content[place : place + 4000]))
            path.write_bytes(content)
            named = f"{path} was damaged" in hurt.doctor().replace("\n", " ")
            aside = list(hurt.data.rglob("*.damaged-*"))
            for each in aside:
                each.unlink()
            code, message = hurt.run(CHAIN)
            unequal = differences(hurt.contents(), wanted)
            print(
                f"{number + 1}: {path.relative_to(hurt.data)} at {place} of {len(content)}: "
                f"{'named' if named else 'not named'}, {len(aside)} set aside, "
                f"exit {code}, differs: {unequal or 'nothing'}",
                flush=True,
            )
            if not named or code or unequal:
                wrong.append(f"{number + 1}: {path}: {unequal}\n{message[-2000:] if code else ''}")
    return wrong


@contextlib.contextmanager
def _tmpfs(small: Platform) -> Iterator[None]:
    """Put the data folder of a platform, with its links to recordings, on a small disk of its own."""
    links = {link.name: link.readlink() for link in (small.data / "raw").iterdir()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", small.data], check=True)
    try:
        (small.data / "raw").mkdir()
        for name, target in links.items():
            (small.data / "raw" / name).symlink_to(target)
        yield
    finally:
        subprocess.run(["umount", "-l", small.data], check=True)


def _fill(filler: Path, disk: Path) -> None:
    state = os.statvfs(disk)
    filler.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - LEFT_FREE_BYTES)))


def main() -> None:
    """Break runs in one of the ways, and tell what came of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("how", choices=["kill", "full-disk", "overlap", "damage"])
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--models", action="store_true", help="kill: models, report and champion, too")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    recordings = real_recordings()
    if recordings is None:
        sys.exit("no real recordings: set SER_RAVDESS to the folder that holds Actor_01, Actor_02, …")
    match arguments.how:
        case "kill":
            assets = (*CHAIN, *MODELS, *REPORT) if arguments.models else CHAIN
            wrong = kill(recordings, arguments.times, assets, arguments.seed)
        case "full-disk":
            wrong = full_disk(recordings)
        case "overlap":
            wrong = overlap(recordings, arguments.times)
        case _:
            wrong = damage(recordings, arguments.times, arguments.seed)
    print("\n".join(wrong) or "all as it should be")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
