"""Removal of takes from Dagster's run history: event logs, thumbnails in metadata, captured output.

Only a history in SQLite files is searched, which is the default and what `dagster.yaml` names.
"""

import contextlib
import json
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ser_assets.storage.files import atomic_file

if TYPE_CHECKING:
    import dagster as dg

REMOVED: Final = "(removed)"
EVENT_COLUMNS: Final = (
    ("event_logs", "event"),
    ("asset_keys", "last_materialization"),
    ("asset_check_executions", "evaluation_event"),
)
WAIT_SECONDS: Final = 10.0
PICTURE: Final = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")


class HistoryUncleanError(OSError):
    """A file of the run history could not be cleaned; the message names it, the reason and the remedy."""


def remove_from_history(
    instance: "dg.DagsterInstance",
    names: Collection[str],
    partitions: Collection[str],
    pictured: Collection[str] = (),
) -> list[Path]:
    """Replace names of takes in all events and captured output, and remove the events of whole partitions.

    Args:
        instance: the history.
        names: take ids and file names; longer ones are replaced first.
        partitions: speakers without remaining takes. The materializations of their partitions are removed, and so are
            their names in tables of all actors.
        pictured: speakers who lost takes. The thumbnails in the materializations of their partitions are removed.

    Returns:
        The files that were changed.

    Raises:
        HistoryUncleanError: a file is in use or damaged; all others are clean.
    """
    folder = _events_folder(instance)
    if folder is None or not (names or partitions or pictured):
        return []
    pattern = _pattern(names)
    changed, failed = [], []
    for path in sorted(folder.glob("*.db")):
        try:
            if _clean_events(path, pattern, partitions, pictured):
                changed.append(path)
        except sqlite3.Error as error:
            failed.append(f"{path} ({error})")
    logs = Path(instance.storage_directory()).parent
    for path in sorted({*logs.rglob("compute_logs/*.out"), *logs.rglob("compute_logs/*.err")}):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if pattern.search(text):
            with atomic_file(path) as part:
                part.write_text(pattern.sub(REMOVED, text), encoding="utf-8", errors="surrogateescape")
            changed.append(path)
    if failed:
        raise HistoryUncleanError(
            f"the run history may still name what was removed: {', '.join(failed)}; end the run that uses it, or "
            "remove the file, and use `ser-assets forget` for the speaker"
        )
    return changed


def tag_values(instance: "dg.DagsterInstance", key: str, prefix: str) -> set[str]:
    """Return the values of a tag of asset events that start with a prefix; none for a history without SQLite files.

    Dagster writes the data version of an event into its index, but no other tags.
    """
    index = _index_of_events(instance)
    if index is None:
        return set()
    with contextlib.closing(sqlite3.connect(index, timeout=WAIT_SECONDS)) as connection:
        rows = connection.execute(
            "SELECT DISTINCT value FROM asset_event_tags WHERE key = ? AND substr(value, 1, ?) = ?",
            [key, len(prefix), prefix],
        )
        return {value for (value,) in rows}


def remove_tagged_events(instance: "dg.DagsterInstance", key: str, values: Collection[str]) -> None:
    """Remove asset events with one of these values of a tag, and make Dagster count partitions again."""
    index = _index_of_events(instance)
    if index is None:
        return
    with contextlib.closing(sqlite3.connect(index, timeout=WAIT_SECONDS)) as connection, connection:
        marks = ", ".join("?" * len(values))
        ids = connection.execute(
            f"SELECT event_id FROM asset_event_tags WHERE key = ? AND value IN ({marks})", [key, *values]
        ).fetchall()
        connection.executemany("DELETE FROM asset_event_tags WHERE event_id = ?", ids)
        connection.executemany("DELETE FROM event_logs WHERE id = ?", ids)
        connection.execute("UPDATE asset_keys SET cached_status_data = NULL")


def _index_of_events(instance: "dg.DagsterInstance") -> Path | None:
    folder = _events_folder(instance)
    index = folder / "index.db" if folder else None
    return index if index and index.exists() else None


def mark_removed(instance: "dg.DagsterInstance", assets: Collection[str], why: str) -> None:
    """Record that these assets were removed: Dagster marks them, and everything downstream, as outdated."""
    import dagster as dg
    from dagster._core.definitions.data_version import (
        CODE_VERSION_TAG,
        DATA_VERSION_IS_USER_PROVIDED_TAG,
        DATA_VERSION_TAG,
    )

    tags = {CODE_VERSION_TAG: REMOVED, DATA_VERSION_TAG: REMOVED, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
    for asset in assets:
        if instance.get_latest_materialization_event(dg.AssetKey(asset)):
            instance.report_runless_asset_event(dg.AssetMaterialization(asset, metadata={"removed": why}, tags=tags))


def _events_folder(instance: "dg.DagsterInstance") -> Path | None:
    """Folder of the SQLite files of events; None for a history in memory or on a database server."""
    path_for_shard = getattr(instance.event_log_storage, "path_for_shard", None)
    return Path(path_for_shard("index")).parent if path_for_shard else None


def _pattern(names: Collection[str]) -> re.Pattern[str]:
    """Match any of the names, plain and in JSON notation, but not inside a longer name."""
    written = {form for name in names for form in (name, json.dumps(name)[1:-1], json.dumps(json.dumps(name))[3:-3])}
    longest_first = sorted(written - {""}, key=lambda form: (-len(form), form))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first)) or '(?!)'})(?!\w)")


def _clean_events(path: Path, pattern: re.Pattern[str], partitions: Collection[str], pictured: Collection[str]) -> bool:
    """Clean one SQLite file; return whether it contained anything to remove."""
    with _open(path) as connection:
        columns = {
            (table, column)
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (_, column, *_) in connection.execute(f'PRAGMA table_info("{table}")').fetchall()
        }
        found = 0
        if ("event_logs", "partition") in columns:
            marks = ", ".join("?" * len(partitions))
            recorded = f"SELECT id FROM event_logs WHERE asset_key IS NOT NULL AND partition IN ({marks})"
            ids = connection.execute(recorded, list(partitions)).fetchall()
            if ("asset_event_tags", "event_id") in columns:
                connection.executemany("DELETE FROM asset_event_tags WHERE event_id = ?", ids)
            connection.executemany("DELETE FROM event_logs WHERE id = ?", ids)
            found += len(ids)
        if ("asset_keys", "last_materialization") in columns and partitions:
            found += _forget_latest(connection, partitions)
        for table, column in EVENT_COLUMNS:
            if (table, column) in columns:
                found += _replace(connection, table, column, pattern, partitions, pictured)
        connection.commit()
        if found:
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return found > 0


def _forget_latest(connection: sqlite3.Connection, partitions: Collection[str]) -> int:
    """Clear Dagster's copy of the latest event of an asset and its summary of partitions, which it computes again."""
    latest = connection.execute("SELECT id, last_materialization FROM asset_keys").fetchall()
    stale = [
        (key,)
        for key, event in latest
        if event and any(f'"partition": {json.dumps(each)}' in event for each in partitions)
    ]
    connection.executemany("UPDATE asset_keys SET last_materialization = NULL WHERE id = ?", stale)
    connection.execute("UPDATE asset_keys SET cached_status_data = NULL")
    return len(stale)


def _replace(
    connection: sqlite3.Connection,
    table: str,
    column: str,
    pattern: re.Pattern[str],
    partitions: Collection[str],
    pictured: Collection[str],
) -> int:
    """Replace names of takes, speakers in tables of actors, and thumbnails; return the number of changed rows."""
    rows = connection.execute(f'SELECT id, "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL').fetchall()
    of_pictured = [f'"partition": {json.dumps(each)}' for each in pictured]
    cleaned = []
    for key, text in rows:
        clean = pattern.sub(REMOVED, text)
        for each in partitions:
            clean = clean.replace(f'"actor": {json.dumps(each)}', f'"actor": "{REMOVED}"')
        if any(partition in text for partition in of_pictured):
            clean = PICTURE.sub(REMOVED, clean)
        if clean != text:
            cleaned.append((clean, key))
    connection.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE id = ?', cleaned)
    return len(cleaned)


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file so that deleted content is overwritten."""
    with contextlib.closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        yield connection
