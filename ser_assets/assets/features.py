"""`features`: the functionals, the mel sequence and the pitch of every clip, as DuckDB tables."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ser_assets.assets.by_actor.absent_actors import skipping_absent
from ser_assets.assets.by_actor.current_corpus import drop_withdrawn
from ser_assets.assets.by_actor.incremental import changed_takes_step, stored_upstream
from ser_assets.assets.by_actor.partitions import BY_ACTOR, SINGLE_RUN, for_each_actor
from ser_assets.assets.by_actor.step import ActorMetadata
from ser_assets.assets.by_actor.tables import fill_tables
from ser_assets.assets.corpus import augmented_set
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.actor_table import clips_in_table
from ser_assets.assets.metadata.describe import features_metadata
from ser_assets.audio.features.names import functional_names
from ser_assets.corpus.interface import Corpus
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import LABELS
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = "features"


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[augmented_set], kinds={"numpy", "duckdb"})
@foreseen_failures
def features(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    warehouse: dg.ResourceParam[Warehouse],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """Functionals (table `features`, one row a clip); log-mel and pitch sequences (table `mel_sequences`)."""
    from ser_assets.assets.clip_steps import measure_batch, measured_schema

    listing = drop_withdrawn(context, settings)
    metadata: dict[str, ActorMetadata] = {}

    def settle(actors: Sequence[str]) -> dict[str, Exception]:
        tables = {FEATURES: _named_functionals, MEL_SEQUENCES: _sequences}
        damaged = fill_tables(ASSET, tables, warehouse, actor_files, corpus.name, actors)
        if len(damaged) < len(actors):
            metadata.update(features_metadata(warehouse, corpus.emotions))
        return damaged

    upstream = skipping_absent(
        functools.partial(stored_upstream, actor_files, "augmented_set"), corpus, listing, warehouse
    )
    step = changed_takes_step(
        ASSET, settings, actor_files, upstream, measure_batch, measured_schema(), lambda actor: metadata[actor]
    )
    step = dataclasses.replace(step, settle=settle, overview=lambda: clips_in_table(warehouse, FEATURES, corpus.actors))
    return for_each_actor(context, step, settings.worker_count)


def _named_functionals(rows: "pa.Table", corpus: str, recipe: str) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    names = functional_names()
    matrix = rows["functionals"].combine_chunks().flatten().to_numpy().reshape(-1, len(names))
    columns = {name: rows[name] for name in (*LABELS, "transform", "input_fingerprint")}
    columns |= {"corpus": pa.array([corpus] * rows.num_rows), "recipe": pa.array([recipe] * rows.num_rows)}
    return pa.table(columns | dict(zip(names, np.ascontiguousarray(matrix.T), strict=True)))


def _sequences(rows: "pa.Table", corpus: str, _recipe: str) -> "pa.Table":
    import pyarrow as pa

    chosen = rows.select(["take_id", "variant", "actor", "frames", "bands", "mel", "f0", "harmonicity"])
    return chosen.add_column(0, "corpus", pa.array([corpus] * rows.num_rows))
