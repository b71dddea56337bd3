"""`embeddings`: what a pretrained encoder makes of every take and its copies in other voices, and the checks of it."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.by_actor.absent_actors import skipping_absent
from ser_assets.assets.by_actor.current_corpus import drop_withdrawn
from ser_assets.assets.by_actor.incremental import changed_takes_step, stored_upstream
from ser_assets.assets.by_actor.partitions import BY_ACTOR, SINGLE_RUN, for_each_actor
from ser_assets.assets.by_actor.tables import fill_tables
from ser_assets.assets.corpus import augmented_set
from ser_assets.assets.corpus_checks import ERROR, check_result
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.actor_table import clips_in_table
from ser_assets.corpus.interface import Corpus
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import EMBEDDINGS, USABLE_EMBEDDINGS
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = "embeddings"
CLIPS_EMBEDDED_AGAIN = 20
LARGEST_DIFFERENCE = 1e-2
"""As a share of the largest value. The same machine gives the same bits; other processors round otherwise."""


@dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, deps=[augmented_set], kinds={"onnx", "duckdb"})
@foreseen_failures
def embeddings(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    warehouse: dg.ResourceParam[Warehouse],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.MaterializeResult:
    """Mean and deviation over time of each layer of a pretrained encoder (table `embeddings`, one row a clip).

    Takes and their copies with speed perturbation are embedded; noisy copies are not. An encoder that is known to have
    been trained on this corpus is refused: its scores would not hold for an unseen speaker.
    """
    from ser_assets.assets.clip_steps import embed_batch, embedded_schema
    from ser_assets.encoders.preparation import prepare
    from ser_assets.encoders.training_corpora import refuse_trained_on

    # By the name in the setting, too: before a model of gigabytes is downloaded.
    refuse_trained_on(settings.encoder, corpus.name)
    prepare(settings.encoder_choice)
    encoder = settings.encoder_choice.open()
    refuse_trained_on(encoder.identity.name, corpus.name)
    context.log.info(f"encoder {encoder.identity}, layers {', '.join(map(str, encoder.layers))}")
    listing = drop_withdrawn(context, settings)

    def settle(actors: Sequence[str]) -> dict[str, Exception]:
        return fill_tables(ASSET, {EMBEDDINGS: _rows}, warehouse, actor_files, corpus.name, actors)

    def describe(actor: str) -> dict[str, Any]:
        labels = actor_files.labels(ASSET, actor)
        return {
            "dagster/partition_row_count": len(labels),
            "takes": int(labels["take_id"].nunique()),
            "encoder": str(encoder.identity),
            "layers": ", ".join(map(str, encoder.layers)),
            "values of a clip": len(encoder.names),
        }

    upstream = skipping_absent(
        functools.partial(stored_upstream, actor_files, "augmented_set"), corpus, listing, warehouse
    )
    step = changed_takes_step(ASSET, settings, actor_files, upstream, embed_batch, embedded_schema(), describe)
    step = dataclasses.replace(
        step, settle=settle, overview=lambda: clips_in_table(warehouse, EMBEDDINGS, corpus.actors)
    )
    return for_each_actor(context, step, settings.worker_count)


def _rows(rows: "pa.Table", corpus: str, recipe: str) -> "pa.Table":
    import pyarrow as pa

    numbers = pa.list_(pa.list_(pa.float32()))
    names = ("take_id", "variant", "actor", "voice", "audio_hash", "input_fingerprint")
    constants = {"corpus": corpus, "recipe": recipe}
    return pa.table(
        {name: rows[name] for name in names}
        | {name: pa.array([value] * rows.num_rows) for name, value in constants.items()}
        | {name: rows[name] for name in ("encoder", "encoder_sha256", "layers")}
        | {name: rows[name].cast(numbers) for name in ("mean", "deviation")}
    )


@dg.asset_check(asset=embeddings, blocking=True)
@foreseen_failures
def finite_embeddings(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Every value of every usable embedding is a finite number, and each clip has as many as the others."""
    broken = warehouse.query_arrow(
        f"SELECT actor, take_id, variant FROM ({USABLE_EMBEDDINGS}) WHERE NOT "
        "(list_bool_and(list_transform(flatten(list_concat(mean, deviation)), lambda x: isfinite(x))) "
        "AND len(mean) = len(layers) AND len(deviation) = len(layers) "
        f"AND len(flatten(mean)) = (SELECT max(len(flatten(mean))) FROM ({USABLE_EMBEDDINGS})))"
    )
    return check_result(broken.to_pylist(), ERROR, "clips with a missing value")


@dg.asset_check(asset=embeddings, blocking=True)
@foreseen_failures
def one_encoder(settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """All usable embeddings are of the encoder that SER_ENCODER names; models leave out demo takes beside real ones."""
    wanted = settings.encoder_choice.version
    others = warehouse.query_arrow(
        "SELECT actor, encoder, encoder_sha256, count(*) AS clips "
        f"FROM ({USABLE_EMBEDDINGS}) WHERE encoder_sha256 != ? GROUP BY ALL ORDER BY actor",
        [wanted],
    )
    return check_result(others.to_pylist(), ERROR, "actors whose embeddings are of another encoder")


@dg.asset_check(asset=embeddings, blocking=True)
@foreseen_failures
def embedded_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """No two takes have the same embedding: the same recording under two names could be on both sides of a split."""
    found = warehouse.query_arrow(
        f"SELECT list(DISTINCT take_id ORDER BY take_id) AS takes FROM ({USABLE_EMBEDDINGS}) "
        "GROUP BY mean, deviation HAVING count(DISTINCT take_id) > 1 ORDER BY ALL"
    )
    rows = [{"takes": ", ".join(row["takes"])} for row in found.to_pylist()]
    return check_result(rows, ERROR, "embeddings that several takes have")


@dg.asset_check(asset=embeddings, blocking=True)
@foreseen_failures
def embedded_alone(
    settings: dg.ResourceParam[Settings],
    corpus: dg.ResourceParam[Corpus],
    warehouse: dg.ResourceParam[Warehouse],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.AssetCheckResult:
    """Some clips, embedded once more and alone, have the stored values: the table holds what the encoder makes."""
    from ser_assets.assets.clip_steps import embedding_differences

    drawn = warehouse.query_arrow(
        f"SELECT actor, take_id, variant, mean, deviation FROM ({USABLE_EMBEDDINGS}) ORDER BY hash(take_id, variant) "
        f"LIMIT {CLIPS_EMBEDDED_AGAIN}"
    )
    known = set(corpus.actors)
    found = embedding_differences([row for row in drawn.to_pylist() if row["actor"] in known], settings, actor_files)
    wrong = [row for row in found if row["difference"] > LARGEST_DIFFERENCE]
    return check_result(wrong, ERROR, "clips whose embedding is not what the encoder makes of them")


EMBEDDING_CHECKS = (finite_embeddings, one_encoder, embedded_once, embedded_alone)
