"""From recordings to clips: `raw_videos`, `mono_audio`, `trimmed_audio`, `augmented_set`, each partitioned by actor."""

import dataclasses
import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from ser_assets.assets.actors import BY_ACTOR, SINGLE_RUN, ActorMetadata, Step, for_each_actor
from ser_assets.assets.describe import clips_metadata, raw_videos_metadata
from ser_assets.assets.versions import code_version, extended, fingerprint
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles, Batch, ClipsMissingError, batches_of
from ser_assets.storage.clips import TAKE_LABELS
from ser_assets.storage.tables import RAW_VIDEOS, dataclass_table, records
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from ser_assets.corpus.inventory import Look, RawVideo

FILES_AT_ONCE = 15


class RecordingsMissingError(FileNotFoundError):
    """An actor has no recordings that can be used; the message names the folder and the command that fills it."""


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, kinds={"ffmpeg", "duckdb"})
def raw_videos(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> dg.MaterializeResult:
    """Which takes of an actor there are, what they mean, and which files were rejected and why (table `raw_videos`)."""
    from ser_assets.corpus import inventory

    version = code_version("raw_videos", settings)
    found = inventory.find_recordings(settings.raw_dir)
    known = _known_rows(warehouse, version)
    unchanged: dict[str, list[RawVideo]] = {}
    looked_at: Counter[str] = Counter()
    stock: dict[str, list[RawVideo]] = {}

    def plan(actor: str) -> "list[list[Look]]":
        if not found.get(actor):
            raise RecordingsMissingError(
                f"no recordings of actor {actor} under {settings.raw_dir}/**/Actor_{actor}/: copy RAVDESS files there, "
                f"or make spoken ones with `ser-assets demo-corpus {settings.raw_dir}/demo --actors {int(actor)}`"
            )
        unchanged[actor], looks = inventory.take_stock(found[actor], settings.raw_dir, actor, known[actor])
        looked_at[actor] = len(looks)
        return [looks[start : start + FILES_AT_ONCE] for start in range(0, len(looks), FILES_AT_ONCE)]

    def store(actor: str, looks: "Iterator[list[RawVideo]]") -> None:
        rows = inventory.settle_duplicates([*unchanged[actor], *itertools.chain.from_iterable(looks)])
        if rows != sorted(known[actor].values(), key=lambda row: row.path):
            warehouse.replace_rows(RAW_VIDEOS, dataclass_table(rows, code_version=version), {"actor": actor})
        stock[actor] = rows

    def describe(actor: str) -> ActorMetadata:
        return raw_videos_metadata(stock[actor], examined=looked_at[actor])

    examine = functools.partial(inventory.examine_all, raw_dir=settings.raw_dir)
    result = for_each_actor(context, Step(plan, examine, store, describe, guarded=True), settings.worker_count)
    accepted = [row for rows in stock.values() for row in rows if row.status == "accepted"]
    recordings = sorted((row.take_id, row.recording) for row in accepted)
    context.set_data_version(context.asset_key, dg.DataVersion(fingerprint("raw_videos", settings, recordings)))
    return result


def _known_rows(warehouse: Warehouse, version: str) -> dict[str, dict[str, "RawVideo"]]:
    """Rows of earlier looks by actor and path."""
    from ser_assets.corpus.inventory import RawVideo

    names = [field.name for field in dataclasses.fields(RawVideo)]
    known: dict[str, dict[str, RawVideo]] = defaultdict(dict)
    for row in records(warehouse, RAW_VIDEOS, "code_version = ?", [version], columns=names):
        known[row["actor"]][row["path"]] = RawVideo(**row)
    return known


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[raw_videos], kinds={"ffmpeg", "parquet"})
def mono_audio(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """One float32 channel of every accepted take, at the project's sampling rate."""
    from ser_assets.assets.clip_steps import decode_batch

    accepted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in records(warehouse, RAW_VIDEOS, "status = 'accepted' ORDER BY take_id"):
        accepted[row["actor"]].append(row)

    def upstream(actor: str) -> Upstream:
        if not accepted[actor]:
            raise RecordingsMissingError(
                f"no accepted recordings of actor {actor} in table raw_videos: materialize raw_videos for {actor}, "
                "and look there why files were rejected"
            )
        about = {row["take_id"]: row for row in accepted[actor]}
        made_from = {take_id: [row[name] for name in (*TAKE_LABELS, "code_version")] for take_id, row in about.items()}
        return Upstream(made_from, about, extended("", "raw_videos", accepted[actor][0]["code_version"]))

    step = _clip_step(context, settings, actor_files, upstream, decode_batch)
    return for_each_actor(context, dataclasses.replace(step, guarded=True), settings.worker_count)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[mono_audio], kinds={"numpy", "parquet"})
def trimmed_audio(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], actor_files: dg.ResourceParam[ActorFiles]
) -> dg.MaterializeResult:
    """The clips without their silence, judged against each clip's own peak."""
    from ser_assets.assets.clip_steps import trim_batch

    upstream = functools.partial(at_rest, actor_files, "mono_audio")
    return for_each_actor(
        context, _clip_step(context, settings, actor_files, upstream, trim_batch), settings.worker_count
    )


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[trimmed_audio], kinds={"python", "parquet"})
def augmented_set(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], actor_files: dg.ResourceParam[ActorFiles]
) -> dg.MaterializeResult:
    """The clips, each in other voices too, and varied copies of them, until all emotions of an actor count alike."""
    from ser_assets.assets.clip_steps import augment_batch
    from ser_assets.audio.augmentation import plan_copies

    def upstream(actor: str) -> Upstream:
        clips = at_rest(actor_files, "trimmed_audio", actor)
        plan = plan_copies(actor_files.emotions("trimmed_audio", actor), settings.extra_copies, settings.voices)
        made_from = {take_id: [before, plan[take_id]] for take_id, before in clips.made_from.items()}
        return clips._replace(made_from=made_from, about=plan)

    return for_each_actor(
        context, _clip_step(context, settings, actor_files, upstream, augment_batch), settings.worker_count
    )


class Upstream(NamedTuple):
    """What an actor's clips are made from.

    `made_from` tells of each take all that decides how it comes out, `about` what the step wants to know of it, and
    `recipe` how it was made so far.
    """

    made_from: Mapping[str, object]
    about: Mapping[str, Any]
    recipe: str


def at_rest(actor_files: ActorFiles, asset: str, actor: str) -> Upstream:
    """Tell what an actor's clips upstream were made from.

    Raises:
        ClipsMissingError: there are none that can be read.
    """
    made_from = actor_files.made_from(asset, actor)
    if not made_from:
        path = actor_files.path(asset, actor)
        raise ClipsMissingError(f"no readable {asset} of actor {actor} at {path}: materialize {asset} for {actor}")
    return Upstream(made_from, {}, actor_files.recipe(asset, actor))


def batches_to_make(
    asset: str, settings: Settings, actor_files: ActorFiles, actor: str, upstream: Upstream
) -> list[Batch] | None:
    """Divide an actor's takes into batches; None where all that is at rest was made from the very same things."""
    wanted = {take_id: fingerprint(asset, settings, before) for take_id, before in upstream.made_from.items()}
    return batches_of(actor, wanted, actor_files.made_from(asset, actor), upstream.about) or None


def _clip_step(
    context: dg.AssetExecutionContext,
    settings: Settings,
    actor_files: ActorFiles,
    upstream: Callable[[str], Upstream],
    work: Callable[..., "pa.Table | None"],
) -> Step[Batch, "pa.Table | None"]:
    """How an asset of clips goes through an actor: `work` on the takes that have changed, and keep the others."""
    from ser_assets.assets.clip_steps import draw_clips

    asset = context.asset_key.to_user_string()
    planned: dict[str, list[Batch]] = {}
    recipes: dict[str, str] = {}

    def plan(actor: str) -> list[Batch] | None:
        before = upstream(actor)
        batches = batches_to_make(asset, settings, actor_files, actor, before)
        if batches:
            planned[actor] = batches
            recipes[actor] = extended(before.recipe, asset, code_version(asset, settings))
        return batches

    def store(actor: str, made: "Iterator[pa.Table | None]") -> None:
        from ser_assets.storage.clips import clip_schema

        rows = zip(planned.pop(actor), made, strict=True)
        actor_files.write(asset, actor, rows, clip_schema(settings.sampling_rate), recipes.pop(actor))

    return Step(
        plan,
        functools.partial(work, settings=settings),
        store,
        functools.partial(clips_metadata, asset, actor_files=actor_files),
        draw=functools.partial(draw_clips, asset=asset, actor_files=actor_files),
        lacks_picture=lambda actor: not actor_files.picture_path(asset, actor).exists(),
    )
