"""What the pages of the assets show: tables and columns, freshness, numbers to plot, all actors, the report itself."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from ser_assets.assets.metadata.actor_table import MOST_ROWS, inventory_of_all
from ser_assets.assets.metadata.describe import scores_metadata
from ser_assets.audio.features.names import functional_names
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.definitions import build_definitions
from ser_assets.reporting import collect
from ser_assets.settings import Settings
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets.test_broken_pipelines import SMALL_FOREST, run, store
from ser_assets_tests.assets.test_corpus_assets import CHAIN, materialize, sing
from ser_assets_tests.factories.examples import made_up_predictions, made_up_rows
from ser_assets_tests.factories.media import A_PICTURE

WITH_SCORES = ("random_forest", "metrics_report", "champion_model")
ASSETS = (
    *CHAIN,
    "random_forest",
    "neural_network",
    "cnn",
    "complex_cnn",
    "pretrained_encoder",
    "ensemble",
    *WITH_SCORES[1:],
)
FIVE = ("01", "02", "03", "04", "05")


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dg.ExecuteInProcessResult]:
    """Two actors from recordings to features, one of whose files is broken, and the run that made them."""
    folder = tmp_path_factory.mktemp("sung")
    settings = Settings(data_dir=folder, workers=1, speed_perturbation=())
    for actor in ("01", "02"):
        sing(settings, actor, repetitions=2)
    (folder / "raw/Actor_01/03-01-03-02-01-01-01.wav").write_bytes(b"broken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)
        result = materialize(settings, "01", "03", dg.DagsterInstance.ephemeral())
    assert result.success
    return folder, result


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dg.ExecuteInProcessResult]:
    """A forest on made-up features of five actors, its report and the champion, and the run that made them."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("evaluated"),
        workers=1,
        fold_schemes=("loso",),
        protocols=("speaker_independent",),
    )
    store(Warehouse(settings.corpus_dir), settings, made_up_rows(FIVE, takes_each=4, copies_of_neutral=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "missed_takes", lambda *_: [])
        patch.setattr(collect, "example_clips", lambda *_: [])
        result = run(settings, *WITH_SCORES)
    assert result.success
    return settings.data_dir, result


def definition_metadata(settings: Settings, asset: str) -> Mapping[str, Any]:
    return build_definitions(settings).resolve_asset_graph().get(dg.AssetKey(asset)).metadata


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str | None, dict[str, Any]]:
    """Metadata of the events of an asset in a run, by partition."""
    return {
        event.partition: {name: value.value for name, value in event.metadata.items()}
        for event in result.asset_materializations_for_node(asset)
    }


def names(schema: dg.TableSchema) -> list[str]:
    return [column.name for column in schema.columns]


def records(table: Any) -> list[dict[str, Any]]:
    return [dict(record.data) for record in table.records]


def columns_of(data_dir: Path, table: str) -> list[str]:
    """Columns of a table, asked for by the name that pages show."""
    with duckdb.connect(data_dir / "ravdess/ser.duckdb", read_only=True) as connection:
        return [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]


@pytest.mark.parametrize("asset", ["raw_videos", "features"])
def test_the_columns_that_a_page_shows_are_those_of_the_table_that_it_names(
    sung: tuple[Path, dg.ExecuteInProcessResult], asset: str
) -> None:
    metadata = definition_metadata(Settings(data_dir=sung[0]), asset)
    assert set(names(metadata["dagster/column_schema"])) == set(columns_of(sung[0], metadata["dagster/table_name"]))


@pytest.mark.parametrize("asset", ["mono_audio", "trimmed_audio", "augmented_set"])
def test_the_columns_of_clips_are_those_of_their_files_which_the_table_name_finds(
    sung: tuple[Path, dg.ExecuteInProcessResult], asset: str
) -> None:
    metadata = definition_metadata(Settings(data_dir=sung[0]), asset)
    pattern = Path(metadata["dagster/table_name"])
    files = sorted(pattern.parent.glob(pattern.name))
    assert [file.stem for file in files] == ["actor_01", "actor_02"]
    assert names(metadata["dagster/column_schema"]) == pq.read_schema(files[0]).names


def test_the_columns_of_the_functionals_are_stored_with_the_definition_and_not_in_every_event(
    settings: Settings, sung: tuple[Path, dg.ExecuteInProcessResult]
) -> None:
    assert set(functional_names()) <= set(names(definition_metadata(settings, "features")["dagster/column_schema"]))
    assert not any("dagster/column_schema" in metadata for metadata in shown(sung[1], "features").values())


@pytest.mark.parametrize("asset", WITH_SCORES)
def test_columns_that_depend_on_the_emotions_are_those_of_the_table_that_was_made(
    evaluated: tuple[Path, dg.ExecuteInProcessResult], asset: str
) -> None:
    table = definition_metadata(Settings(data_dir=evaluated[0]), asset)["dagster/table_name"]
    [metadata] = shown(evaluated[1], asset).values()
    assert set(names(metadata["dagster/column_schema"])) == set(columns_of(evaluated[0], table))


def test_folders_on_the_pages_are_absolute_wherever_the_server_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    metadata = definition_metadata(Settings(data_dir=Path("data")), "mono_audio")
    assert metadata["dagster/table_name"] == f"{tmp_path}/data/ravdess/mono_audio/*.parquet"


def test_models_report_and_champion_warn_when_they_are_old_and_fail_after_three_times_as_long(
    settings: Settings,
) -> None:
    graph = build_definitions(settings.model_copy(update={"fresh_days": 7})).resolve_asset_graph()
    windows = {}
    for asset in ASSETS:
        policy = graph.get(dg.AssetKey(asset)).freshness_policy
        if policy:
            windows[asset] = (policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta())
    week = datetime.timedelta(days=7)
    assert windows == dict.fromkeys(ASSETS[len(CHAIN) :], (week, 3 * week))


@pytest.mark.parametrize("asset", CHAIN)
def test_the_last_event_of_a_run_lists_all_actors(sung: tuple[Path, dg.ExecuteInProcessResult], asset: str) -> None:
    events = shown(sung[1], asset)
    assert list(events) == ["01", "02"]
    assert "all actors" not in events["01"]
    assert [(row["actor"], row["takes"]) for row in records(events["02"]["all actors"])] == [("01", 15), ("02", 15)]


def test_rejected_files_of_all_actors_are_listed_with_the_last(sung: tuple[Path, dg.ExecuteInProcessResult]) -> None:
    [row] = records(shown(sung[1], "raw_videos")["02"]["rejected files of all actors"])
    assert row["actor"] == "01"
    assert row["file"] == "Actor_01/03-01-03-02-01-01-01.wav"
    assert "cannot be decoded" in row["reason"]


def test_rows_are_counted_of_the_partition_and_with_the_last_of_the_whole_table(
    sung: tuple[Path, dg.ExecuteInProcessResult],
) -> None:
    counts = [
        (metadata["dagster/partition_row_count"], metadata.get("dagster/row_count"))
        for metadata in shown(sung[1], "raw_videos").values()
    ]
    assert counts == [(16, None), (15, 31)]


def test_a_table_on_a_page_stays_short_however_many_actors_there_are() -> None:
    actors = [f"{number:03d}" for number in range(MOST_ROWS + 1)]
    stock = {actor: [RawVideo(f"{actor}.wav", actor, 1, status="rejected", reason="is empty")] for actor in actors}
    metadata = inventory_of_all(stock, list(reversed(actors)))
    for name in ("all actors", "rejected files of all actors"):
        rows = records(metadata[name].value)
        assert [row["actor"] for row in rows] == actors[:0:-1], name
    assert metadata["dagster/row_count"] == MOST_ROWS + 1


def test_takes_are_counted_by_emotion_as_takes_and_clips_as_clips(sung: tuple[Path, dg.ExecuteInProcessResult]) -> None:
    takes = records(shown(sung[1], "raw_videos")["02"]["takes by emotion"])
    clips = records(shown(sung[1], "augmented_set")["02"]["clips by emotion"])
    assert takes[:2] == [{"emotion": "neutral", "takes": 1}, {"emotion": "calm", "takes": 2}]
    assert clips[:2] == [{"emotion": "neutral", "clips": 2}, {"emotion": "calm", "clips": 2}]


@pytest.mark.parametrize(
    ("asset", "name"), [("random_forest", "uar"), ("champion_model", "uar"), ("metrics_report", "best uar")]
)
def test_uar_and_the_ends_of_its_interval_are_numbers_that_can_be_plotted(
    evaluated: tuple[Path, dg.ExecuteInProcessResult], asset: str, name: str
) -> None:
    [metadata] = shown(evaluated[1], asset).values()
    assert 0 < metadata[f"{name} low"] <= metadata[name] <= metadata[f"{name} high"] <= 1


def test_without_an_interval_uar_stands_alone() -> None:
    metadata = scores_metadata(made_up_predictions(("01", "02")), seed=0)
    assert "uar" in metadata
    assert not {"uar low", "uar high"} & set(metadata)


def test_a_model_shows_what_it_was_trained_with(evaluated: tuple[Path, dg.ExecuteInProcessResult]) -> None:
    [metadata] = shown(evaluated[1], "random_forest").values()
    settings = {row["setting"]: row["value"] for row in records(metadata["settings"])}
    assert settings["n_estimators"] == str(SMALL_FOREST["ops"]["random_forest"]["config"]["n_estimators"])
    assert metadata["seed"] == 42


def test_the_report_is_read_on_its_page_without_its_pictures(evaluated: tuple[Path, dg.ExecuteInProcessResult]) -> None:
    [metadata] = shown(evaluated[1], "metrics_report").values()
    page = evaluated[0] / "ravdess/report/index.html"
    assert metadata["page"] == str(page)
    text = (evaluated[0] / "ravdess/report/report.md").read_text(encoding="utf-8")
    assert "](pictures/" in text
    assert "](pictures/" not in metadata["report"]
    written = {line for line in text.splitlines() if not line.startswith(("![", "In the picture:"))}
    assert written <= set(metadata["report"].splitlines())
    assert str(page) in metadata["report"].splitlines()[0]
