"""A second corpus in the same data folder leaves everything of the first one as it is."""

from typing import NamedTuple

import pandas as pd
import pytest

from ser_assets.chosen_corpus import corpus_of
from ser_assets.serving.bundle import champion_folder, open_bundle
from ser_assets.settings import Settings
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets.test_broken_pipelines import run, store
from ser_assets_tests.assets.test_other_emotions import FIVE, SPEAKERS, settings_of_table
from ser_assets_tests.factories.examples import made_up_rows
from ser_assets_tests.factories.media import draw_nothing
from ser_assets_tests.factories.stored_data import SETS

ASSETS = ("random_forest", "metrics_report", "champion_model")


class Corpora(NamedTuple):
    """Settings of RAVDESS and of a table in one data folder, and what RAVDESS was before the table."""

    ravdess: Settings
    table: Settings
    before: dict[str, bytes | str]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Corpora:
    """A forest, report and champion of made-up features of RAVDESS, then of five other emotions of a table."""
    folder = tmp_path_factory.mktemp("data")
    ravdess = Settings(data_dir=folder, workers=1, fold_schemes=("loso",), protocols=("speaker_independent",))
    table = settings_of_table(folder)
    rows = made_up_rows(SPEAKERS, takes_each=4, emotions=FIVE).assign(corpus=table.corpus_name)
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        store(Warehouse(ravdess.corpus_dir), ravdess, made_up_rows(("01", "02", "03"), takes_each=4))
        assert run(ravdess, *ASSETS).success
        before = contents(ravdess)
        store(Warehouse(table.corpus_dir), table, rows, emotions=FIVE)
        assert run(table, *ASSETS).success
    return Corpora(ravdess, table, before)


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


def test_nothing_of_the_first_corpus_changes(corpora: Corpora) -> None:
    assert {"report/index.html", "models/champion/bundle.json", "table predictions"} <= set(corpora.before)
    assert contents(corpora.ravdess) == corpora.before


def test_each_row_and_each_bundle_names_its_corpus(corpora: Corpora) -> None:
    for settings, name in ((corpora.ravdess, "ravdess"), (corpora.table, "table-voices")):
        assert settings.corpus_name == corpus_of(settings).name == name
        predictions = Warehouse(settings.corpus_dir).query("FROM predictions")
        assert set(predictions["corpus"]) == {name}
        facts = open_bundle(champion_folder(settings.corpus_dir)).facts
        assert facts["corpus"]["name"] == name
        assert facts["training"]["licence"] == corpus_of(settings).licence


def test_a_model_is_trained_on_its_own_corpus_alone(corpora: Corpora) -> None:
    examples = load_examples(Warehouse(corpora.table.corpus_dir), corpora.table, SETS)
    assert set(examples.actors) == set(SPEAKERS)
    assert isinstance(examples.rows, pd.DataFrame)
    assert set(examples.rows["corpus"]) == {"table-voices"}
