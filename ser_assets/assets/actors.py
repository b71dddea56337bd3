"""The partition by actor, and the loop that every partitioned asset runs over it."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from ser_assets import progress
from ser_assets.corpus.ravdess import ACTORS

# The CLI's partition ranges need backfill policies, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

BY_ACTOR = dg.StaticPartitionsDefinition(list(ACTORS))
SINGLE_RUN = dg.BackfillPolicy.single_run()

ActorMetadata = Mapping[str, Any]


def for_each_actor(context: dg.AssetExecutionContext, work: Callable[[str], ActorMetadata]) -> dg.MaterializeResult:
    """Do `work` for every actor of the run; what it returns becomes the metadata of that actor's partition.

    An actor that fails does not stop the others: they are finished and recorded, then the failures are told together.
    A run that is interrupted records the actors that it has finished.

    Raises:
        dg.Failure: the work failed for at least one actor; names each with its reason.
    """
    asset = context.asset_key.to_user_string()
    actors = context.partition_keys
    finished: dict[str, ActorMetadata] = {}
    failures: dict[str, str] = {}
    for done, actor in enumerate(actors):
        progress.report(asset, done, len(actors))
        try:
            finished[actor] = work(actor)
        except Exception as error:
            context.log.error(f"{asset} of actor {actor}: {error}", exc_info=True)
            failures[actor] = f"actor {actor}: {type(error).__name__}: {error}"
        except BaseException:
            _record(context, finished)
            raise
        else:
            context.add_asset_metadata(finished[actor], partition_key=actor)
    if failures:
        _record(context, finished)
        raise dg.Failure(
            description="\n".join([f"{asset} failed for {len(failures)} of {len(actors)} actors:", *failures.values()]),
            metadata={actor: dg.MetadataValue.text(reason) for actor, reason in failures.items()},
            allow_retries=False,
        )
    progress.report(asset, len(actors), len(actors))
    return dg.MaterializeResult()


def _record(context: dg.AssetExecutionContext, finished: Mapping[str, ActorMetadata]) -> None:
    """Record the actors that are done one by one, for the step that fails will record none."""
    for actor, metadata in finished.items():
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=actor, metadata=metadata))
