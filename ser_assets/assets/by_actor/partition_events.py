"""One materialization event for each actor of a run that is done, with a data version of its own.

Dagster (1.13.27) writes an event for every partition of the range of a run, done or not, and copies one data version to
all of them (issues 18649 and 34013 of dagster-io/dagster): an actor who is skipped seems materialized, and one whose
recordings have not changed makes everything downstream stale. So the assets log their own events, with the tags that
Dagster would write, and return a result that Dagster takes for one whose events are logged already.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    extract_data_version_from_entry,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG

from ser_assets.history.take_removal import remove_tagged_events, tag_values

SKIPPED = "skipped in backfill "


def inputs_of_partitions(context: dg.AssetExecutionContext) -> dict[str, dict[str, str]]:
    """Tags that name the latest event of each asset upstream, by partition of the run.

    Call it before anything is read: what is made upstream later is then newer than what was read.
    """
    assets = context.assets_def.asset_deps[context.asset_key]
    return {partition: _inputs(context.instance, sorted(assets), partition) for partition in context.partition_keys}


def _inputs(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey], partition: str) -> dict[str, str]:
    tags = {}
    for asset in assets:
        record = instance.get_latest_data_version_record(asset, is_source=False, partition_key=partition)
        found = record and extract_data_version_from_entry(record.event_log_entry)
        tags[get_input_data_version_tag(asset)] = (found or DEFAULT_DATA_VERSION).value
        tags[get_input_event_pointer_tag(asset)] = str(record.storage_id) if record else NULL_EVENT_POINTER
    return tags


def log_partition(
    context: dg.AssetExecutionContext,
    partition: str,
    data_version: str,
    metadata: Mapping[str, Any],
    inputs: Mapping[str, str],
) -> None:
    """Log that a partition is materialized.

    Args:
        context: of the step.
        partition: the actor.
        data_version: of what was stored.
        metadata: to show.
        inputs: its tags of `inputs_of_partitions`.
    """
    tags = {
        CODE_VERSION_TAG: context.assets_def.code_versions_by_key.get(context.asset_key) or context.run_id,
        **inputs,
        DATA_VERSION_TAG: data_version,
        DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
    }
    context.log_event(
        dg.AssetMaterialization(context.asset_key, partition=partition, metadata=dict(metadata), tags=tags)
    )


def log_skipped(context: dg.AssetExecutionContext, partitions: Sequence[str]) -> None:
    """Log, in a run of a backfill, that partitions have nothing to do.

    A backfill (Dagster 1.13.27) counts a partition without an event as failed, and runs nothing downstream of it. These
    events, with the backfill as their data version, are removed again by `drop_skipped`.
    """
    backfill = context.run.tags.get(BACKFILL_ID_TAG, "")
    for partition in partitions if backfill else ():
        tags = {DATA_VERSION_TAG: SKIPPED + backfill, DATA_VERSION_IS_USER_PROVIDED_TAG: "true"}
        metadata = {"skipped": "there are no recordings that can be used"}
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=partition, metadata=metadata, tags=tags))


def drop_skipped(context: dg.AssetExecutionContext) -> None:
    """Remove the events of skipped partitions of every backfill that has taken account of them."""
    own = context.run.tags.get(BACKFILL_ID_TAG)
    is_last = own is not None and context.assets_def.partitions_def is None
    versions = tag_values(context.instance, DATA_VERSION_TAG, SKIPPED)
    backfills = {version: version.removeprefix(SKIPPED) for version in versions}
    finished = [
        version
        for version, backfill in backfills.items()
        if (backfill == own and is_last) or _has_ended(context.instance, backfill)
    ]
    if finished:
        remove_tagged_events(context.instance, DATA_VERSION_TAG, finished)


def _has_ended(instance: dg.DagsterInstance, backfill: str) -> bool:
    found = instance.get_backfill(backfill)
    return found is None or found.status in BULK_ACTION_TERMINAL_STATUSES


def events_are_logged() -> dg.MaterializeResult:
    """Result of an asset that has logged its events: Dagster adds none, and goes on downstream."""
    return dg.MaterializeResult(metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})
