"""A pipeline that leaks on purpose is stopped: by an exception, or by a check that keeps the report from being made."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.audio.features.names import functional_names
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.definitions import build_definitions
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.protocols.splits import LeakError, Split
from ser_assets.settings import Settings
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, PREDICTIONS, RAW_VIDEOS
from ser_assets.storage.versions import recipe
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.examples import BANDS, made_up_rows, with_functionals

FRAMES = 20
FEW_TREES = {"n_estimators": 10, "validation_forests": 1, "validation_trees": 5}
SMALL_FOREST = {"ops": {"random_forest": {"config": FEW_TREES}}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three actors in folds of their own, and a random split, in one process."""
    protocols = ("speaker_independent", "random_split")
    return Settings(data_dir=tmp_path, workers=1, fold_schemes=("loso",), protocols=protocols)


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    """Tables as `features` leaves them, of made-up clips."""
    warehouse = Warehouse(settings.corpus_dir)
    store(warehouse, settings, made_up_rows(("01", "02", "03"), takes_each=6, copies_of_neutral=2))
    return warehouse


def store(
    warehouse: Warehouse,
    settings: Settings,
    rows: pd.DataFrame,
    origin: str = "a recorder",
    emotions: tuple[str, ...] = EMOTIONS,
) -> None:
    rows = rows.astype({"variant": np.int32})  # As the clips of the platform have it.
    generator = np.random.default_rng(0)
    names = list(functional_names())
    functionals = generator.normal(0, 1, (len(rows), len(names)))
    functionals += rows["emotion"].map(emotions.index).to_numpy()[:, None]
    features = pd.concat([rows, pd.DataFrame(functionals.astype(np.float32), columns=names)], axis=1)
    mels = [generator.normal(-60, 3, FRAMES * BANDS).astype(np.float32) for _ in range(len(rows))]
    f0 = [np.full(FRAMES, 150, np.float32)] * len(rows)
    harmonicity = [np.full(FRAMES, 0.9, np.float32)] * len(rows)
    originals = rows[rows["variant"] == 0].drop(columns="variant")
    tables = {
        FEATURES: features.assign(recipe=recipe(settings), input_fingerprint=origin),
        MEL_SEQUENCES: rows[["corpus", "take_id", "variant", "actor"]].assign(
            frames=FRAMES, bands=BANDS, mel=mels, f0=f0, harmonicity=harmonicity
        ),
        RAW_VIDEOS: originals.assign(status="accepted", demo=False, seconds=1.0, path="", reason=None),
    }
    for name, table in tables.items():
        warehouse.replace_rows(name, pa.Table.from_pandas(table, preserve_index=False), {})


def run(settings: Settings, *assets: str) -> dg.ExecuteInProcessResult:
    """Train the forest, check it, and make the report if nothing stops that; or only what is named."""
    definitions = build_definitions(settings)
    graph = definitions.resolve_asset_graph()
    selection = dg.AssetSelection.assets(*(assets or ("random_forest", "metrics_report")))
    return definitions.resolve_job_def("train_models").execute_in_process(
        asset_selection=sorted(selection.resolve(graph)), run_config=SMALL_FOREST, raise_on_error=False
    )


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    return {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}


def report_was_begun(result: dg.ExecuteInProcessResult) -> bool:
    return any(event.step_key == "metrics_report" and event.is_step_start for event in result.all_events)


def reason_of_failure(result: dg.ExecuteInProcessResult) -> str:
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    error = failure.error
    while error.cause:
        error = error.cause
    return f"{error.cls_name}: {error.message}"


@pytest.mark.parametrize("copies_of_neutral", [0, 9])
def test_an_honest_pipeline_gets_as_far_as_the_report(
    settings: Settings, warehouse: Warehouse, copies_of_neutral: int
) -> None:
    store(warehouse, settings, made_up_rows(("01", "02", "03"), 6, copies_of_neutral))
    result = run(settings)
    assert failed_checks(result) <= {"better_than_chance"}
    assert report_was_begun(result)


def test_a_model_of_other_takes_than_there_are_now_is_not_reported(settings: Settings, warehouse: Warehouse) -> None:
    assert failed_checks(run(settings, "random_forest")) == set()
    store(warehouse, settings, made_up_rows(("01", "02", "03"), 6, 2), origin="a synthesiser")
    assert "evaluated on other takes than there are now: materialize" in reason_of_failure(
        run(settings, "metrics_report")
    )


def test_random_splits_that_cannot_be_made_are_left_out_and_the_honest_ones_are_judged(
    settings: Settings, warehouse: Warehouse
) -> None:
    store(warehouse, settings, made_up_rows(("01", "02"), takes_each=1, copies_of_neutral=0))
    assert failed_checks(run(settings, "random_forest")) <= {"better_than_chance"}
    assert warehouse.query(f"SELECT DISTINCT protocol FROM {PREDICTIONS}")["protocol"].tolist() == [
        "speaker_independent"
    ]


def break_what_is_handed_out(monkeypatch: pytest.MonkeyPatch, broken: Callable[[Split, Examples], Examples]) -> None:
    """Have every fold hand out another training side; the parts that a model makes within it stay whole."""
    whole = Split.training_examples

    def hand_out(split: Split, examples: Examples) -> Examples:
        return (whole if split.protocol == "validation" else broken)(split, examples)

    monkeypatch.setattr(Split, "training_examples", hand_out)


def test_copies_of_judged_takes_that_are_fed_into_training_are_caught(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_copies_of_the_judged(split: Split, examples):
        rows = examples.rows
        copies = rows["take_id"].isin(rows["take_id"].iloc[split.test]) & (rows["variant"] > 0)
        return split._as_handed_out(examples.subset(np.union1d(split.training, np.flatnonzero(copies))))

    break_what_is_handed_out(monkeypatch, with_copies_of_the_judged)
    result = run(settings)
    assert "no_leak" in failed_checks(result)
    assert not report_was_begun(result)
    assert "random_forest must not be reported" in reason_of_failure(run(settings, "metrics_report"))
    assert not warehouse.has_table("scores")
    shared = warehouse.query(
        "SELECT sum(shared_takes) AS takes FROM leakage_audit WHERE protocol = 'speaker_independent'"
    )
    assert shared["takes"][0] > 0


def test_a_scaler_that_is_fitted_on_all_rows_is_caught(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scaled_by_all(split: Split, examples):
        side = examples.subset(split.training)
        values = examples["functionals"].values
        scaled = (side["functionals"].values - values.mean(axis=0)) / values.std(axis=0)
        return split._as_handed_out(with_functionals(side, scaled))

    break_what_is_handed_out(monkeypatch, scaled_by_all)
    result = run(settings)
    assert failed_checks(result) - {"better_than_chance"} == {"fitted_on_training_rows"}
    assert not report_was_begun(result)
    assert not warehouse.has_table("scores")


def test_the_mp4_and_the_wav_of_one_take_in_different_folds_are_caught(
    settings: Settings, warehouse: Warehouse
) -> None:
    rows = made_up_rows(("01", "02", "03"), takes_each=6, copies_of_neutral=0)
    as_wav = rows.iloc[[0]].assign(actor="02", audio_hash="hash of the wav", variant=1)
    store(
        warehouse, settings, pd.concat([rows, as_wav], ignore_index=True).sort_values(["actor", "take_id", "variant"])
    )
    warehouse.replace_rows(RAW_VIDEOS, _accepted(pd.concat([rows, as_wav])), {})
    result = run(settings)
    assert reason_of_failure(result).startswith(LeakError.__name__)
    assert rows["take_id"][0] in reason_of_failure(result)
    assert not warehouse.has_table(PREDICTIONS)


def test_one_recording_in_the_folders_of_two_actors_is_caught(settings: Settings, warehouse: Warehouse) -> None:
    rows = made_up_rows(("01", "02", "03"), takes_each=6, copies_of_neutral=0)
    rows.loc[rows["actor"] == "02", "audio_hash"] = rows.loc[rows["actor"] == "01", "audio_hash"].to_numpy()
    store(warehouse, settings, rows)
    assert "would train on what it evaluates: recordings" in reason_of_failure(run(settings))
    assert not warehouse.has_table(PREDICTIONS)


def _accepted(rows: pd.DataFrame) -> pa.Table:
    takes = rows.drop(columns="variant").assign(status="accepted", demo=False, seconds=1.0, path="", reason=None)
    return pa.Table.from_pandas(takes, preserve_index=False)
