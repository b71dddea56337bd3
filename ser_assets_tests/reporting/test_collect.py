"""What the report reads from tables and settings."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.reporting.collect import PredictionsMissingError, report_facts, sound_predictions
from ser_assets.settings import Settings
from ser_assets.storage.tables import MODEL_SETTINGS, PREDICTIONS, TRAINING_ROWS
from ser_assets.storage.warehouse import Warehouse


def test_the_command_names_the_protocols_and_fold_schemes_of_the_predictions_and_not_of_the_settings(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, protocols=("speaker_independent", "random_split"), fold_schemes=("luna5",))
    predictions = pd.DataFrame(
        {"model": "cnn", "protocol": "speaker_independent", "fold_scheme": "loso", "actor": ["01", "02"]}
    )
    facts = report_facts(settings, Warehouse(tmp_path), predictions)
    assert "SER_PROTOCOLS=speaker_independent " in facts["Command"]
    assert "SER_FOLD_SCHEMES=loso " in facts["Command"]
    assert (facts["protocols"], facts["fold_schemes"]) == ("speaker_independent", "loso")


def test_a_model_that_left_the_catalogue_breaks_no_facts(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    made = [{"model": name, "settings": "{}", "seed": 7} for name in ("cnn", "gone")]
    warehouse.replace_rows(MODEL_SETTINGS, pa.Table.from_pylist(made), {})
    predictions = pd.DataFrame(
        {"model": ["cnn", "gone"], "protocol": "speaker_independent", "fold_scheme": "loso", "actor": ["01", "02"]}
    )
    assert report_facts(Settings(data_dir=tmp_path), warehouse, predictions)["seed"] == "7"


def test_predictions_of_models_that_left_the_catalogue_alone_are_none(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    row = {"model": "gone", "protocol": "speaker_independent", "fold_scheme": "loso", "take_id": "a"}
    for table in (PREDICTIONS, TRAINING_ROWS):
        warehouse.replace_rows(table, pa.Table.from_pylist([row]), {})
    with pytest.raises(PredictionsMissingError, match="none of cnn, ensemble has been evaluated: materialize"):
        sound_predictions(warehouse, ["cnn", "ensemble"])
