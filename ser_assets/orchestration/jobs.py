"""The jobs that the UI lists, and the groups of assets in them."""

import dagster as dg

from ser_assets.orchestration.download_job import download_recordings

CORPUS_GROUP = "corpus"
FEATURES_GROUP = "features"
MODELS_GROUP = "models"
REPORT_GROUP = "report"
CHAMPION_GROUP = "champion"
TRAINING_GROUPS = (MODELS_GROUP, REPORT_GROUP, CHAMPION_GROUP)

full_refresh = dg.define_asset_job(
    "full_refresh",
    selection=dg.AssetSelection.all(),
    description="All assets, from the recordings of the chosen actors to the champion.",
)
prepare_features = dg.define_asset_job(
    "prepare_features",
    selection=dg.AssetSelection.groups(CORPUS_GROUP, FEATURES_GROUP),
    description="From the recordings of the chosen actors to their features.",
)
train_models = dg.define_asset_job(
    "train_models",
    selection=dg.AssetSelection.groups(*TRAINING_GROUPS),
    description="All models on all actors with features, their ensemble, the report and the champion.",
)

JOBS = (full_refresh, prepare_features, train_models, download_recordings)
