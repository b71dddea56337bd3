"""`champion_model` and its check: what is put in place, what is left in place, and what is said of it."""

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.assets import champion
from ser_assets.assets.champion import champion_model, no_regression
from ser_assets.corpus.ravdess import ACTORS, EMOTIONS
from ser_assets.learning.evaluation.scores import score_differences, score_table
from ser_assets.serving import promotion
from ser_assets.serving.bundle import champion_folder, open_bundle
from ser_assets.settings import Settings
from ser_assets.storage.tables import CHAMPION_PREDICTIONS, FEATURES, PREDICTIONS, RAW_VIDEOS, SCORE_DIFFERENCES, SCORES
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.bundles import keep_models, measured_examples

SIX = ACTORS[:6]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two kept models, and the examples that they learned from without the tables behind them."""
    monkeypatch.setattr(promotion, "load_examples", lambda *_, **__: measured_examples())
    keep_models(tmp_path / "ravdess/models")
    return Settings(data_dir=tmp_path, workers=1)


def evaluated(model: str, right: float, protocol: str = "speaker_independent") -> pd.DataFrame:
    """Two takes of each emotion from six actors; of each actor's takes this share is named right."""
    rows = pd.DataFrame(
        [
            {"take_id": f"{emotion}-{repetition}-{actor}", "actor": actor, "emotion": emotion}
            for actor in SIX
            for repetition in (1, 2)
            for emotion in EMOTIONS
        ]
    )
    hit = rows.groupby("actor").cumcount() < right * 2 * len(EMOTIONS)
    named = (rows["emotion"].map(EMOTIONS.index).to_numpy() + np.where(hit, 0, 1)) % len(EMOTIONS)
    probabilities = pd.DataFrame(np.eye(len(EMOTIONS))[named], columns=[f"p_{emotion}" for emotion in EMOTIONS])
    labels = {
        "model": model,
        "protocol": protocol,
        "fold_scheme": "luna5",
        "fold": "1",
        "input_fingerprint": "these recordings",
    }
    return pd.concat([rows.assign(**labels), probabilities], axis=1)


def store(settings: Settings, *predictions: pd.DataFrame, demo: bool = False, audio_hash: str = "") -> None:
    """Put to rest what the models and `metrics_report` would: predictions, their scores, and the takes behind them."""
    table = pd.concat(predictions, ignore_index=True)
    takes = table.drop_duplicates("take_id")
    tables = {
        PREDICTIONS: table,
        SCORES: score_table(table, draws=200),
        SCORE_DIFFERENCES: score_differences(table, draws=200),
        RAW_VIDEOS: takes[["take_id", "actor", "emotion"]].assign(
            audio_hash=audio_hash + takes["take_id"], status="accepted", demo=demo
        ),
        FEATURES: takes[["take_id", "actor", "emotion", "input_fingerprint"]].assign(
            audio_hash=audio_hash + takes["take_id"], variant=0
        ),
    }
    for name, rows in tables.items():
        Warehouse(settings.corpus_dir).replace_rows(name, pa.Table.from_pandas(rows, preserve_index=False), {})


def materialize(settings: Settings, *, accept_drop: bool | None = None) -> dg.ExecuteInProcessResult:
    config: dict[str, Any] = {"accept_drop": accept_drop} if accept_drop is not None else {}
    return dg.materialize(
        [champion_model, no_regression],
        resources={"settings": settings, "warehouse": Warehouse(settings.corpus_dir)},
        run_config={"ops": {"champion_model": {"config": config}}} if config else None,
        raise_on_error=False,
    )


def check_of(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    [evaluation] = result.get_asset_check_evaluations()
    return evaluation


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.asset_materializations_for_node("champion_model")
    return {name: value.value for name, value in event.metadata.items()}


def reason_of_failure(result: dg.ExecuteInProcessResult) -> str:
    data = next(event.step_failure_data for event in result.all_node_events if event.is_step_failure)
    assert data.user_failure_data
    return str(data.user_failure_data.description)


def files(settings: Settings) -> dict[str, bytes]:
    folder = champion_folder(settings.corpus_dir)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def remembered(settings: Settings) -> tuple[str, float]:
    """Model and UAR of table `champion_predictions`."""
    table = Warehouse(settings.corpus_dir).query(f"FROM {CHAMPION_PREDICTIONS}")
    scores = score_table(table, draws=1).set_index("metric")
    return table["model"].iloc[0], round(float(scores.loc["uar", "value"]), 3)


def test_the_best_model_becomes_the_champion(settings: Settings) -> None:
    speaker_normalised = [evaluated(name, 0.9, "speaker_normalised") for name in ("random_forest", "ensemble")]
    store(settings, evaluated("random_forest", 0.5), evaluated("ensemble", 0.75), *speaker_normalised)
    result = materialize(settings)
    assert result.success
    bundle = open_bundle(champion_folder(settings.corpus_dir))
    assert bundle.model == "ensemble"
    assert bundle.has_speaker_normalised
    assert bundle.load().predict_proba(measured_examples()).shape == (16, len(EMOTIONS))
    assert bundle.preprocessing.sampling_rate == settings.sampling_rate
    assert bundle.facts["training"]["demo"] is False
    assert bundle.facts["training"]["settings"]["fold_schemes"] == "luna5"
    assert {row["protocol"] for row in bundle.facts["scores"]} == {"speaker_independent", "speaker_normalised"}
    assert check_of(result).passed
    assert check_of(result).description == "ensemble, the best by the scores of now, is the champion"
    assert remembered(settings) == ("ensemble", 0.75)


def test_the_ui_shows_which_why_how_large_how_good_and_the_card(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5), evaluated("ensemble", 0.75), demo=True)
    metadata = metadata_of(materialize(settings))
    assert metadata["champion"] == "ensemble"
    assert "beats Random Forest beyond the 95 % interval" in metadata["why"]
    assert 0 < metadata["megabytes"] < 5
    assert "0.750" in metadata["scores"]
    assert metadata["model card"].startswith("# Model card")
    assert "mean nothing for people" in metadata["model card"]
    assert "no champion to compare with" in metadata["against the last champion"]


def test_a_model_of_features_that_were_made_anew_is_not_bundled_as_if_it_had_heard_them(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5), evaluated("ensemble", 0.75))
    warehouse = Warehouse(settings.corpus_dir)
    made_anew = warehouse.query(f"FROM {FEATURES}").assign(input_fingerprint="other settings")
    warehouse.replace_rows(FEATURES, pa.Table.from_pandas(made_anew, preserve_index=False), {})
    reason = reason_of_failure(materialize(settings))
    assert "ensemble was trained on other takes or features than those of now: materialize it again" in reason
    assert not champion_folder(settings.corpus_dir).exists()


def test_a_model_for_calibrated_clips_is_left_out_where_it_was_not_judged(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5))
    materialize(settings)
    assert not open_bundle(champion_folder(settings.corpus_dir)).has_speaker_normalised


def test_the_same_again_gives_the_same_bytes(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5))
    materialize(settings)
    before = files(settings)
    assert materialize(settings).success
    assert files(settings) == before


def test_a_better_model_takes_the_place_of_the_champion(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5))
    materialize(settings)
    store(settings, evaluated("random_forest", 0.5), evaluated("ensemble", 0.75))
    result = materialize(settings)
    assert check_of(result).passed
    assert "+0.250" in metadata_of(result)["against the last champion"]
    assert remembered(settings) == ("ensemble", 0.75)


def test_a_drop_leaves_the_champion_in_place_and_fails_the_check(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.75))
    materialize(settings)
    before = files(settings)
    store(settings, evaluated("random_forest", 0.5))
    result = materialize(settings)
    assert not result.success
    assert files(settings) == before
    assert remembered(settings) == ("random_forest", 0.75)
    check = check_of(result)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    for part in ("-0.250", "96 takes of 6 actors", "stays in use", '"accept_drop": true'):
        assert part in (check.description or "")
    metadata = metadata_of(result)
    assert "-0.250" in metadata["left as it was"]
    assert "0.750" in metadata["why"]
    assert "0.750" in metadata["scores"]


def test_a_drop_is_accepted_on_request_and_stays_accepted(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.75))
    materialize(settings)
    store(settings, evaluated("random_forest", 0.5))
    for accept_drop in (True, False):
        result = materialize(settings, accept_drop=accept_drop)
        assert result.success
        assert check_of(result).passed
        assert remembered(settings) == ("random_forest", 0.5)


def test_the_command_that_the_check_names_carries_a_config_that_dagster_takes(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.75))
    config = json.loads(champion.HOW_TO_ACCEPT.split("--config-json ")[1].strip("'"))
    resources = {"settings": settings, "warehouse": Warehouse(settings.corpus_dir)}
    assert dg.materialize([champion_model], resources=resources, run_config=config).success


def test_a_champion_that_was_deleted_defends_nothing(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.75))
    materialize(settings)
    shutil.rmtree(champion_folder(settings.corpus_dir))
    store(settings, evaluated("random_forest", 0.5))
    assert check_of(materialize(settings)).passed
    assert remembered(settings) == ("random_forest", 0.5)


def test_a_champion_of_demo_voices_does_not_hold_up_one_of_people(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.9), demo=True, audio_hash="spoken by espeak: ")
    materialize(settings)
    store(settings, evaluated("random_forest", 0.4))
    result = materialize(settings)
    assert check_of(result).passed
    assert "no take was evaluated by both" in metadata_of(result)["against the last champion"]


def test_before_any_report_it_says_what_to_make_first(settings: Settings) -> None:
    result = materialize(settings)
    assert "there is no table scores" in reason_of_failure(result)
    assert "materialize metrics_report first" in reason_of_failure(result)


def test_without_a_kept_model_there_is_no_champion(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5))
    shutil.rmtree(settings.corpus_dir / "models")
    assert "none of the evaluated models is kept: random_forest" in reason_of_failure(materialize(settings))


def test_an_ensemble_without_its_members_is_not_kept(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5), evaluated("ensemble", 0.9))
    shutil.rmtree(settings.corpus_dir / "models/raw/random_forest")
    assert "none of the evaluated models is kept" in reason_of_failure(materialize(settings))


def test_without_a_model_judged_on_unseen_actors_there_is_no_champion(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5, "random_split"))
    assert "no model was evaluated under speaker_independent" in reason_of_failure(materialize(settings))


def test_a_model_trained_again_since_the_report_is_not_bundled_under_its_old_scores(settings: Settings) -> None:
    store(settings, evaluated("random_forest", 0.5))
    newer = pa.Table.from_pandas(evaluated("random_forest", 0.25), preserve_index=False)
    Warehouse(settings.corpus_dir).replace_rows(PREDICTIONS, newer, {})
    assert "materialize metrics_report again" in reason_of_failure(materialize(settings))
    assert not champion_folder(settings.corpus_dir).exists()
