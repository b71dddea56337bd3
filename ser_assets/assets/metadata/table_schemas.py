"""Tables and columns of the assets as Dagster shows them: what is known before anything is materialized."""

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

import dagster as dg

from ser_assets.audio.features.names import functional_names
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.settings import Settings
from ser_assets.storage.clips import CLIP_COLUMNS, LABELS
from ser_assets.storage.tables import CHAMPION_PREDICTIONS, FEATURES, PREDICTIONS, RAW_VIDEOS, SCORES

CLIPS = ("mono_audio", "trimmed_audio", "augmented_set")
TABLES = {
    "raw_videos": RAW_VIDEOS,
    "features": FEATURES,
    "metrics_report": SCORES,
    "champion_model": CHAMPION_PREDICTIONS,
}


def table_metadata(asset: str, settings: Settings) -> dict[str, Any]:
    """Name of the table that an asset fills, so that DuckDB finds it by that name, and columns that never change.

    Predictions and scores have a column for each emotion of the corpus: their columns are listed at materialization.
    """
    if asset in CLIPS:
        columns = {**CLIP_COLUMNS, "audio": "struct(bytes binary, path string)"}
        return {"dagster/table_name": str(settings.corpus_dir / asset / "*.parquet"), **_schema(columns)}
    table = {"dagster/table_name": f"ser.main.{TABLES.get(asset, PREDICTIONS)}"}
    if asset == "raw_videos":
        return table | _schema({"corpus": "string", **_columns_of(RawVideo), "code_version": "string"})
    if asset == "features":
        labels = ("corpus", *LABELS, "transform", "input_fingerprint", "recipe")
        columns = {name: CLIP_COLUMNS.get(name, "string") for name in labels}
        return table | _schema(columns | dict.fromkeys(functional_names(), "float32"))
    return table


def _columns_of(dataclass: type[Any]) -> dict[str, str]:
    names = {str: "string", int: "int64", float: "float64", bool: "bool"}
    hints = typing.get_type_hints(dataclass)
    columns = {}
    for field in dataclasses.fields(dataclass):
        options = typing.get_args(hints[field.name]) or (hints[field.name],)
        columns[field.name] = next(names[option] for option in options if option in names)
    return columns


def _schema(columns: Mapping[str, str]) -> dict[str, dg.TableSchema]:
    return {"dagster/column_schema": dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()])}
