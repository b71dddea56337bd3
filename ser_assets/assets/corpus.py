"""From recordings to clips: `raw_videos`, `mono_audio`, `trimmed_audio`, `augmented_set`, each partitioned by actor."""

import dataclasses
import functools
from collections.abc import Callable

import dagster as dg

from ser_assets.assets.actors import BY_ACTOR, SINGLE_RUN, ActorMetadata, for_each_actor
from ser_assets.assets.clip_steps import copies_of, decode_take, trim_clip
from ser_assets.assets.describe import clips_metadata, picture_of_clips, raw_videos_metadata
from ser_assets.assets.versions import code_version, extended, fingerprint
from ser_assets.audio.augmentation import plan_copies
from ser_assets.corpus.inventory import RawVideo, examine, find_recordings, settle_duplicates, take_stock
from ser_assets.settings import Settings
from ser_assets.storage.clips import Clip, ClipsMissingError, ClipStore
from ser_assets.storage.tables import RAW_VIDEOS, dataclass_table, records
from ser_assets.storage.warehouse import Warehouse
from ser_assets.workers import map_in_workers


class RecordingsMissingError(FileNotFoundError):
    """An actor has no recordings that can be used; the message names the folder and the command that fills it."""


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, kinds={"ffmpeg", "duckdb"})
def raw_videos(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> dg.MaterializeResult:
    """Which takes of an actor there are, what they mean, and which files were rejected and why (table `raw_videos`)."""
    found = find_recordings(settings.raw_dir)
    recordings = []

    def take_inventory(actor: str) -> ActorMetadata:
        paths = found.get(actor, [])
        if not paths:
            raise RecordingsMissingError(
                f"no recordings of actor {actor} under {settings.raw_dir}/**/Actor_{actor}/: copy RAVDESS files there, "
                f"or make spoken ones with `ser-assets demo-corpus {settings.raw_dir}/demo --actors {int(actor)}`"
            )
        known = _known_rows(warehouse, actor, code_version("raw_videos", settings))
        stock = take_stock(paths, settings.raw_dir, actor, known)
        new = [path for path, row in stock if row is None]
        look = functools.partial(examine, raw_dir=settings.raw_dir, actor=actor)
        examined = list(map_in_workers(look, new, settings.worker_count))
        rows = settle_duplicates([*examined, *(row for _, row in stock if row is not None)])
        recordings.extend(sorted((row.take_id, row.recording) for row in rows if row.status == "accepted"))
        if new or rows != sorted(known.values(), key=lambda row: row.path):
            version = code_version("raw_videos", settings)
            warehouse.replace_rows(RAW_VIDEOS, dataclass_table(rows, code_version=version), {"actor": actor})
        return raw_videos_metadata(rows, examined=len(new))

    result = for_each_actor(context, take_inventory)
    context.set_data_version(context.asset_key, dg.DataVersion(fingerprint("raw_videos", settings, recordings)))
    return result


def _known_rows(warehouse: Warehouse, actor: str, version: str) -> dict[str, RawVideo]:
    names = [field.name for field in dataclasses.fields(RawVideo)]
    rows = records(warehouse, RAW_VIDEOS, "actor = ? AND code_version = ?", [actor, version], columns=names)
    return {row["path"]: RawVideo(**row) for row in rows}


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[raw_videos], kinds={"ffmpeg", "parquet"})
def mono_audio(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
    clip_store: dg.ResourceParam[ClipStore],
) -> dg.MaterializeResult:
    """One float32 channel of every accepted take, at the project's sampling rate."""

    def work(actor: str) -> ActorMetadata:
        accepted = records(warehouse, RAW_VIDEOS, "actor = ? AND status = 'accepted' ORDER BY take_id", [actor])
        if not accepted:
            raise RecordingsMissingError(
                f"no accepted recordings of actor {actor} in table raw_videos: materialize raw_videos for {actor}, "
                "and look there why files were rejected"
            )
        made_from = fingerprint(
            "mono_audio", settings, [(row["take_id"], row["recording"], row["code_version"]) for row in accepted]
        )
        decode = functools.partial(decode_take, settings=settings)
        make = functools.partial(map_in_workers, decode, accepted, settings.worker_count)
        how = extended("", "raw_videos", accepted[0]["code_version"])
        return _store_clips(context, settings, clip_store, actor, made_from, how, lambda: list(make()))

    return for_each_actor(context, work)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[mono_audio], kinds={"librosa", "parquet"})
def trimmed_audio(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], clip_store: dg.ResourceParam[ClipStore]
) -> dg.MaterializeResult:
    """The clips without their silence, judged against each clip's own peak."""

    def work(actor: str) -> ActorMetadata:
        def change(clips: list[Clip]) -> list[Clip]:
            trim = functools.partial(trim_clip, settings=settings)
            return list(map_in_workers(trim, clips, settings.worker_count))

        return _store_changed(context, settings, clip_store, actor, "mono_audio", change)

    return for_each_actor(context, work)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[trimmed_audio], kinds={"python", "parquet"})
def augmented_set(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], clip_store: dg.ResourceParam[ClipStore]
) -> dg.MaterializeResult:
    """The clips, each in other voices too, and varied copies of them, until all emotions of an actor count alike."""

    def work(actor: str) -> ActorMetadata:
        def change(clips: list[Clip]) -> list[Clip]:
            emotions = {clip.take_id: clip.emotion for clip in clips}
            plan = plan_copies(emotions, settings.extra_copies, settings.voices)
            vary = functools.partial(copies_of, settings=settings)
            todo = [(clip, plan[clip.take_id]) for clip in clips]
            return [clip for varied in map_in_workers(vary, todo, settings.worker_count) for clip in varied]

        return _store_changed(context, settings, clip_store, actor, "trimmed_audio", change)

    return for_each_actor(context, work)


def stored_fingerprint(clip_store: ClipStore, asset: str, actor: str) -> str:
    """Tell what an actor's clips upstream were made from.

    Raises:
        ClipsMissingError: there are none that can be read.
    """
    found = clip_store.fingerprint(asset, actor)
    if found is None:
        path = clip_store.path(asset, actor)
        raise ClipsMissingError(f"no readable {asset} of actor {actor} at {path}: materialize {asset} for {actor}")
    return found


def _store_changed(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clip_store: ClipStore,
    actor: str,
    upstream: str,
    change: Callable[[list[Clip]], list[Clip]],
) -> ActorMetadata:
    """Store what `change` makes of an actor's clips upstream."""
    asset = context.asset_key.to_user_string()
    made_from = fingerprint(asset, settings, stored_fingerprint(clip_store, upstream, actor))
    how = clip_store.recipe(upstream, actor)

    def make() -> list[Clip]:
        return change(clip_store.read(upstream, actor))

    return _store_clips(context, settings, clip_store, actor, made_from, how, make)


def _store_clips(
    context: dg.AssetExecutionContext,
    settings: Settings,
    clip_store: ClipStore,
    actor: str,
    made_from: str,
    upstream_recipe: str,
    make: Callable[[], list[Clip]],
) -> ActorMetadata:
    """Make and store an actor's clips, unless those at rest were made from the very same things."""
    asset = context.asset_key.to_user_string()
    if clip_store.fingerprint(asset, actor) != made_from:
        clips = make()
        how = extended(upstream_recipe, asset, code_version(asset, settings))
        clip_store.write(asset, actor, clips, made_from, how)
        clip_store.write_picture(asset, actor, picture_of_clips(clips))
    return clips_metadata(asset, actor, clip_store)
