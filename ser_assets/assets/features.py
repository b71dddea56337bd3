"""`features`: the functionals, the mel sequence and the pitch of every clip, as DuckDB tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.actors import BY_ACTOR, SINGLE_RUN, ActorMetadata, for_each_actor
from ser_assets.assets.clip_steps import measure_clip
from ser_assets.assets.corpus import augmented_set, stored_fingerprint
from ser_assets.assets.describe import features_metadata
from ser_assets.assets.versions import code_version, extended, fingerprint
from ser_assets.audio.features import Measurement, functional_names
from ser_assets.settings import Settings
from ser_assets.storage.clips import Clip, ClipStore
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, records
from ser_assets.storage.warehouse import Warehouse, replace_rows
from ser_assets.workers import map_in_workers

if TYPE_CHECKING:
    import pyarrow as pa


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[augmented_set], kinds={"numpy", "duckdb"})
def features(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
    clip_store: dg.ResourceParam[ClipStore],
) -> dg.MaterializeResult:
    """Functionals (table `features`, one row a clip); log-mel and pitch sequences (table `mel_sequences`)."""

    def work(actor: str) -> ActorMetadata:
        made_from = fingerprint("features", settings, stored_fingerprint(clip_store, "augmented_set", actor))
        if _stored(warehouse, actor) != made_from:
            clips = clip_store.read("augmented_set", actor)
            how = extended(clip_store.recipe("augmented_set", actor), "features", code_version("features", settings))
            measurements = list(map_in_workers(measure_clip, clips, settings.worker_count))
            with warehouse.writing() as connection:
                replace_rows(
                    connection,
                    FEATURES,
                    _features_table(clips, measurements, made_from, how),
                    {"actor": actor},
                )
                replace_rows(connection, MEL_SEQUENCES, _mel_table(clips, measurements), {"actor": actor})
        return features_metadata(warehouse, actor)

    return for_each_actor(context, work)


def _stored(warehouse: Warehouse, actor: str) -> str | None:
    rows = records(warehouse, FEATURES, "actor = ?", [actor], columns=["DISTINCT made_from"])
    return rows[0]["made_from"] if len(rows) == 1 else None


def _features_table(
    clips: Sequence[Clip], measurements: Sequence[Measurement], made_from: str, recipe: str
) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {name: [clip.labels[name] for clip in clips] for name in clips[0].labels}
    columns["transform"] = pa.array([clip.transform for clip in clips], pa.string())
    columns["made_from"] = [made_from] * len(clips)
    columns["recipe"] = [recipe] * len(clips)
    functionals = np.stack([measurement.functionals for measurement in measurements])
    columns |= dict(zip(functional_names(), functionals.T, strict=True))
    return pa.table(columns)


def _mel_table(clips: Sequence[Clip], measurements: Sequence[Measurement]) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    mels = [measurement.mel for measurement in measurements]
    pitches = [measurement.pitch for measurement in measurements]
    return pa.table(
        {
            "take_id": [clip.take_id for clip in clips],
            "variant": [clip.variant for clip in clips],
            "actor": [clip.actor for clip in clips],
            "frames": pa.array([len(mel) for mel in mels], pa.int32()),
            "bands": pa.array([mel.shape[1] for mel in mels], pa.int32()),
            "mel": pa.array([np.ravel(mel) for mel in mels], pa.list_(pa.float32())),
            "f0": pa.array([pitch[:, 0] for pitch in pitches], pa.list_(pa.float32())),
            "harmonicity": pa.array([pitch[:, 1] for pitch in pitches], pa.list_(pa.float32())),
        }
    )
