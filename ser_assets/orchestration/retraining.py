"""The schedule `retraining`: each tick checks recordings, labels, settings and code, and runs what they require."""

from collections.abc import Iterator
from typing import Final

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._utils.schedules import cron_string_iterator

from ser_assets.assets.models import TRAIN_IF_CHANGED_TAG
from ser_assets.assets.training.turn import POOL, other_training
from ser_assets.chosen_corpus import corpus_of
from ser_assets.environment import SettingsError
from ser_assets.orchestration.jobs import full_refresh
from ser_assets.orchestration.run_process import fail_dead_runs
from ser_assets.settings import Settings
from ser_assets.storage.warehouse import Warehouse

UNFINISHED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
REASON_TAG: Final = "ser_assets/reason"
REASON_SHOWN: Final = 200


def retraining_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Define the schedule.

    Raises:
        SettingsError: the cron expression matches no time.
    """
    cron = settings.retrain_cron
    try:
        schedule = dg.ScheduleDefinition(
            name="retraining",
            job=full_refresh,
            cron_schedule=cron,
            execution_timezone=settings.retrain_timezone,
            execution_fn=_tick,
            required_resource_keys={"settings"},
            description="Checks recordings, labels, settings and code. If something has changed since the last "
            "training, it prepares that, trains the models, writes the report and picks the champion; otherwise it "
            "skips with the reason. Cron and time zone: SER_RETRAIN_CRON, SER_RETRAIN_TIMEZONE.",
        )
        # Days that no month has, such as 31 April, pass the check above, and the daemon would fail on every tick.
        next(cron_string_iterator(0, cron, settings.retrain_timezone))
    except (dg.DagsterInvalidDefinitionError, ValueError):
        pass
    else:
        return schedule
    form = "minute hour day month weekday, such as '0 3 * * 1'"
    reason = f"SER_RETRAIN_CRON: {cron!r} matches no time: {form}"
    # Raised outside the handler, so that a log with causes ends with this line.
    raise SettingsError(reason)


def _tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Decide what a tick does."""
    from ser_assets.orchestration.need import reasons_to_run

    settings: Settings = context.resources.settings
    fail_dead_runs(context.instance)
    if busy := training_in_progress(context.instance, settings):
        return dg.SkipReason(f"a training is in progress: {busy}; the next tick checks again")
    corpus = corpus_of(settings)
    reasons = reasons_to_run(settings, corpus, Warehouse(settings.corpus_dir), context.instance)
    if not reasons:
        return dg.SkipReason("no recording, label, setting or code has changed since the last training")
    context.log.info("; ".join(reasons))
    return dg.RunRequest(
        tags={
            ASSET_PARTITION_RANGE_START_TAG: corpus.actors[0],
            ASSET_PARTITION_RANGE_END_TAG: corpus.actors[-1],
            TRAIN_IF_CHANGED_TAG: "true",
            REASON_TAG: "; ".join(reasons)[:REASON_SHOWN],
        }
    )


def training_in_progress(instance: dg.DagsterInstance, settings: Settings) -> str:
    """Name the run that trains or is queued to train, whoever started it; empty if there is none."""
    return next(_trainings(instance, settings), "")


def _trainings(instance: dg.DagsterInstance, settings: Settings) -> Iterator[str]:
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if run.run_op_concurrency and POOL in (run.run_op_concurrency.all_pools or ()):
            yield f"run {run.run_id} ({run.job_name}, {run.status.value.lower()})"
    if holder := other_training(settings.data_dir):
        yield holder
