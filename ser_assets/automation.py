"""Jobs, the schedule on which the models are trained again, and the refresh that `ser-assets run` makes."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._utils.schedules import cron_string_iterator
from pydantic import Field

from ser_assets.assets.model_config import refuse_wrong_settings
from ser_assets.assets.models import SETTINGS
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.environment import SettingsError
from ser_assets.history import open_history
from ser_assets.settings import Settings
from ser_assets.storage.files import is_alive

CORPUS_GROUP = "corpus"
FEATURES_GROUP = "features"
MODELS_GROUP = "models"
REPORT_GROUP = "report"
CHAMPION_GROUP = "champion"

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
    selection=dg.AssetSelection.groups(MODELS_GROUP, REPORT_GROUP, CHAMPION_GROUP),
    description="The four models on all actors that have features, their ensemble, the report and the champion.",
)


class DownloadConfig(dg.Config):
    """What of RAVDESS to download."""

    what: Literal["speech-video", "speech-audio"] = Field("speech-video", description="Films, or sound alone.")
    actors: list[str] = Field(list(ACTORS), description="Codes of actors, '01' to '24'.")
    agree: bool = Field(False, description="Whether you agree to the licence of RAVDESS, CC BY-NC-SA 4.0.")


@dg.op(name="download")
def download_op(context: dg.OpExecutionContext, config: DownloadConfig, settings: dg.ResourceParam[Settings]) -> None:
    """Bring recordings of RAVDESS into the folder of recordings, as `ser-assets download` does."""
    from ser_assets.corpus.archives import DownloadError
    from ser_assets.corpus.download import Order, download, plan
    from ser_assets.corpus.licence import NOTICE, has_agreed, remember_agreement

    if strangers := sorted(set(config.actors) - set(ACTORS)):
        raise dg.Failure(f"there is no actor {', '.join(strangers)}; RAVDESS has '01' to '24'", allow_retries=False)
    agreed = has_agreed(settings.downloads_dir)
    if not (agreed or config.agree):
        raise dg.Failure(f"{NOTICE}\n\nIf you agree, set agree in the config to true.", allow_retries=False)
    order = Order(config.what, config.actors, settings.zenodo_url, settings.raw_dir, settings.downloads_dir)
    errands = plan(order)
    try:
        if not agreed:
            remember_agreement(settings.downloads_dir)
        failures = download(order, errands, tell=context.log.warning)
    except DownloadError as error:
        failures = [str(error)]
    if failures:
        raise dg.Failure("\n".join(failures))
    context.log.info(f"{len(errands)} archives unpacked under {settings.raw_dir}; all that was asked for is there")


@dg.job(description="Recordings of RAVDESS from Zenodo, once you agree to their licence.")
def download_recordings() -> None:
    """Do nothing but download: no asset, so that nobody fetches gigabytes by materializing all."""
    download_op()


PROCESS_TAG = "ser_assets/process"
CHECK_FAILED = "DagsterAssetCheckFailedError"

EVERYTHING = dg.AssetSelection.all()
INVENTORY = dg.AssetSelection.assets("raw_videos")
REPORT = "metrics_report"
CHAMPION = "champion_model"
CLIPS = dg.AssetSelection.groups(CORPUS_GROUP) - INVENTORY
FEATURES = dg.AssetSelection.groups(FEATURES_GROUP)

JOBS = (full_refresh, prepare_features, train_models, download_recordings)


def retraining_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Plan the retraining: a plain schedule, for `on_cron` waits until every actor is materialized again.

    Raises:
        SettingsError: there is no such time.
    """
    cron = settings.retrain_cron
    try:
        schedule = dg.ScheduleDefinition(
            name="retraining",
            job=train_models,
            cron_schedule=cron,
            execution_timezone=settings.retrain_timezone,
            description="Trains the models again, writes the report and picks the champion. Cron and time zone: "
            "SER_RETRAIN_CRON, SER_RETRAIN_TIMEZONE.",
        )
        # Days that no month has, such as 31 April, pass the check above, and the daemon would fail over them for ever.
        next(cron_string_iterator(0, cron, settings.retrain_timezone))
    except (dg.DagsterInvalidDefinitionError, ValueError):
        pass
    else:
        return schedule
    told = f"SER_RETRAIN_CRON: {cron!r} is no time that ever comes: minute hour day month weekday, such as '0 3 * * 1'"
    # Outside the handler, so that a log that shows causes ends with this line.
    raise SettingsError(told)


class ConfigError(ValueError):
    """A run config cannot be used; the message says why."""


class Refreshed(NamedTuple):
    """How a refresh went: whether the report was made, and in words what failed or was left out."""

    finished: bool
    failures: list[str]


def refresh(
    definitions: dg.Definitions,
    actors: Sequence[str],
    usable: Callable[[], Sequence[str]],
    config: Mapping[str, Any] | None = None,
) -> Refreshed:
    """Materialize everything for these actors: first their inventory, then the rest for those with an accepted take.

    One run for the inventory and one for the rest, or more where the actors have gaps; models and report come last.
    Recorded in the instance of `DAGSTER_HOME`, or of the `dagster.yaml` in this folder; without either, nowhere.
    What fails for one actor does not stop the others.

    usable: tells, once the inventory is made, which actors have an accepted take.
    config: run config of Dagster (`{"ops": {"cnn": {"config": {"epochs": 5}}}}`) for the run that makes models and
        report.

    Raises:
        ConfigError: the config names what is not there, or gives a value out of its limits.
        KeyboardInterrupt: the user stopped it.
    """
    _refuse_wrong_config(definitions, config or {})
    everybody = _partitions(definitions)
    with open_history() as instance:
        _bury_the_dead(instance)
        failures = []
        for actor_range in _ranges(actors, everybody):
            failures += _execute(definitions, full_refresh.name, actor_range, instance, INVENTORY).failures
        with_takes = [actor for actor in actors if actor in usable()]
        if left_out := sorted(set(actors) - set(with_takes)):
            failures.append(f"left out, for want of an accepted take (table raw_videos): actors {', '.join(left_out)}")
        if not with_takes:
            return Refreshed(False, failures)
        *first, last = _ranges(with_takes, everybody)
        for actor_range in first:
            failures += _execute(definitions, prepare_features.name, actor_range, instance, CLIPS | FEATURES).failures
        ran = _execute(definitions, full_refresh.name, last, instance, EVERYTHING - INVENTORY, config)
        return Refreshed(REPORT in ran.made, failures + ran.failures)


def _refuse_wrong_config(definitions: dg.Definitions, config: Mapping[str, Any]) -> None:
    try:
        dg.validate_run_config(definitions.resolve_job_def(full_refresh.name), dict(config))
        _refuse_strangers(config)
        refuse_wrong_settings(config, SETTINGS)
    except dg.DagsterInvalidConfigError as error:
        reasons = [reason.message.partition(" Expected: ")[0] for reason in error.errors]
        raise ConfigError("\n".join(reasons)) from error
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _refuse_strangers(config: Mapping[str, Any]) -> None:
    """Raise ValueError where an asset without settings is given some: Dagster takes them, and nothing heeds them."""
    configurable = (*SETTINGS, CHAMPION)
    if others := ", ".join(sorted(set(config) - {"ops"})):
        raise ValueError(f"only settings of assets can be given, under 'ops', and not {others}")
    for name, op in config.get("ops", {}).items():
        if op.get("config") and name not in configurable:
            raise ValueError(f"{name} has no settings; these have: {', '.join(configurable)}")


class _Ran(NamedTuple):
    """Which assets a run has made, and in words what failed."""

    made: set[str]
    failures: list[str]


def _execute(
    definitions: dg.Definitions,
    job: str,
    actors: tuple[str, str],
    instance: dg.DagsterInstance,
    selection: dg.AssetSelection,
    config: Mapping[str, Any] | None = None,
) -> _Ran:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        asset_selection=sorted(selection.resolve(definitions.resolve_asset_graph())),
        tags={
            ASSET_PARTITION_RANGE_START_TAG: actors[0],
            ASSET_PARTITION_RANGE_END_TAG: actors[1],
            PROCESS_TAG: f"{socket.gethostname()} {os.getpid()}",
        },
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **(config or {})},
        raise_on_error=False,
    )
    made = {
        event.asset_key.to_user_string()
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }
    if result.success:
        return _Ran(made, [])
    failed = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    if any(failure.error and failure.error.cls_name == "DagsterExecutionInterruptedError" for failure in failed):
        raise KeyboardInterrupt
    broken_promises = [
        f"{check.asset_key.to_user_string()}, {check.check_name}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.blocking and check.severity == dg.AssetCheckSeverity.ERROR
    ]
    # The failure that follows a broken promise only says that there is one.
    others = [failure for failure in failed if not (failure.error and failure.error.cls_name == CHECK_FAILED)]
    reasons = dict.fromkeys([*broken_promises, *(_reason(failure) for failure in others)])
    return _Ran(made, list(reasons) or [f"{job} failed: `make dev` shows run {result.run_id}"])


def _bury_the_dead(instance: dg.DagsterInstance) -> None:
    """Mark runs as failed whose process on this machine was killed: they would seem to go on for ever."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        host, _, process = run.tags.get(PROCESS_TAG, "").partition(" ")
        if host == socket.gethostname() and not is_alive(int(process)):
            instance.report_run_failed(run, f"process {process} was killed")


def _reason(failure: StepFailureData) -> str:
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "a step failed"


def _partitions(definitions: dg.Definitions) -> Sequence[str]:
    by_actor = definitions.resolve_asset_graph().get(dg.AssetKey("raw_videos")).partitions_def
    return by_actor.get_partition_keys() if by_actor else []


def _ranges(actors: Sequence[str], everybody: Sequence[str]) -> list[tuple[str, str]]:
    """First and last of each unbroken range, in the order of the partitions."""
    positions = sorted(everybody.index(actor) for actor in set(actors))
    starts = [position for position in positions if position - 1 not in positions]
    stops = [position for position in positions if position + 1 not in positions]
    return [(everybody[start], everybody[stop]) for start, stop in zip(starts, stops, strict=True)]
