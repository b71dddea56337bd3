"""A model that is added to the catalogue, and nowhere else, appears wherever models do."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from ser_assets.cli import main
from ser_assets.definitions import build_definitions
from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.learning.models.catalog import MODELS, titles
from ser_assets.orchestration.run_config import ConfigError, require_valid_config
from ser_assets.settings import Settings
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import draw_nothing
from ser_assets_tests.factories.sung_platform import MODELS_FILE, SungPlatform, stand_in_for_networks
from ser_assets_tests.factories.toy_model import NAME, TOY

SPEAKERS = ("Ann", "Bob", "Cy")


@pytest.fixture(scope="module", autouse=True)
def toy_in_catalogue() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, NAME, TOY)
        stand_in_for_networks(patch)
        patch.setattr("ser_assets.assets.model_checks._parts_that_saw_test_rows", lambda *_: [])
        draw_nothing(patch)
        yield patch


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The data folder of a run over three speakers with the toy in the catalogue."""
    with dg.DagsterInstance.ephemeral() as instance:
        platform = SungPlatform(tmp_path_factory.mktemp("platform"), instance)
        for speaker in SPEAKERS:
            for emotion in ("fear", "joy"):
                for take in range(2):
                    platform.record(speaker, emotion, take)
        platform.write_table()
        settings = platform.settings()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        (settings.data_dir / "models.toml").write_text(MODELS_FILE)
        definitions = build_definitions(settings)
        job = definitions.resolve_job_def("full_refresh")
        tags = {"dagster/asset_partition_range_start": SPEAKERS[0], "dagster/asset_partition_range_end": SPEAKERS[-1]}
        assert job.execute_in_process(instance=instance, tags=tags).success
        yield settings


def column(settings: Settings, query: str) -> set[str]:
    return set(Warehouse(settings.corpus_dir).query(query).iloc[:, 0])


def test_it_is_an_asset_with_its_settings_and_checks(tmp_path: Path) -> None:
    definitions = build_definitions(Settings(data_dir=tmp_path))
    asset = definitions.resolve_asset_graph().get(dg.AssetKey(NAME))
    assert asset.description is not None
    assert asset.description.startswith(TOY.description)
    assert {each.name for each in asset.check_keys} >= {"no_leak", "better_than_chance"}
    parents = definitions.resolve_asset_graph().get(dg.AssetKey(ENSEMBLE)).parent_keys
    assert dg.AssetKey(NAME) in parents


def test_its_predictions_scores_and_weights_are_stored(made: Settings) -> None:
    assert column(made, "SELECT DISTINCT model FROM predictions") == set(titles())
    assert column(made, "SELECT DISTINCT model FROM scores") == set(titles())
    assert column(made, "SELECT DISTINCT member FROM ensemble_weights") == set(MODELS)


def test_the_report_and_the_champions_rule_know_it(made: Settings) -> None:
    figures = json.loads((made.corpus_dir / "report/report.json").read_text(encoding="utf-8"))
    assert NAME in figures["confusion"]
    assert "Toy" in (made.corpus_dir / "report/report.md").read_text(encoding="utf-8")


def test_its_settings_and_version_are_obeyed(tmp_path: Path) -> None:
    assert code_version(NAME, Settings(data_dir=tmp_path)).startswith("1 protocols=")
    with pytest.raises(ConfigError, match="toy: strength"):
        require_valid_config({"ops": {NAME: {"config": {"strength": -1.0}}}}, {NAME})


def test_the_command_line_knows_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["study", "settings", NAME], env={"SER_DATA_DIR": str(tmp_path)})
    assert "no features" in result.output
