"""Lists the takes that are stored in files and tables, and removes some of them.

The caller (`ser_assets.withdrawal.withdraw`) decides which. Nothing here knows a corpus.
"""

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.files import files_set_aside, leftovers
from ser_assets.storage.tables import (
    CHAMPION_PREDICTIONS,
    ENSEMBLE_CONTRIBUTIONS,
    NOTEBOOK_REPRODUCTION,
    RAW_VIDEOS,
    SCORE_DIFFERENCES,
    SCORES,
    SCORES_BY_GROUP,
    SKIPPED,
)
from ser_assets.storage.warehouse import FILE_NAME, Warehouse, column_types

if TYPE_CHECKING:
    import duckdb

CLIP_ASSETS = ("mono_audio", "trimmed_audio", "augmented_set", "features", "embeddings")
# Computed from the predictions of all models on all takes.
SUMMARIES = (ENSEMBLE_CONTRIBUTIONS, SCORES, SCORE_DIFFERENCES, SCORES_BY_GROUP, SKIPPED, NOTEBOOK_REPRODUCTION)


class StoredTake(NamedTuple):
    """A take and its speaker; the speaker is empty where a table does not store it."""

    actor: str
    take_id: str


@dataclass(frozen=True)
class Stored:
    """Stored takes, by file (asset and speaker) and by table."""

    files: Mapping[tuple[str, str], frozenset[str]]
    tables: Mapping[str, frozenset[StoredTake]]

    @property
    def takes(self) -> set[StoredTake]:
        """All takes in any file or table."""
        in_files = {StoredTake(actor, take) for (_, actor), takes in self.files.items() for take in takes}
        return in_files.union(*self.tables.values())


def stored_takes(corpus_dir: Path, *, in_files: bool = True) -> Stored:
    """List the takes of every file and table except `raw_videos`, which lists files.

    Args:
        corpus_dir: folder of the corpus.
        in_files: also read files; a damaged one is set aside.
    """
    actor_files, warehouse = ActorFiles(corpus_dir), Warehouse(corpus_dir)
    files = {
        (asset, actor): frozenset(actor_files.input_fingerprint(asset, actor))
        for asset in (CLIP_ASSETS if in_files else ())
        for actor in actor_files.actors(asset)
    }
    if not warehouse.path.exists():
        return Stored(files, {})
    with warehouse.reading() as connection:
        tables = {
            table: frozenset(
                StoredTake(actor or "", take)
                for actor, take in connection.execute(
                    f'SELECT DISTINCT {"actor" if "actor" in columns else "NULL"}, take_id FROM "{table}"'
                ).fetchall()
            )
            for table, columns in column_types(connection).items()
            if "take_id" in columns and table != RAW_VIDEOS
        }
    return Stored(files, tables)


def remove_from_files(corpus_dir: Path, gone: Iterable[StoredTake], stored: Stored) -> list[Path]:
    """Remove takes from the files of clips and features, and every damaged or unfinished copy of these files.

    With any take of a speaker the speaker's thumbnail is removed; the next run draws a new one.

    Returns:
        The files that were rewritten or removed.
    """
    actor_files = ActorFiles(corpus_dir)
    takes_of: dict[str, set[str]] = defaultdict(set)
    for take in gone:
        takes_of[take.actor].add(take.take_id)
    changed = []
    for (asset, actor), takes in stored.files.items():
        if takes & takes_of[actor]:
            changed += actor_files.remove_takes(asset, actor, takes_of[actor])
    names = {actor_files.path(asset, actor).name for asset in CLIP_ASSETS for actor in takes_of}
    for copy in (*files_set_aside(corpus_dir), *leftovers(corpus_dir)):
        original = copy.name.partition(".damaged-")[0].removeprefix(".").partition("~")[0]
        if original in names or original.startswith(FILE_NAME):
            copy.unlink(missing_ok=True)
            changed.append(copy)
    return changed


def models_with_takes(warehouse: Warehouse, gone: Collection[StoredTake]) -> list[str]:
    """List the models that were trained or evaluated on any of these takes."""
    if not warehouse.path.exists():
        return []
    models: set[str] = set()
    with warehouse.reading() as connection:
        _register(connection, gone)
        for table, columns in column_types(connection).items():
            if {"model", "take_id"} <= columns.keys() and table != CHAMPION_PREDICTIONS:
                rows = connection.execute(f'SELECT DISTINCT model FROM "{table}" WHERE {_is_gone(columns)}').fetchall()
                models |= {model for (model,) in rows}
    return sorted(models)


def remove_from_tables(
    warehouse: Warehouse, gone: Collection[StoredTake], models: Collection[str], files: Collection[tuple[str, str]]
) -> dict[str, int]:
    """Remove takes, the evaluation of models that used them, and rows of `raw_videos`, and compact the file.

    Args:
        warehouse: the database.
        gone: takes to remove.
        models: models whose predictions and training rows are removed entirely.
        files: speaker and path of the rows of `raw_videos` to remove.

    Returns:
        The number of removed rows per table.
    """
    if not warehouse.path.exists():
        return {}
    removed: dict[str, int] = {}
    warehouse.compaction_due.touch()
    with warehouse.writing() as connection:
        _register(connection, gone)
        for table, columns in column_types(connection).items():
            if table == RAW_VIDEOS:
                removed[table] = sum(
                    _delete(connection, table, "actor = ? AND path = ?", [actor, path]) for actor, path in sorted(files)
                )
            elif table in SUMMARIES and gone:
                removed[table] = _delete(connection, table, "true", [])
                connection.execute(f'DROP TABLE "{table}"')
            else:
                condition = _is_gone(columns) if "take_id" in columns else "false"
                if "model" in columns and table != CHAMPION_PREDICTIONS:
                    condition = f"({condition}) OR list_contains(?, model)"
                parameters = [sorted(models)] if "?" in condition else []
                removed[table] = _delete(connection, table, condition, parameters)
    removed = {table: rows for table, rows in removed.items() if rows}
    if removed:
        warehouse.compact()
    else:
        warehouse.compaction_due.unlink()
    return removed


def remove_folders(folders: Iterable[Path]) -> list[Path]:
    """Remove the folders that exist, and return them."""
    existing = [folder for folder in folders if folder.is_dir()]
    for folder in existing:
        shutil.rmtree(folder)
    return existing


def _register(connection: "duckdb.DuckDBPyConnection", gone: Collection[StoredTake]) -> None:
    """Make the takes available to SQL as the table `gone`."""
    import pyarrow as pa

    columns = {name: [getattr(take, name) for take in sorted(gone)] for name in StoredTake._fields}
    connection.register("gone", pa.table(columns, schema=pa.schema([(name, pa.string()) for name in columns])))


def _is_gone(columns: Collection[str]) -> str:
    """SQL condition that a row belongs to a take in `gone`; without a speaker in the row, the take id decides."""
    if "actor" in columns:
        return "(actor, take_id) IN (SELECT (actor, take_id) FROM gone)"
    return "take_id IN (SELECT take_id FROM gone)"


def _delete(connection: "duckdb.DuckDBPyConnection", table: str, condition: str, parameters: list) -> int:
    """Delete rows and return their number."""
    result = connection.execute(f'DELETE FROM "{table}" WHERE {condition}', parameters).fetchone()
    return int(result[0]) if result else 0
