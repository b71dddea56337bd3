"""What decides how a trained model comes out, as one fingerprint: its clips and labels, settings, seed and code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_assets.learning.data import set_names
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.learning.models.catalog import MODELS
from ser_assets.model_settings import as_dictionary
from ser_assets.settings import Settings
from ser_assets.storage.tables import EMBEDDINGS, FEATURES, MODEL_SETTINGS, PREDICTIONS, USABLE_TAKES, records
from ser_assets.storage.versions import code_version, fingerprint, recipe
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


def training_fingerprint(name: str, of_model: Any, settings: Settings, warehouse: Warehouse) -> str:
    """Hash all that decides what the model `name` learns under these settings from the features that are stored now.

    Args:
        name: of the model.
        of_model: the settings of the model.
        settings: of the platform.
        warehouse: tables of the corpus.
    """
    clips = [recipe(settings), _usable(FEATURES, "take_id, variant, actor, emotion, input_fingerprint", warehouse)]
    if MODELS[name].reads == set_names.EMBEDDINGS:
        clips += [recipe(settings, EMBEDDINGS), _usable(EMBEDDINGS, "take_id, variant, input_fingerprint", warehouse)]
    return fingerprint(name, settings, as_dictionary(of_model), *clips)


def _usable(table: str, columns: str, warehouse: Warehouse) -> list[list[Any]]:
    """These columns of the usable clips of a table, in one order."""
    usable: pa.Table | None = warehouse.query_if_there(
        table, f"SELECT {columns} FROM {table} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash) ORDER BY ALL"
    )
    return [] if usable is None else [list(row.values()) for row in usable.to_pylist()]


def is_trained(name: str, trained_from: str, settings: Settings, warehouse: Warehouse) -> bool:
    """Whether the model that is stored was trained from just this, and is stored whole."""
    stored = records(warehouse, MODEL_SETTINGS, "model = ?", [name])
    if not stored or stored[0].get("trained_from") != trained_from:
        return False
    kinds = [RAW, SPEAKER_NORMALISED] if "speaker_normalised" in settings.protocols else [RAW]
    has_predictions = bool(records(warehouse, PREDICTIONS, "model = ? LIMIT 1", [name], columns=["take_id"]))
    return has_predictions and all(final_model_folder(settings, kind, name).is_dir() for kind in kinds)


def final_model_folder(settings: Settings, kind: str, name: str) -> Path:
    """Folder of a final model; `kind` is `RAW` or `SPEAKER_NORMALISED`."""
    return settings.corpus_dir / "models" / kind / name


def code_version_with_settings(name: str, of_model: Any, settings: Settings) -> str:
    """Code version of a model: with the settings that stay, where they are not the defaults."""
    changed = {
        setting: value
        for setting, value in as_dictionary(of_model).items()
        if value != as_dictionary(type(of_model)())[setting]
    }
    pairs = (f"{setting}={value}" for setting, value in changed.items())
    return " ".join([code_version(name, settings), *pairs])
