"""Removes old runs from a history in SQLite files: their rows, events and captured output, and old ticks.

The content of asset pages stays: materializations, observations and planned materializations in the index of events,
evaluations of checks, and the runs that the latest of them refer to. Short transactions allow a daemon and runs to
continue. Rows are removed first, then every file of a run without a row, so that the next prune completes an
interrupted one.
"""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

WAIT_SECONDS = 30.0
RUNS_AT_A_TIME = 200
FREE_SHARE = 0.05

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EVENTS_FILE = re.compile(rf"(?P<run>{_RUN_ID.pattern})\.db(-wal|-shm|-journal)?")
_FINISHED = "('SUCCESS', 'FAILURE', 'CANCELED')"
_FINISHED_BACKFILLS = "('COMPLETED', 'COMPLETED_SUCCESS', 'COMPLETED_FAILED', 'FAILED', 'CANCELED')"

_OLD_RUNS = f"""
    SELECT run_id FROM runs
    WHERE status IN {_FINISHED}
        AND coalesce(end_time, CAST(strftime('%s', update_timestamp) AS REAL)) < ?
        AND id NOT IN (SELECT max(id) FROM runs GROUP BY pipeline_name)
        AND coalesce(backfill_id, '') NOT IN (SELECT key FROM bulk_actions WHERE status NOT IN {_FINISHED_BACKFILLS})
    ORDER BY id
"""
_SHOWN_ON_PAGES = """
    SELECT run_id FROM event_logs WHERE id IN (
        SELECT max(id) FROM event_logs WHERE asset_key IS NOT NULL GROUP BY dagster_event_type, asset_key, partition
    )
    UNION SELECT run_id FROM asset_check_executions WHERE id IN (
        SELECT max(id) FROM asset_check_executions GROUP BY asset_key, check_name, partition
    )
    UNION SELECT last_run_id FROM asset_keys WHERE last_run_id IS NOT NULL
"""
_OLD_TICKS = """
    timestamp < ? AND id NOT IN (SELECT max(id) FROM job_ticks GROUP BY coalesce(selector_id, job_origin_id))
"""
_OLD_BACKFILLS = f"""
    timestamp < ? AND status IN {_FINISHED_BACKFILLS}
        AND key NOT IN (SELECT backfill_id FROM runs WHERE backfill_id IS NOT NULL)
"""


class PruneError(OSError):
    """Nothing can be removed from this history; the message gives the reason and the remedy."""


@dataclass
class Pruned:
    """What was removed, or would be.

    Attributes:
        folder: folder of the history.
        runs: number of removed runs.
        kept: number of old runs that stay because asset pages refer to them.
        ticks: number of removed ticks.
        size_before: bytes of the folder before.
        size_after: bytes of the folder afterwards.
        notes: files that were not compacted, with the reason.
    """

    folder: Path
    runs: int
    kept: int
    ticks: int
    size_before: int
    size_after: int
    notes: list[str]


def prune(instance: dg.DagsterInstance, before: datetime, *, dry_run: bool = False) -> Pruned:
    """Remove runs and ticks that ended before a time.

    Unfinished runs, the last run of each job, the runs that the latest events of each asset, partition and check refer
    to, and the last tick of each schedule stay, however old they are.

    Args:
        instance: the history.
        before: runs that ended before this time are old.
        dry_run: only count.

    Returns:
        What was removed, or would be.

    Raises:
        PruneError: the history is not in SQLite files, or one of them is in use for too long.
    """
    places = _places(instance)
    size = _size(places.folder)
    stamp = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    try:
        with _reading(places.index) as connection:
            shown = {run for (run,) in connection.execute(_SHOWN_ON_PAGES)}
        with _reading(places.runs) as connection:
            ended = [run for (run,) in connection.execute(_OLD_RUNS, [before.timestamp()])]
        old = [run for run in ended if run not in shown]
        with _reading(places.schedules) as connection:
            [(ticks,)] = connection.execute(f"SELECT count(*) FROM job_ticks WHERE {_OLD_TICKS}", [stamp])
        found = Pruned(places.folder, len(old), len(ended) - len(old), ticks, size, size, [])
        if dry_run:
            gone = set(old)
            found.size_after -= sum(_size(path) for run, path in _files_of_runs(places) if run in gone)
            return found
        _remove_rows(places, old, stamp)
        _remove_files(places)
        found.notes = _compact(places)
    except sqlite3.Error as error:
        raise PruneError(f"the history in {places.folder} cannot be changed ({error}): try again later") from error
    found.size_after = _size(places.folder)
    return found


@dataclass(frozen=True)
class _Places:
    """The SQLite files of a history."""

    folder: Path
    runs: Path
    index: Path
    schedules: Path


def _places(instance: dg.DagsterInstance) -> _Places:
    path_for_shard: Callable[[str], str] | None = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_for_shard is None:
        kind = type(instance.event_log_storage).__name__
        raise PruneError(
            f"the history is in {kind} instead of SQLite files, which `ser-assets prune` does not support: run it "
            "where the dagster.yaml of ser-assets is, or remove runs there by other means"
        )
    index = Path(path_for_shard("index"))
    base = index.parent.parent.parent
    places = _Places(
        Path(instance.root_directory), base / "history" / "runs.db", index, base / "schedules" / "schedules.db"
    )
    if missing := [path for path in (places.runs, places.index, places.schedules) if not path.is_file()]:
        raise PruneError(
            f"the history has no {missing[0]}, because dagster.yaml stores its parts in several places: name one there"
        )
    return places


def _remove_rows(places: _Places, runs: Sequence[str], stamp: str) -> None:
    """Remove runs, their events without an asset, old ticks, and backfills without runs."""
    for start in range(0, len(runs), RUNS_AT_A_TIME):
        batch = runs[start : start + RUNS_AT_A_TIME]
        of_runs = f"run_id IN ({', '.join('?' * len(batch))})"
        with _writing(places.index) as connection:
            connection.execute(
                f"DELETE FROM event_logs WHERE {of_runs} AND asset_key IS NULL AND dagster_event_type LIKE 'PIPELINE%'",
                batch,
            )
        with _writing(places.runs) as connection:
            connection.execute(f"DELETE FROM run_tags WHERE {of_runs}", batch)
            connection.execute(f"DELETE FROM runs WHERE {of_runs}", batch)
    with _writing(places.runs) as connection:
        keys = f"SELECT key FROM bulk_actions WHERE {_OLD_BACKFILLS}"
        connection.execute(f"DELETE FROM backfill_tags WHERE backfill_id IN ({keys})", [stamp])
        connection.execute(f"DELETE FROM bulk_actions WHERE {_OLD_BACKFILLS}", [stamp])
    with _writing(places.schedules) as connection:
        connection.execute(f"DELETE FROM job_ticks WHERE {_OLD_TICKS}", [stamp])


def _remove_files(places: _Places) -> None:
    """Remove the files of runs without a row. Files are listed first: a run has its row before its files."""
    found = list(_files_of_runs(places))
    with _reading(places.runs) as connection:
        present = {run for (run,) in connection.execute("SELECT run_id FROM runs")}
    for run, path in found:
        if run in present:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _files_of_runs(places: _Places) -> Iterator[tuple[str, Path]]:
    """Yield the event files of each run, and the folders of its captured output and other files."""
    for path in places.index.parent.iterdir():
        if match := _EVENTS_FILE.fullmatch(path.name):
            yield match["run"], path
    for folder in (places.folder / "logs", places.folder / "storage"):
        for path in folder.iterdir() if folder.is_dir() else ():
            if _RUN_ID.fullmatch(path.name):
                yield path.name, path


def _compact(places: _Places) -> list[str]:
    """Release the disk space of removed rows; return a note for each file that was not compacted."""
    with _reading(places.runs) as connection:
        unfinished = f"SELECT substr(run_id, 1, 8) FROM runs WHERE status NOT IN {_FINISHED} AND status != 'QUEUED'"
        unfinished_runs = [run for (run,) in connection.execute(unfinished)]
    if unfinished_runs:
        return [f"not compacted, because run {', '.join(unfinished_runs)} is in progress: the free space is reused"]
    notes = []
    for path in (places.runs, places.index, places.schedules):
        try:
            with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
                [(free,)] = connection.execute("PRAGMA freelist_count")
                [(pages,)] = connection.execute("PRAGMA page_count")
                if free > pages * FREE_SHARE:
                    connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            notes.append(f"{path} is not compacted ({error}): the next prune does it")
    return notes


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
        yield connection


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction."""
    with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; files that disappear in the meantime count 0."""
    files = (Path(folder, name) for folder, _, names in os.walk(path) for name in names) if path.is_dir() else (path,)
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total
