"""From recordings to clips: `raw_videos`, `mono_audio`, `trimmed_audio`, `augmented_set`, each partitioned by actor."""

import dataclasses
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.by_actor.absent_actors import no_recordings, skipping_absent
from ser_assets.assets.by_actor.current_corpus import drop_withdrawn
from ser_assets.assets.by_actor.incremental import Upstream, changed_takes_step, stored_upstream
from ser_assets.assets.by_actor.partitions import BY_ACTOR, SINGLE_RUN, for_each_actor
from ser_assets.assets.by_actor.step import ActorMetadata, Step
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.actor_table import clips_of_all, inventory_of_all
from ser_assets.assets.metadata.describe import clips_metadata, raw_videos_metadata
from ser_assets.corpus.forgotten import refuse_forgotten
from ser_assets.corpus.interface import Corpus, require_unique_takes
from ser_assets.corpus.media_files import skipped_text
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import TAKE_LABELS
from ser_assets.storage.files import remove_leftovers
from ser_assets.storage.tables import RAW_VIDEOS, dataclass_table, known_recordings, records, settle_recordings
from ser_assets.storage.versions import code_version, extended, fingerprint
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from ser_assets.corpus.inventory import InspectionTask
    from ser_assets.corpus.raw_video import RawVideo


class RecordingsMissingError(FileNotFoundError):
    """An actor has recordings that `raw_videos` does not list; the message says what to do."""


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, kinds={"ffmpeg", "duckdb"})
@foreseen_failures
def raw_videos(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult:
    """Which takes of an actor there are, what they mean, and which files were rejected and why (table `raw_videos`)."""
    from ser_assets.corpus import inventory
    from ser_assets.corpus.duplicates import resolve_duplicates

    remove_leftovers(settings.data_dir)
    version = code_version("raw_videos", settings)
    listing = drop_withdrawn(context, settings, corpus.listing())
    require_unique_takes(corpus.name, listing)
    for stray in listing.unassigned_files:
        context.log.warning(f"of no actor, and left out: {stray.name} {stray.reason}")
    if listing.skipped:
        context.log.info(skipped_text(listing.skipped))
    for note in listing.notes:
        context.log.warning(note)
    known = known_recordings(warehouse, version)
    unchanged: dict[str, list[RawVideo]] = {}
    looked_at: Counter[str] = Counter()
    stock: dict[str, list[RawVideo]] = {}
    all_actors: dict[str, list[RawVideo]] = {}

    def plan(actor: str) -> "list[InspectionTask]":
        if not listing.entries.get(actor):
            raise no_recordings(corpus, actor)
        unchanged[actor], looks = inventory.split_known(listing.entries[actor], known[actor])
        looked_at[actor] = len(looks)
        return looks

    def store(actor: str, examined: "Iterator[RawVideo]") -> None:
        refuse_forgotten(settings.corpus_dir, [actor])
        rows = resolve_duplicates([*unchanged[actor], *examined])
        if rows != sorted(known[actor].values(), key=lambda row: row.path):
            warehouse.replace_rows(
                RAW_VIDEOS, dataclass_table(rows, corpus=corpus.name, code_version=version), {"actor": actor}
            )
        stock[actor] = rows

    def settle(actors: Sequence[str]) -> dict[str, Exception]:
        all_actors.update(settle_recordings(warehouse, corpus.name, version))
        stock.update({actor: rows for actor, rows in all_actors.items() if actor in actors})
        return {}

    def describe(actor: str) -> ActorMetadata:
        return raw_videos_metadata(stock[actor], looked_at[actor], corpus.emotions)

    def data_version(actor: str) -> str:
        accepted = (row for row in stock[actor] if row.status == "accepted")
        takes = sorted((row.take_id, *(getattr(row, name) for name in TAKE_LABELS)) for row in accepted)
        return fingerprint("raw_videos", settings, takes)

    step = Step(
        plan,
        inventory.inspect_recording,
        store,
        describe,
        data_version,
        guarded=True,
        chunk=inventory.FILES_AT_ONCE,
        crashed=inventory.crashed,
        settle=settle,
        overview=lambda: inventory_of_all(all_actors, corpus.actors),
    )
    return for_each_actor(context, step, settings.worker_count)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[raw_videos], kinds={"ffmpeg", "parquet"})
@foreseen_failures
def mono_audio(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
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
                f"recordings of actor {actor} are not in table {RAW_VIDEOS}: materialize raw_videos for {actor} first"
            )
        about = {row["take_id"]: row for row in accepted[actor]}
        input_fingerprint = {
            take_id: [row[name] for name in (*TAKE_LABELS, "code_version")] for take_id, row in about.items()
        }
        return Upstream(input_fingerprint, about, extended("", "raw_videos", accepted[actor][0]["code_version"]))

    decode = functools.partial(decode_batch, root=corpus.root)
    return _for_each_actor(context, settings, corpus, actor_files, upstream, decode, guarded=True)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[mono_audio], kinds={"numpy", "parquet"})
@foreseen_failures
def trimmed_audio(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """The clips without their silence, evaluated against each clip's own peak."""
    from ser_assets.assets.clip_steps import trim_batch

    upstream = functools.partial(stored_upstream, actor_files, "mono_audio")
    return _for_each_actor(context, settings, corpus, actor_files, upstream, trim_batch)


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[trimmed_audio], kinds={"python", "parquet"})
@foreseen_failures
def augmented_set(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """The clips, each in other voices too, and varied copies of them, until all emotions of an actor count alike."""
    from ser_assets.assets.clip_steps import augment_batch
    from ser_assets.audio.augmentation import plan_copies

    def upstream(actor: str) -> Upstream:
        clips = stored_upstream(actor_files, "trimmed_audio", actor)
        plan = plan_copies(
            actor_files.emotions("trimmed_audio", actor), settings.extra_copies, settings.speed_perturbation
        )
        input_fingerprint = {take_id: [before, plan[take_id]] for take_id, before in clips.input_fingerprint.items()}
        return clips._replace(input_fingerprint=input_fingerprint, about=plan)

    return _for_each_actor(context, settings, corpus, actor_files, upstream, augment_batch)


def _for_each_actor(
    context: dg.AssetExecutionContext,
    settings: Settings,
    corpus: Corpus,
    actor_files: ActorFiles,
    upstream: Callable[[str], Upstream],
    work: Callable[..., "pa.Table | None"],
    *,
    guarded: bool = False,
) -> dg.MaterializeResult:
    """Go through the actors of an asset of clips, and draw some of each actor's."""
    from ser_assets.assets.clip_steps import draw_clips
    from ser_assets.storage.clips import clip_schema

    listing = drop_withdrawn(context, settings)
    upstream = skipping_absent(upstream, corpus, listing, Warehouse(settings.corpus_dir))
    asset = context.asset_key.to_user_string()
    schema = clip_schema(settings.sampling_rate)
    describe = functools.partial(clips_metadata, asset, actor_files=actor_files, emotions=corpus.emotions)
    step = dataclasses.replace(
        changed_takes_step(asset, settings, actor_files, upstream, work, schema, describe),
        guarded=guarded,
        draw=functools.partial(draw_clips, asset, actor_files=actor_files),
        lacks_picture=lambda actor: not actor_files.picture_path(asset, actor).exists(),
        overview=lambda: clips_of_all(asset, actor_files, corpus.actors),
    )
    return for_each_actor(context, step, settings.worker_count)
