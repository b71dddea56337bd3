"""The asset graph: a change of lineage shows here, in review."""

import dagster as dg
import pytest

from ser_assets.assets.by_actor.partitions import BY_ACTOR
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.definitions import build_definitions
from ser_assets.environment import SettingsError
from ser_assets.settings import Settings

MEMBERS = {"random_forest", "neural_network", "cnn", "complex_cnn", "pretrained_encoder"}
LINEAGE = {
    "raw_videos": (set(), "corpus", "by actor"),
    "mono_audio": ({"raw_videos"}, "corpus", "by actor"),
    "trimmed_audio": ({"mono_audio"}, "corpus", "by actor"),
    "augmented_set": ({"trimmed_audio"}, "corpus", "by actor"),
    "features": ({"augmented_set"}, "features", "by actor"),
    "embeddings": ({"augmented_set"}, "features", "by actor"),
    "random_forest": ({"features"}, "models", "whole"),
    "neural_network": ({"features"}, "models", "whole"),
    "cnn": ({"features"}, "models", "whole"),
    "complex_cnn": ({"features"}, "models", "whole"),
    "pretrained_encoder": ({"features", "embeddings"}, "models", "whole"),
    "ensemble": (MEMBERS, "models", "whole"),
    "metrics_report": ({*MEMBERS, "ensemble"}, "report", "whole"),
    "champion_model": ({"metrics_report"}, "champion", "whole"),
}
CHECKS = {
    "raw_videos": {"takes_per_actor", "rejected_files", "declared_columns"},
    "mono_audio": {"nothing_clipped"},
    "trimmed_audio": {"nothing_silent"},
    "augmented_set": {"emotions_balanced"},
    "features": {"no_missing_value", "no_constant_functional", "declared_columns"},
    "embeddings": {"finite_embeddings", "one_encoder", "embedded_once", "embedded_alone", "declared_columns"},
    **{
        name: {
            "declared_columns",
            "no_leak",
            "fitted_on_training_rows",
            "evaluated_once",
            "better_than_chance",
            "permuted_labels_at_chance",
        }
        for name in MEMBERS
    },
    "ensemble": {"declared_columns", "no_leak", "evaluated_once", "better_than_chance", "permuted_labels_at_chance"},
    "metrics_report": {"declared_columns"},
    "champion_model": {"declared_columns", "no_regression"},
}
JOBS = {
    "full_refresh": set(LINEAGE),
    "prepare_features": {"raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features", "embeddings"},
    "train_models": {*MEMBERS, "ensemble", "metrics_report", "champion_model"},
}


@pytest.fixture
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


def test_the_lineage_is_as_drawn(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        key.to_user_string(): (
            {parent.to_user_string() for parent in graph.get(key).parent_keys},
            graph.get(key).group_name,
            "by actor" if graph.get(key).partitions_def == BY_ACTOR else "whole",
        )
        for key in graph.materializable_asset_keys
    }
    assert found == LINEAGE


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert node.pools == ({"training"} if node.group_name in ("models", "report", "champion") else set())
        assert node.owners == ["team:speech"]
        assert node.kinds
        assert node.code_version
        assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_promise_has_its_check(definitions: dg.Definitions) -> None:
    found: dict[str, set[str]] = {}
    for key in definitions.resolve_asset_graph().asset_check_keys:
        found.setdefault(key.asset_key.to_user_string(), set()).add(key.name)
    assert found == CHECKS


def test_no_asset_downloads_for_whoever_materializes_all_would_fetch_gigabytes(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("download_recordings")
    assert not job.asset_layer.selected_asset_keys


@pytest.mark.parametrize("job", JOBS)
def test_a_job_holds_the_assets_that_its_name_promises(definitions: dg.Definitions, job: str) -> None:
    keys = definitions.resolve_job_def(job).asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in keys} == JOBS[job]


def test_the_partitions_are_the_24_actors() -> None:
    assert BY_ACTOR.get_partition_keys() == list(ACTORS)


def test_the_code_version_follows_the_settings_that_an_asset_obeys(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build_definitions(settings).resolve_asset_graph()
    monkeypatch.setenv("SER_SAMPLING_RATE", "16000")
    after = build_definitions(Settings()).resolve_asset_graph()
    changed = {
        key.to_user_string()
        for key in before.materializable_asset_keys
        if before.get(key).code_version != after.get(key).code_version
    }
    assert changed == {"mono_audio"}


def test_retraining_is_planned_by_cron_and_time_zone_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_RETRAIN_CRON", "30 5 * * 6")
    monkeypatch.setenv("SER_RETRAIN_TIMEZONE", "Europe/Berlin")
    schedule = build_definitions(Settings()).resolve_schedule_def("retraining")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 5 * * 6", "Europe/Berlin")
    assert schedule.job_name == "full_refresh"


def test_a_cron_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_RETRAIN_CRON", "61 3 * * 1")
    with pytest.raises(SettingsError, match="61 3"):
        build_definitions(Settings())
