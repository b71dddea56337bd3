"""What was requested and left out is seen in the terminal, in the metadata, in the report and by `scores`."""

import json
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from ser_assets.cli import main
from ser_assets.settings import Settings
from ser_assets.storage.skipped import Skipped, all_skipped, skipped_table
from ser_assets.storage.tables import RAW_VIDEOS, SKIPPED
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets.test_broken_pipelines import run, store
from ser_assets_tests.factories.examples import made_up_rows
from ser_assets_tests.factories.media import draw_nothing

FEW = ("protocol random_split", "protocol random_split_leaky")
OTHER_MODELS = ("neural_network", "cnn", "complex_cnn", "pretrained_encoder", "ensemble")


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have reports show no clips, of which there are none of made-up features, and no figures."""
    draw_nothing(monkeypatch)


def made(
    tmp_path: Path, takes_each: int = 1, **settings: object
) -> tuple[Settings, Warehouse, dg.ExecuteInProcessResult]:
    """The forest and the report on three made-up actors, with these settings."""
    chosen = Settings(data_dir=tmp_path, workers=1, **{"fold_schemes": ("loso",), **settings})
    warehouse = Warehouse(chosen.corpus_dir)
    store(warehouse, chosen, made_up_rows(("01", "02", "03"), takes_each=takes_each, copies_of_neutral=0))
    return chosen, warehouse, run(chosen)


def left_out(warehouse: Warehouse) -> dict[str, str]:
    return {
        each.what: each.reason
        for each in all_skipped(warehouse)
        if each.what.removeprefix("model ") not in OTHER_MODELS
    }


@pytest.mark.parametrize(
    ("takes_each", "settings", "expected"),
    [
        (1, {"protocols": ("speaker_independent", "random_split", "random_split_leaky")}, FEW),
        (
            4,
            {"protocols": ("speaker_independent",), "fold_schemes": ("luna5", "emobox6")},
            ("folds 3, 4 of luna5", "folds 2, 3, 6 of emobox6"),
        ),
        (6, {"protocols": ("speaker_independent", "random_split")}, ()),
    ],
    ids=["two protocols", "folds of two schemes", "nothing"],
)
def test_what_cannot_be_had_is_seen_everywhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    takes_each: int,
    settings: dict[str, object],
    expected: tuple[str, ...],
) -> None:
    chosen, warehouse, result = made(tmp_path, takes_each, **settings)
    assert result.success
    assert tuple(left_out(warehouse)) == expected
    reasons = left_out(warehouse)
    monkeypatch.setenv("SER_DATA_DIR", str(tmp_path))
    last_lines = CliRunner().invoke(main, ["scores"]).output.rpartition("requested and left out:")[2]
    page = (tmp_path / "ravdess/report" / "index.html").read_text(encoding="utf-8")
    markdown = (tmp_path / "ravdess/report" / "report.md").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "ravdess/report" / "report.json").read_text(encoding="utf-8"))["skipped"]
    for asset in ("random_forest", "metrics_report"):
        [materialization] = result.asset_materializations_for_node(asset)
        shown = materialization.metadata.get("requested and left out")
        for what in expected:
            assert shown is not None
            assert f"{what}: {reasons[what]}" in str(shown.value)
    for what in expected:
        line = f"{what}: {reasons[what]}"
        assert line in last_lines
        assert line in page.partition('<dl class="tiles">')[0]
        assert f"- {line}" in markdown.splitlines()
        assert line in told
    assert chosen.protocols[0] == "speaker_independent"


def test_models_actors_and_protocols_that_the_report_lacks_are_told_with_the_reason(tmp_path: Path) -> None:
    chosen, warehouse, _ = made(tmp_path, 6, protocols=("speaker_independent",))
    changes = {"04": "'rejected' AS status", "05": "status AS status", "06": "true AS demo"}
    with warehouse.writing() as connection:
        for actor, change in changes.items():
            connection.execute(
                f"INSERT INTO {RAW_VIDEOS} BY NAME SELECT * REPLACE ('{actor}' AS actor, "
                f"take_id || '{actor}' AS take_id, {change}) FROM {RAW_VIDEOS} WHERE actor = '01'"
            )
    more = chosen.model_copy(
        update={"protocols": ("speaker_independent", "speaker_normalised"), "fold_schemes": ("loso", "luna5")}
    )
    assert run(more, "metrics_report").success
    reasons = {each.what: each.reason for each in all_skipped(warehouse)}
    assert list(reasons) == [
        *(f"model {name}" for name in OTHER_MODELS),
        "protocol speaker_normalised",
        "fold scheme luna5",
        "actor 04",
        "actor 05",
        "actor 06",
    ]
    assert "materialize it" in reasons["model cnn"]
    assert "trained without it" in reasons["protocol speaker_normalised"]
    assert "doctor" in reasons["actor 04"]
    assert "no features" in reasons["actor 05"]
    assert "synthesiser" in reasons["actor 06"]


def test_a_model_that_is_trained_again_without_gaps_takes_its_lines_away(tmp_path: Path) -> None:
    chosen, warehouse, _ = made(tmp_path, 1, protocols=("speaker_independent", "random_split"))
    assert "protocol random_split" in left_out(warehouse)
    assert run(chosen.model_copy(update={"protocols": ("speaker_independent",)})).success
    assert left_out(warehouse) == {}


def test_what_several_left_out_for_one_reason_is_told_once(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    one, other = Skipped("protocol a", "too few"), Skipped("protocol a", "too many")
    for asset, skipped in (("cnn", [one]), ("random_forest", [one, other]), ("ensemble", [])):
        warehouse.replace_rows(SKIPPED, skipped_table(asset, skipped), {"model": asset})
    assert all_skipped(warehouse) == [one, other]
    assert [each.line for each in all_skipped(warehouse)] == ["protocol a: too few", "protocol a: too many"]
