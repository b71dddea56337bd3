"""What the report reads from tables and settings."""

from pathlib import Path

import pandas as pd

from ser_assets.reporting.collect import report_facts
from ser_assets.settings import Settings
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
