"""The one `Definitions` object: lists what there is, computes nothing."""

import logging
from datetime import timedelta

import dagster as dg

from ser_assets.assets import champion, embeddings, models, report
from ser_assets.assets.corpus import augmented_set, mono_audio, raw_videos, trimmed_audio
from ser_assets.assets.corpus_checks import CORPUS_CHECKS
from ser_assets.assets.ensemble import ensemble_asset
from ser_assets.assets.features import features
from ser_assets.assets.metadata.table_schemas import table_metadata
from ser_assets.assets.model_checks import model_checks, prediction_checks
from ser_assets.assets.schema_checks import schema_check
from ser_assets.chosen_corpus import corpus_of
from ser_assets.environment import not_yet_shown, read_settings, settings_warnings
from ser_assets.history import history_warnings
from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.model_settings import model_settings
from ser_assets.orchestration.executor import supervised_executor
from ser_assets.orchestration.jobs import (
    CHAMPION_GROUP,
    CORPUS_GROUP,
    FEATURES_GROUP,
    JOBS,
    MODELS_GROUP,
    REPORT_GROUP,
    TRAINING_GROUPS,
)
from ser_assets.orchestration.retraining import retraining_schedule
from ser_assets.runtime.caches import provide_caches
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.training_inputs import code_version_with_settings
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import Warehouse

OWNER = "team:speech"


def build_definitions(settings: Settings) -> dg.Definitions:
    """Bring assets, checks, jobs and schedule together under the given settings."""
    # Absolute, so that messages and pages name folders that can be found, wherever the server was started.
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    corpus = corpus_of(settings)
    by_actor = dg.StaticPartitionsDefinition(list(corpus.actors))
    of_models = model_settings(settings)
    in_use = list(of_models)
    groups = {
        CORPUS_GROUP: (raw_videos, mono_audio, trimmed_audio, augmented_set),
        FEATURES_GROUP: (features, embeddings.embeddings) if settings.has_encoder else (features,),
        MODELS_GROUP: (*(models.model_asset(name, of_models[name]) for name in of_models), ensemble_asset(in_use)),
        REPORT_GROUP: (report.report_asset(in_use),),
        CHAMPION_GROUP: (champion.champion_model,),
    }
    names = [asset.key.to_user_string() for members in groups.values() for asset in members]
    versions = {name: code_version(name, settings) for name in names}
    versions |= {name: code_version_with_settings(name, of_models[name], settings) for name in of_models}
    assets = [
        _with_group_attributes(asset, group, versions[asset.key.to_user_string()], by_actor, settings)
        for group, members in groups.items()
        for asset in members
    ]
    checks = [check for name in of_models for check in model_checks(name)]
    checks += prediction_checks(ENSEMBLE)
    checks += [schema_check(name, is_model=True) for name in of_models]
    checks += [schema_check(name) for name in ("raw_videos", "features", ENSEMBLE, report.REPORT, "champion_model")]
    if settings.has_encoder:
        checks += [*embeddings.EMBEDDING_CHECKS, schema_check(embeddings.ASSET)]
    return dg.Definitions(
        assets=assets,
        asset_checks=[*CORPUS_CHECKS, *checks, champion.no_regression],
        jobs=JOBS,
        schedules=[retraining_schedule(settings)],
        resources={
            "settings": settings,
            "corpus": corpus,
            "warehouse": Warehouse(settings.corpus_dir),
            "actor_files": ActorFiles(settings.corpus_dir),
        },
        executor=supervised_executor,
    )


def _with_group_attributes(
    asset: dg.AssetsDefinition, group: str, version: str, by_actor: dg.PartitionsDefinition, settings: Settings
) -> dg.AssetsDefinition:
    """Give an asset what all of its group have, and a partitioned one the speakers of the corpus."""
    name = asset.key.to_user_string()
    days = timedelta(days=settings.fresh_days)
    ages = group in TRAINING_GROUPS
    return asset.map_asset_specs(
        lambda spec: spec.replace_attributes(
            group_name=group,
            owners=[OWNER],
            code_version=version,
            partitions_def=by_actor if asset.partitions_def else None,
            metadata={**spec.metadata, **table_metadata(name, settings)},
            freshness_policy=dg.FreshnessPolicy.time_window(3 * days, days) if ages else None,
        )
    )


def _definitions() -> dg.Definitions:
    provide_caches()
    settings = read_settings()
    for warning in not_yet_shown([*settings_warnings(settings), *history_warnings()]):
        logging.getLogger(__name__).warning("%s", warning)
    return build_definitions(settings)


defs = _definitions()
