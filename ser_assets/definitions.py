"""The one `Definitions` object: lists what there is, computes nothing."""

import dagster as dg

from ser_assets.assets import champion, corpus, ensemble, models, report
from ser_assets.assets.checks import CORPUS_CHECKS
from ser_assets.assets.features import features
from ser_assets.assets.model_checks import model_checks, prediction_checks
from ser_assets.assets.versions import code_version
from ser_assets.automation import (
    CHAMPION_GROUP,
    CORPUS_GROUP,
    FEATURES_GROUP,
    JOBS,
    MODELS_GROUP,
    REPORT_GROUP,
    retraining_schedule,
)
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.warehouse import Warehouse

GROUPS = {
    CORPUS_GROUP: (corpus.raw_videos, corpus.mono_audio, corpus.trimmed_audio, corpus.augmented_set),
    FEATURES_GROUP: (features,),
    MODELS_GROUP: (*models.MODEL_ASSETS, ensemble.ensemble),
    REPORT_GROUP: (report.metrics_report,),
    CHAMPION_GROUP: (champion.champion_model,),
}
OWNER = "team:speech"


def build_definitions(settings: Settings) -> dg.Definitions:
    """Bring assets, checks, jobs and schedule together under the given settings."""
    assets = [_dressed(asset, group, settings) for group, members in GROUPS.items() for asset in members]
    checks = [check for asset in models.MODEL_ASSETS for check in model_checks(asset.key.to_user_string())]
    checks += prediction_checks(ensemble.NAME)
    return dg.Definitions(
        assets=assets,
        asset_checks=[*CORPUS_CHECKS, *checks, champion.no_drop],
        jobs=JOBS,
        schedules=[retraining_schedule(settings)],
        resources={
            "settings": settings,
            "warehouse": Warehouse(settings.data_dir),
            "actor_files": ActorFiles(settings.data_dir),
        },
        executor=dg.in_process_executor,
    )


def _dressed(asset: dg.AssetsDefinition, group: str, settings: Settings) -> dg.AssetsDefinition:
    """Give an asset what all of its group have."""
    version = code_version(asset.key.to_user_string(), settings)
    return asset.map_asset_specs(
        lambda spec: spec.replace_attributes(group_name=group, owners=[OWNER], code_version=version)
    )


defs = build_definitions(Settings())
