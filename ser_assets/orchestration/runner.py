"""The refresh behind `ser-assets run`: all assets for the chosen actors, in this process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.utils import make_new_run_id

from ser_assets.assets.training.turn import kept_until_the_run_ends
from ser_assets.history import open_history
from ser_assets.orchestration.jobs import CORPUS_GROUP, FEATURES_GROUP, full_refresh, prepare_features
from ser_assets.orchestration.run_config import ConfigError, require_valid_config
from ser_assets.orchestration.run_process import PROCESS_TAG, fail_dead_runs, process_tag, supervised

CHECK_FAILED = "DagsterAssetCheckFailedError"

EVERYTHING = dg.AssetSelection.all()
INVENTORY = dg.AssetSelection.assets("raw_videos")
REPORT = "metrics_report"
CLIPS = dg.AssetSelection.groups(CORPUS_GROUP) - INVENTORY
FEATURES = dg.AssetSelection.groups(FEATURES_GROUP)


class RunOutcome(NamedTuple):
    """Result of a refresh: whether the report was made, and a sentence for each failure or omission."""

    finished: bool
    failures: list[str]


def refresh(
    definitions: dg.Definitions,
    actors: Sequence[str],
    usable: Callable[[], Sequence[str]],
    config: Mapping[str, Any] | None = None,
) -> RunOutcome:
    """Materialize all assets for these actors: first their inventory, then the rest for those with an accepted take.

    One run makes the inventory and one the rest, or more where the actors have gaps; models and report come last. The
    instance of `DAGSTER_HOME`, or of the `dagster.yaml` in this folder, records them. A failure of one actor does not
    stop the others.

    Args:
        definitions: the assets and jobs.
        actors: partitions to materialize.
        usable: called after the inventory; lists the actors with an accepted take.
        config: run config of Dagster (`{"ops": {"cnn": {"config": {"epochs": 5}}}}`) for the run of models and report.

    Returns:
        Whether the report was made, and the failures.

    Raises:
        ConfigError: the config names an unknown asset or setting, or a value outside its limits.
        KeyboardInterrupt: the user stopped it.
    """
    _require_valid_config(definitions, config or {})
    partitions = _partitions(definitions)
    with open_history() as instance:
        fail_dead_runs(instance)
        failures = []
        for actor_range in partition_ranges(actors, partitions):
            failures += _execute(definitions, full_refresh.name, actor_range, instance, INVENTORY).failures
        with_takes = [actor for actor in actors if actor in usable()]
        if left_out := sorted(set(actors) - set(with_takes)):
            failures.append(f"left out, without an accepted take (table raw_videos): actors {', '.join(left_out)}")
        if not with_takes:
            return RunOutcome(False, failures)
        *first, last = partition_ranges(with_takes, partitions)
        for actor_range in first:
            failures += _execute(definitions, prepare_features.name, actor_range, instance, CLIPS | FEATURES).failures
        result = _execute(definitions, full_refresh.name, last, instance, EVERYTHING - INVENTORY, config)
        return RunOutcome(REPORT in result.made, failures + result.failures)


def _require_valid_config(definitions: dg.Definitions, config: Mapping[str, Any]) -> None:
    try:
        dg.validate_run_config(definitions.resolve_job_def(full_refresh.name), dict(config))
    except dg.DagsterInvalidConfigError as error:
        reasons = [reason.message.partition(" Expected: ")[0] for reason in error.errors]
        raise ConfigError("\n".join(reasons)) from error
    if others := ", ".join(sorted(set(config) - {"ops"})):
        raise ConfigError(f"the config may only contain settings of assets, under 'ops', not {others}")
    assets = definitions.resolve_asset_graph().get_all_asset_keys()
    require_valid_config(config, [key.to_user_string() for key in assets])


class _RunResult(NamedTuple):
    """The assets that a run has made, and a sentence for each failure."""

    made: set[str]
    failures: list[str]


def _execute(
    definitions: dg.Definitions,
    job: str,
    actors: tuple[str, str],
    instance: dg.DagsterInstance,
    selection: dg.AssetSelection,
    config: Mapping[str, Any] | None = None,
) -> _RunResult:
    run_id = make_new_run_id()
    with supervised(instance, run_id), kept_until_the_run_ends():
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            run_id=run_id,
            asset_selection=sorted(selection.resolve(definitions.resolve_asset_graph())),
            tags={
                ASSET_PARTITION_RANGE_START_TAG: actors[0],
                ASSET_PARTITION_RANGE_END_TAG: actors[1],
                PROCESS_TAG: process_tag(),
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
        return _RunResult(made, [])
    failed = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    if any(failure.error and failure.error.cls_name == "DagsterExecutionInterruptedError" for failure in failed):
        raise KeyboardInterrupt
    failed_checks = [
        f"{check.asset_key.to_user_string()}, {check.check_name}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.blocking and check.severity == dg.AssetCheckSeverity.ERROR
    ]
    # A failed blocking check raises a second failure that adds nothing.
    others = [failure for failure in failed if not (failure.error and failure.error.cls_name == CHECK_FAILED)]
    reasons = dict.fromkeys([*failed_checks, *(_reason(failure) for failure in others)])
    return _RunResult(made, list(reasons) or [f"{job} failed: `make dev` shows run {result.run_id}"])


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


def partition_ranges(actors: Sequence[str], partitions: Sequence[str]) -> list[tuple[str, str]]:
    """List the first and last actor of each unbroken range, in the order of the partitions.

    Examples:
        >>> partition_ranges(["04", "01", "02"], ["01", "02", "03", "04"])
        [('01', '02'), ('04', '04')]
    """
    positions = sorted(partitions.index(actor) for actor in set(actors))
    starts = [position for position in positions if position - 1 not in positions]
    stops = [position for position in positions if position + 1 not in positions]
    return [(partitions[start], partitions[stop]) for start, stop in zip(starts, stops, strict=True)]
