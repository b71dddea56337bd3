"""The names of the DuckDB tables, which takes in them may be used, and rows as they go in and come out."""

import dataclasses
import typing
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from ser_assets.corpus.raw_video import RawVideo

RAW_VIDEOS = "raw_videos"
FEATURES = "features"
MEL_SEQUENCES = "mel_sequences"
EMBEDDINGS = "embeddings"
PREDICTIONS = "predictions"
LEARNING_CURVES = "learning_curves"
LEAKAGE_AUDIT = "leakage_audit"
TRAINING_ROWS = "training_rows"
VALIDATION_PREDICTIONS = "validation_predictions"
MODEL_SETTINGS = "model_settings"
ENSEMBLE_WEIGHTS = "ensemble_weights"
ENSEMBLE_CONTRIBUTIONS = "ensemble_contributions"
CHAMPION_PREDICTIONS = "champion_predictions"
SCORES = "scores"
SCORE_DIFFERENCES = "score_differences"
SCORES_BY_GROUP = "scores_by_group"
SKIPPED = "skipped"
NOTEBOOK_REPRODUCTION = "notebook_reproduction"

# Spoken by a synthesiser, the demo corpus never stands among recordings of people.
USABLE_TAKES = f"""
    SELECT take_id, audio_hash, demo FROM {RAW_VIDEOS}
    WHERE status = 'accepted' AND NOT (demo AND EXISTS (FROM {RAW_VIDEOS} WHERE status = 'accepted' AND NOT demo))
"""
USABLE_CLIPS = (
    f"SELECT take_id, variant, actor, emotion FROM {FEATURES} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash)"
)
USABLE_EMBEDDINGS = f"FROM {EMBEDDINGS} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash)"


def dataclass_table(rows: Sequence[Any], **constants: str) -> "pa.Table":
    """Turn instances of one dataclass (of str, int, float and bool, or None) into an Arrow table.

    `constants` are text columns with the same value in every row. At least one row is needed.
    """
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    hints = typing.get_type_hints(type(rows[0]))
    fields = []
    for field in dataclasses.fields(rows[0]):
        options = typing.get_args(hints[field.name]) or (hints[field.name],)
        fields.append(pa.field(field.name, types[next(option for option in options if option in types)]))
    fields += [pa.field(name, pa.string()) for name in constants]
    return pa.Table.from_pylist([{**vars(row), **constants} for row in rows], schema=pa.schema(fields))


def records(
    warehouse: Warehouse,
    table: str,
    condition: str,
    parameters: Sequence[Any] = (),
    *,
    columns: Sequence[str] = ("*",),
) -> list[dict[str, Any]]:
    """Read the rows of a table that fulfil an SQL condition as dictionaries; none where there is no such table."""
    chosen = ", ".join(columns)
    rows = warehouse.query_if_there(table, f"SELECT {chosen} FROM {table} WHERE {condition}", list(parameters))
    return [] if rows is None else rows.to_pylist()


def notice_of_demo(warehouse: Warehouse) -> str:
    """Say so where the voices in use are not people's; empty where they are."""
    if warehouse.query(f"FROM ({USABLE_TAKES}) WHERE demo LIMIT 1").empty:
        return ""
    return "These recordings are the synthetic demo corpus: the scores mean nothing for people."


def known_recordings(warehouse: Warehouse, version: str) -> dict[str, dict[str, "RawVideo"]]:
    """Read the rows of `raw_videos` that this code version wrote, by actor and path."""
    from ser_assets.corpus.raw_video import RawVideo

    names = [field.name for field in dataclasses.fields(RawVideo)]
    known: dict[str, dict[str, RawVideo]] = defaultdict(dict)
    # All columns are read: those of other versions are others.
    for row in records(warehouse, RAW_VIDEOS, "true"):
        if row.get("code_version") != version:
            continue
        known[row["actor"]][row["path"]] = RawVideo(**{name: row[name] for name in names})
    return known


def settle_recordings(warehouse: Warehouse, corpus: str, version: str) -> dict[str, list["RawVideo"]]:
    """Resolve duplicates among all recordings in `raw_videos` of this code version again; their rows by actor."""
    from ser_assets.corpus.duplicates import settle_all

    known = known_recordings(warehouse, version)
    settled = settle_all({actor: own.values() for actor, own in known.items()})
    for actor, rows in settled.items():
        if rows != list(known[actor].values()):
            warehouse.replace_rows(
                RAW_VIDEOS, dataclass_table(rows, corpus=corpus, code_version=version), {"actor": actor}
            )
    return settled


def actors_with_takes(warehouse: Warehouse) -> list[str]:
    """Actors with at least one accepted take in `raw_videos`."""
    rows = records(warehouse, RAW_VIDEOS, "status = 'accepted' ORDER BY actor", columns=["DISTINCT actor"])
    return [row["actor"] for row in rows]
