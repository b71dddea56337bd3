"""How an asset that rests as one file an actor is made: only the takes whose upstream has changed, the others kept."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ser_assets.assets.by_actor.step import ActorMetadata, Step
from ser_assets.corpus.forgotten import refuse_forgotten
from ser_assets.runtime.workers import WorkerDiedError
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles, ClipsMissingError
from ser_assets.storage.batches import Batch, batches_of
from ser_assets.storage.versions import code_version, content_version, extended, fingerprint

if TYPE_CHECKING:
    import pyarrow as pa


class Upstream(NamedTuple):
    """What an actor's clips are made from.

    `input_fingerprint` tells of each take all that decides how it comes out, `about` what the step wants to know of
    it, and `recipe` how it was made so far.
    """

    input_fingerprint: Mapping[str, object]
    about: Mapping[str, Any]
    recipe: str


def stored_upstream(actor_files: ActorFiles, asset: str, actor: str) -> Upstream:
    """Tell what an actor's clips upstream were made from.

    Raises:
        ClipsMissingError: there are none.
    """
    input_fingerprint = actor_files.input_fingerprint(asset, actor)
    if not input_fingerprint:
        path = actor_files.path(asset, actor)
        raise ClipsMissingError(f"no {asset} of actor {actor} at {path}: materialize {asset} for {actor} first")
    return Upstream(input_fingerprint, {}, actor_files.recipe(asset, actor))


def changed_takes_step(
    asset: str,
    settings: Settings,
    actor_files: ActorFiles,
    upstream: Callable[[str], Upstream],
    work: Callable[..., "pa.Table | None"],
    schema: "pa.Schema",
    describe: Callable[[str], ActorMetadata],
) -> Step[Batch, "pa.Table | None"]:
    """How an asset goes through an actor: `work` on the takes that have changed, in batches, and keep the others."""
    planned: dict[str, tuple[list[Batch], str]] = {}

    def plan(actor: str) -> list[Batch] | None:
        before = upstream(actor)
        wanted = {
            take_id: fingerprint(asset, settings, input_fingerprint)
            for take_id, input_fingerprint in before.input_fingerprint.items()
        }
        batches = batches_of(actor, wanted, actor_files.input_fingerprint(asset, actor), before.about)
        if not batches:
            return None
        planned[actor] = batches, extended(before.recipe, asset, code_version(asset, settings))
        return batches

    def store(actor: str, made: "Iterator[pa.Table | None]") -> None:
        refuse_forgotten(settings.corpus_dir, [actor])
        batches, recipe = planned.pop(actor)
        actor_files.write(asset, actor, zip(batches, made, strict=True), schema, recipe)

    def data_version(actor: str) -> str:
        return content_version(actor_files.input_fingerprint(asset, actor))

    return Step(plan, functools.partial(work, settings=settings), store, describe, data_version, crashed=_crashed)


def _crashed(batch: Batch) -> NoReturn:
    takes = batch.to_make
    raise WorkerDiedError(
        f"the process that worked on takes {takes[0]} to {takes[-1]} died: a library crashed, or memory ran out; "
        "try SER_WORKERS=1, and `ser-assets doctor` looks for the recording"
    )
