"""Takes leave files, tables and the run history without a trace, and the others stay as they are."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from ser_assets.history.take_removal import REMOVED, HistoryUncleanError, mark_removed, remove_from_history
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import Clip
from ser_assets.storage.files import DiskFullError
from ser_assets.storage.tables import CHAMPION_PREDICTIONS, FEATURES, PREDICTIONS, RAW_VIDEOS, SCORES, TRAINING_ROWS
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal.find import Withdrawn
from ser_assets.withdrawal.removal import (
    Stored,
    StoredTake,
    models_with_takes,
    remove_from_files,
    remove_from_tables,
    stored_takes,
)
from ser_assets.withdrawal.withdraw import remove
from ser_assets_tests.factories.media import voice
from ser_assets_tests.factories.stored_data import put, spoken_clip

TAKES = [f"01-03-01-01-{number:02d}-05" for number in range(1, 21)]
GONE = StoredTake("05", TAKES[0])


def clips(takes: list[str]) -> list[Clip]:
    return [spoken_clip(take, voice(0.05, rate=8000, seed=TAKES.index(take)), 8000) for take in takes]


def test_a_file_without_some_takes_is_as_if_they_had_never_been_there(tmp_path: Path) -> None:
    files, fresh = ActorFiles(tmp_path / "a"), ActorFiles(tmp_path / "b")
    path = put(files, "mono_audio", "05", clips(TAKES))
    aside = path.rename(path.with_name(f"{path.name}.damaged-1"))
    put(files, "mono_audio", "05", clips(TAKES))
    files.write_picture("mono_audio", "05", b"png")
    changed = remove_from_files(files.folder, [GONE], stored_takes(files.folder))
    assert set(changed) == {path, files.picture_path("mono_audio", "05"), aside}
    assert not aside.exists()
    assert path.read_bytes() == put(fresh, "mono_audio", "05", clips(TAKES[1:])).read_bytes()
    assert remove_from_files(files.folder, [GONE], stored_takes(files.folder)) == []


def test_a_file_without_any_take_left_goes(tmp_path: Path) -> None:
    files = ActorFiles(tmp_path)
    path = put(files, "trimmed_audio", "05", clips(TAKES[:2]))
    remove_from_files(tmp_path, [StoredTake("05", take) for take in TAKES[:2]], stored_takes(tmp_path))
    assert not path.exists()
    assert files.actors("trimmed_audio") == []


def test_speakers_of_any_name_are_found_by_their_files(tmp_path: Path) -> None:
    files = ActorFiles(tmp_path)
    for name in ("Ann/Lee", "Zoë 1", "%41"):
        put(files, "mono_audio", name, clips(TAKES[:1]))
    assert files.actors("mono_audio") == ["%41", "Ann/Lee", "Zoë 1"]


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Two speakers; `cnn` was trained on the take that goes, `forest` on another speaker alone."""
    warehouse = Warehouse(tmp_path / "ravdess")
    other = "01-03-01-01-01-06"
    tables = {
        FEATURES: {"actor": ["05", "06"], "take_id": [TAKES[0], other]},
        PREDICTIONS: {"model": ["cnn", "forest"], "actor": ["06", "06"], "take_id": [other, other]},
        TRAINING_ROWS: {"model": ["cnn", "forest"], "take_id": [TAKES[0], other]},
        CHAMPION_PREDICTIONS: {"model": ["cnn"] * 2, "actor": ["05", "06"], "take_id": [TAKES[0], other]},
        SCORES: {"model": ["cnn", "forest"], "value": [0.5, 0.6]},
        RAW_VIDEOS: {"actor": ["05", "06"], "path": ["a.wav", "b.wav"], "take_id": [TAKES[0], other]},
    }
    for name, columns in tables.items():
        warehouse.replace_rows(name, pa.table(columns), {})
    return warehouse


def test_rows_of_a_take_go_and_all_evaluation_of_models_that_used_it(warehouse: Warehouse) -> None:
    models = models_with_takes(warehouse, {GONE})
    assert models == ["cnn"]
    removed = remove_from_tables(warehouse, {GONE}, models, {("05", "a.wav")})
    assert removed == {
        FEATURES: 1,
        PREDICTIONS: 1,
        TRAINING_ROWS: 1,
        CHAMPION_PREDICTIONS: 1,
        SCORES: 2,
        RAW_VIDEOS: 1,
    }
    assert warehouse.query(f"SELECT model FROM {PREDICTIONS}")["model"].tolist() == ["forest"]
    assert not warehouse.has_table(SCORES)
    assert TAKES[0].encode() not in warehouse.path.read_bytes()


def test_a_take_that_went_to_another_speaker_is_gone_for_the_first_alone(warehouse: Warehouse) -> None:
    warehouse.replace_rows(FEATURES, pa.table({"actor": ["07"], "take_id": [TAKES[0]]}), {"actor": "07"})
    remove_from_tables(warehouse, {GONE}, [], set())
    assert warehouse.query(f"SELECT actor FROM {FEATURES} ORDER BY ALL")["actor"].tolist() == ["06", "07"]


def test_nothing_to_remove_leaves_the_database_as_it_is(warehouse: Warehouse) -> None:
    before = warehouse.path.read_bytes()
    assert remove_from_tables(warehouse, set(), [], set()) == {}
    assert warehouse.path.read_bytes() == before


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A history with one materialization of each of two partitions, and log messages that name takes."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["05", "Zoë"]))
    def clips_of_actor(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log.info(f"decoded {TAKES[0]} and clips/été 1.wav, not {TAKES[0]}9 nor {TAKES[1]}")
        return dg.MaterializeResult(metadata={"file": "clips/été 1.wav", "picture": "of a voice"})

    with dg.DagsterInstance.local_temp(str(tmp_path)) as history:
        for partition in ("05", "Zoë"):
            dg.materialize([clips_of_actor], partition_key=partition, instance=history)
        yield history


def everything_in(folder: Path) -> str:
    dumps = []
    for path in folder.rglob("*.db"):
        with sqlite3.connect(path) as connection:
            dumps += [*connection.iterdump(), path.read_bytes().decode("latin-1")]
    return "\n".join(dumps)


def test_names_of_takes_go_from_the_history_and_longer_names_stay(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert TAKES[0] in everything_in(tmp_path)
    changed = remove_from_history(instance, {TAKES[0], "clips/été 1.wav"}, set())
    assert changed
    left = everything_in(tmp_path)
    assert "clips/été 1.wav" not in left
    assert "clips/\\u00e9t\\u00e9 1.wav" not in left
    assert left.replace(f"{TAKES[0]}9", "").count(TAKES[0]) == 0
    assert f"decoded {REMOVED} and {REMOVED}, not {TAKES[0]}9 nor {TAKES[1]}" in left
    run = instance.get_runs()[0]
    assert any(f"decoded {REMOVED}" in entry.user_message for entry in instance.all_logs(run.run_id))
    assert remove_from_history(instance, {TAKES[0]}, set()) == []


@pytest.mark.parametrize(("gone", "left"), [("05", "Zoë"), ("Zoë", "05")])
def test_partitions_of_speakers_who_are_gone_count_as_never_materialized(
    instance: dg.DagsterInstance, gone: str, left: str
) -> None:
    key = dg.AssetKey("clips_of_actor")
    remove_from_history(instance, set(), {gone})
    assert instance.get_materialized_partitions(key) == {left}
    latest = instance.get_latest_materialization_event(key)
    assert latest is None or latest.asset_materialization.partition == left


def test_pictures_of_a_speaker_who_lost_a_take_go_and_those_of_others_stay(tmp_path: Path) -> None:
    picture = f"![clips](data:image/png;base64,{'iVBORw0KGgo' * 20}=)"

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["05", "06"]))
    def pictured() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"picture": dg.MetadataValue.md(picture), "takes": 7})

    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as history:
        for partition in ("05", "06"):
            dg.materialize([pictured], partition_key=partition, instance=history)
        remove_from_history(history, set(), set(), {"05"})
        assert history.get_materialized_partitions(dg.AssetKey("pictured")) == {"05", "06"}
        found = history.fetch_materializations(dg.AssetKey("pictured"), limit=5).records
        shown = {each.partition_key: each.asset_materialization.metadata for each in found}
    assert shown["05"]["picture"].value == f"![clips]({REMOVED})"
    assert shown["05"]["takes"].value == 7
    assert shown["06"]["picture"].value == picture


def test_a_speaker_who_is_gone_is_no_longer_named_in_tables_of_all_actors(tmp_path: Path) -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["05", "Zoë"]))
    def counted() -> dg.MaterializeResult:
        rows = [dg.TableRecord({"actor": actor, "takes": 60}) for actor in ("05", "Zoë")]
        return dg.MaterializeResult(metadata={"all actors": dg.MetadataValue.table(rows)})

    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as history:
        dg.materialize([counted], partition_key="05", instance=history)
        remove_from_history(history, set(), {"Zoë"})
        event = history.get_latest_materialization_event(dg.AssetKey("counted"))
    assert event
    assert event.asset_materialization
    rows = event.asset_materialization.metadata["all actors"].value.records
    assert [row.data["actor"] for row in rows] == ["05", REMOVED]


def test_an_asset_of_which_nothing_is_left_is_out_of_date_and_so_is_what_was_made_from_it() -> None:
    @dg.asset(code_version="1")
    def model() -> dg.MaterializeResult:
        return dg.MaterializeResult(data_version=dg.DataVersion("of these weights"))

    @dg.asset(deps=[model], code_version="1")
    def scores() -> None: ...

    @dg.asset(code_version="1")
    def another_model() -> None: ...

    def out_of_date(history: dg.DagsterInstance) -> set[str]:
        graph = dg.Definitions([model, scores, another_model]).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(history, graph, LoadingContextForTest(history))
        keys = graph.materializable_asset_keys
        return {key.to_user_string() for key in keys if resolver.get_status(key) == StaleStatus.STALE}

    history = dg.DagsterInstance.ephemeral()
    dg.materialize([model, scores], instance=history)
    assert out_of_date(history) == set()
    mark_removed(history, ["model", "another_model"], "trained on takes that have left")
    assert out_of_date(history) == {"model", "scores"}
    assert history.get_latest_materialization_event(another_model.key) is None
    dg.materialize([model, scores], instance=history)
    assert out_of_date(history) == set()


def test_a_damaged_history_is_named_and_the_rest_is_cleaned(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    damaged = next(tmp_path.rglob("index.db")).with_name("0a.db")
    damaged.write_bytes(b"no database" * 100)
    with pytest.raises(HistoryUncleanError, match=r"0a\.db \(file is not a database\)"):
        remove_from_history(instance, {TAKES[0]}, set())
    assert f"decoded {REMOVED}" in everything_in_databases(tmp_path, damaged)


def everything_in_databases(folder: Path, but: Path) -> str:
    dumps = []
    for path in folder.rglob("*.db"):
        if path != but:
            with sqlite3.connect(path) as connection:
                dumps += connection.iterdump()
    return "\n".join(dumps)


def test_captured_output_is_cleaned_and_no_other_file(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    captured, own = tmp_path / "storage/run/compute_logs/step.out", tmp_path / "mine.out"
    captured.parent.mkdir(parents=True)
    for path in (captured, own):
        path.write_text(f"decoded {TAKES[0]}\n")
    remove_from_history(instance, {TAKES[0]}, set())
    assert captured.read_text() == f"decoded {REMOVED}\n"
    assert own.read_text() == f"decoded {TAKES[0]}\n"


def test_unfinished_copies_of_any_machine_go_with_the_takes(tmp_path: Path) -> None:
    files = ActorFiles(tmp_path)
    path = put(files, "mono_audio", "05", clips(TAKES[:2]))
    left = [path.with_name(f".{path.name}~{host}~999999~part") for host in ("here", "elsewhere")]
    left.append(tmp_path / ".ser.duckdb~elsewhere~7~part")
    other = path.with_name(".actor_06.parquet~elsewhere~999999~part")
    for copy in (*left, other):
        copy.write_bytes(b"a part")
    changed = remove_from_files(tmp_path, [GONE], stored_takes(tmp_path))
    assert set(left) <= set(changed)
    assert not any(copy.exists() for copy in left)
    assert other.exists()


def test_a_compaction_that_failed_is_due_until_it_is_done(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: Warehouse) -> None:
        raise DiskFullError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "compact", no_space)
        with pytest.raises(DiskFullError):
            remove_from_tables(warehouse, {GONE}, [], {("05", "a.wav")})
    assert warehouse.compaction_due.exists()
    assert not remove(Settings(data_dir=warehouse.folder.parent), Withdrawn(Stored({}, {})))
    assert not warehouse.compaction_due.exists()
    assert TAKES[0].encode() not in warehouse.path.read_bytes()


def test_a_history_in_memory_has_nothing_to_clean() -> None:
    assert remove_from_history(dg.DagsterInstance.ephemeral(), {TAKES[0]}, {"05"}) == []


def test_the_parquet_file_keeps_its_recipe(tmp_path: Path) -> None:
    files = ActorFiles(tmp_path)
    path = put(files, "mono_audio", "05", clips(TAKES[:3]))
    files.remove_takes("mono_audio", "05", {TAKES[0]})
    assert files.recipe("mono_audio", "05") == "a recipe"
    assert pq.read_table(path, columns=["take_id"])["take_id"].to_pylist() == TAKES[1:3]
