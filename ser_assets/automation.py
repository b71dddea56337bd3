"""Jobs, and the schedule on which the models are trained again."""

import os
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ser_assets.corpus.ravdess import ACTORS
from ser_assets.settings import Settings

CORPUS_GROUP = "corpus"
FEATURES_GROUP = "features"
MODELS_GROUP = "models"
REPORT_GROUP = "report"

full_refresh = dg.define_asset_job(
    "full_refresh",
    selection=dg.AssetSelection.all(),
    description="Everything, from the recordings of the chosen actors to the report.",
)
prepare_features = dg.define_asset_job(
    "prepare_features",
    selection=dg.AssetSelection.groups(CORPUS_GROUP, FEATURES_GROUP),
    description="From the recordings of the chosen actors to their features.",
)
train_models = dg.define_asset_job(
    "train_models",
    selection=dg.AssetSelection.groups(MODELS_GROUP, REPORT_GROUP),
    description="The four models on all actors that have features, and the report.",
)

JOBS = (full_refresh, prepare_features, train_models)


def retraining_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Plan the retraining: a plain schedule, for `on_cron` waits until every actor has been materialised anew."""
    return dg.ScheduleDefinition(
        name="retraining",
        job=train_models,
        cron_schedule=settings.retrain_cron,
        execution_timezone=settings.retrain_timezone,
        description="Trains the four models again and writes the report. Cron and time zone: "
        "SER_RETRAIN_CRON, SER_RETRAIN_TIMEZONE.",
    )


def refresh(definitions: dg.Definitions, actors: Sequence[str]) -> list[str]:
    """Materialise everything for these actors, one run for each unbroken range of them, models and report last.

    Recorded in the instance of `DAGSTER_HOME`, or of the `dagster.yaml` in this folder; without either, nowhere.
    Hands back what failed, in words; nothing if all went well.
    """
    *first, last = _ranges(actors)
    with _instance() as instance:
        for actor_range in first:
            if failures := _execute(definitions, prepare_features.name, actor_range, instance):
                return failures
        return _execute(definitions, full_refresh.name, last, instance)


def _execute(definitions: dg.Definitions, job: str, actors: tuple[str, str], instance: dg.DagsterInstance) -> list[str]:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags={ASSET_PARTITION_RANGE_START_TAG: actors[0], ASSET_PARTITION_RANGE_END_TAG: actors[1]},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    if result.success:
        return []
    failed = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    return [_reason(failure) for failure in failed] or [f"{job} failed: `make dev` shows run {result.run_id}"]


def _reason(failure: StepFailureData) -> str:
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "a step failed"


def _ranges(actors: Sequence[str]) -> list[tuple[str, str]]:
    """First and last of each unbroken range, in the order of the partitions."""
    positions = sorted(ACTORS.index(actor) for actor in set(actors))
    starts = [position for position in positions if position - 1 not in positions]
    stops = [position for position in positions if position + 1 not in positions]
    return [(ACTORS[start], ACTORS[stop]) for start, stop in zip(starts, stops, strict=True)]


def _instance() -> dg.DagsterInstance:
    if os.environ.get("DAGSTER_HOME"):
        return dg.DagsterInstance.get()
    if Path("dagster.yaml").exists():
        return dg.DagsterInstance.from_config(str(Path.cwd()))
    return dg.DagsterInstance.ephemeral()
