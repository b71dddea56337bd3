"""`features`: the functionals, the mel sequence and the pitch of every clip, as DuckDB tables."""

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.actors import BY_ACTOR, SINGLE_RUN, Step, for_each_actor
from ser_assets.assets.corpus import at_rest, augmented_set, batches_to_make
from ser_assets.assets.describe import features_metadata
from ser_assets.assets.versions import code_version, extended
from ser_assets.audio.functionals import functional_names
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles, Batch
from ser_assets.storage.clips import LABELS
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, records
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = "features"


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[augmented_set], kinds={"numpy", "duckdb"})
def features(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """Functionals (table `features`, one row a clip); log-mel and pitch sequences (table `mel_sequences`)."""
    from ser_assets.assets.clip_steps import measure_batch, measured_schema

    planned: dict[str, list[Batch]] = {}
    metadata: dict[str, dict[str, Any]] = {}

    def plan(actor: str) -> list[Batch] | None:
        upstream = at_rest(actor_files, "augmented_set", actor)
        batches = batches_to_make(ASSET, settings, actor_files, actor, upstream)
        if batches:
            planned[actor] = batches
        return batches

    def store(actor: str, made: "Iterator[pa.Table | None]") -> None:
        recipe = extended(actor_files.recipe("augmented_set", actor), ASSET, code_version(ASSET, settings))
        rows = zip(planned.pop(actor), made, strict=True)
        actor_files.write(ASSET, actor, rows, measured_schema(), recipe)

    def settle(actors: Sequence[str]) -> None:
        fill_tables(warehouse, actor_files, actors)
        metadata.update(features_metadata(warehouse))

    measure = functools.partial(measure_batch, settings=settings)
    return for_each_actor(
        context, Step(plan, measure, store, lambda actor: metadata[actor], settle=settle), settings.worker_count
    )


def fill_tables(warehouse: Warehouse, actor_files: ActorFiles, actors: Sequence[str]) -> None:
    """Put what is measured of these actors into the tables, all in one transaction, where it is not there already.

    DuckDB rewrites much of a table of 1700 columns at every transaction: once is ten times as fast as once an actor.
    """
    in_tables: dict[str, dict[str, str]] = defaultdict(dict)
    for row in records(warehouse, FEATURES, "true", columns=["DISTINCT actor", "take_id", "made_from"]):
        in_tables[row["actor"]][row["take_id"]] = row["made_from"]
    new = [actor for actor in actors if actor_files.made_from(ASSET, actor) != in_tables[actor]]
    if not new:
        return
    with warehouse.writing() as connection:
        for actor in new:
            rows = actor_files.rows(ASSET, actor)
            recipe = actor_files.recipe(ASSET, actor)
            replace_rows(connection, FEATURES, _named_functionals(rows, recipe), {"actor": actor})
            replace_rows(connection, MEL_SEQUENCES, _sequences(rows), {"actor": actor})


def _named_functionals(rows: "pa.Table", recipe: str) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    names = functional_names()
    matrix = rows["functionals"].combine_chunks().flatten().to_numpy().reshape(-1, len(names))
    columns = {name: rows[name] for name in (*LABELS, "transform", "made_from")}
    columns["recipe"] = pa.array([recipe] * rows.num_rows)
    return pa.table(columns | dict(zip(names, np.ascontiguousarray(matrix.T), strict=True)))


def _sequences(rows: "pa.Table") -> "pa.Table":
    return rows.select(["take_id", "variant", "actor", "frames", "bands", "mel", "f0", "harmonicity"])
