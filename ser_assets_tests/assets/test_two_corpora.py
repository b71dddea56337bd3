"""A second corpus in the same data folder leaves everything of the first one as it is."""

from pathlib import Path

import pandas as pd
import pytest

from ser_assets.chosen_corpus import corpus_of
from ser_assets.reporting import collect
from ser_assets.serving.bundle import champion_folder, open_bundle
from ser_assets.settings import Settings
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets.test_broken_pipelines import run, store
from ser_assets_tests.assets.test_other_emotions import FIVE, SPEAKERS, settings_of_table
from ser_assets_tests.factories.examples import made_up_rows
from ser_assets_tests.factories.stored_data import SETS

ASSETS = ("random_forest", "metrics_report", "champion_model")


@pytest.fixture
def ravdess_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A forest, report and champion of RAVDESS, made of made-up features."""
    monkeypatch.setattr(collect, "missed_takes", lambda *_: [])
    monkeypatch.setattr(collect, "example_clips", lambda *_: [])
    settings = Settings(data_dir=tmp_path, workers=1, fold_schemes=("loso",), protocols=("speaker_independent",))
    store(Warehouse(settings.corpus_dir), settings, made_up_rows(("01", "02", "03"), takes_each=4))
    assert run(settings, *ASSETS).success
    return settings


@pytest.fixture
def table_settings(ravdess_settings: Settings) -> Settings:
    """The same of five other emotions of a table's speakers, in the same data folder."""
    settings = settings_of_table(ravdess_settings.data_dir)
    rows = made_up_rows(SPEAKERS, takes_each=4, emotions=FIVE).assign(corpus=settings.corpus_name)
    store(Warehouse(settings.corpus_dir), settings, rows, emotions=FIVE)
    assert run(settings, *ASSETS).success
    return settings


def contents(settings: Settings) -> dict[str, bytes | str]:
    """All files of a corpus, and the rows of its tables."""
    files = {
        path.relative_to(settings.corpus_dir).as_posix(): path.read_bytes()
        for path in settings.corpus_dir.rglob("*")
        if path.is_file() and not path.name.startswith("ser.duckdb")
    }
    warehouse = Warehouse(settings.corpus_dir)
    tables = warehouse.query("SELECT table_name FROM duckdb_tables()").iloc[:, 0]
    return files | {f"table {table}": warehouse.query(f'FROM "{table}" ORDER BY ALL').to_csv() for table in tables}


def test_nothing_of_the_first_corpus_changes(ravdess_settings: Settings) -> None:
    before = contents(ravdess_settings)
    assert {"report/index.html", "models/champion/bundle.json", "table predictions"} <= set(before)
    other = settings_of_table(ravdess_settings.data_dir)
    rows = made_up_rows(SPEAKERS, takes_each=4, emotions=FIVE).assign(corpus=other.corpus_name)
    store(Warehouse(other.corpus_dir), other, rows, emotions=FIVE)
    assert run(other, *ASSETS).success
    assert contents(ravdess_settings) == before


def test_each_row_and_each_bundle_names_its_corpus(ravdess_settings: Settings, table_settings: Settings) -> None:
    for settings, name in ((ravdess_settings, "ravdess"), (table_settings, "table-voices")):
        assert settings.corpus_name == corpus_of(settings).name == name
        predictions = Warehouse(settings.corpus_dir).query("FROM predictions")
        assert set(predictions["corpus"]) == {name}
        facts = open_bundle(champion_folder(settings.corpus_dir)).facts
        assert facts["corpus"]["name"] == name
        assert facts["training"]["licence"] == corpus_of(settings).licence


def test_a_model_is_trained_on_its_own_corpus_alone(table_settings: Settings) -> None:
    examples = load_examples(Warehouse(table_settings.corpus_dir), table_settings, SETS)
    assert set(examples.actors) == set(SPEAKERS)
    assert isinstance(examples.rows, pd.DataFrame)
    assert set(examples.rows["corpus"]) == {"table-voices"}
