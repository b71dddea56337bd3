"""What every step makes sure of before it reads what is stored: that it still describes the corpus."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from ser_assets.assets.by_actor.partition_events import drop_skipped
from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.interface import Listing
from ser_assets.settings import Settings
from ser_assets.storage.clips import TAKE_LABELS
from ser_assets.storage.tables import FEATURES, known_recordings, records
from ser_assets.storage.training_set import FeaturesMissingError
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal.find import find_withdrawn
from ser_assets.withdrawal.withdraw import remove_withdrawn

if TYPE_CHECKING:
    from ser_assets.corpus.changes import Change
    from ser_assets.corpus.raw_video import RawVideo

SHOWN = 3


class CorpusChangedError(FeaturesMissingError):
    """Recordings or labels have changed since features were made; the message names them and the remedy."""


def drop_withdrawn(context: dg.AssetExecutionContext, settings: Settings, listing: Listing | None = None) -> Listing:
    """Remove all that is stored of recordings that have left the corpus, and return the listing of the corpus now."""
    drop_skipped(context)
    corpus = corpus_of(settings)
    listing = listing or corpus.listing()
    removed = remove_withdrawn(settings, corpus, context.instance, listing)
    if removed:
        context.log.warning(removed.sentence)
    return listing


def require_current(
    settings: Settings, warehouse: Warehouse, listing: Listing, kinds: Collection[str] = ("new", "content", "label")
) -> None:
    """Refuse to go on with features of recordings or labels that are not those of the corpus any more.

    Args:
        settings: of the platform.
        warehouse: tables of the corpus.
        listing: of the corpus as it is now.
        kinds: which changes count.

    Raises:
        CorpusChangedError: there are such features; names speakers and recordings.
    """
    changed = [change for change in changes_since_features(settings, warehouse, listing) if change.kind in kinds]
    if changed:
        raise CorpusChangedError(_told(changed))


def require_current_for_study(settings: Settings, warehouse: Warehouse) -> None:
    """Refuse to study stored data that is not of the corpus any more; nothing is removed.

    Raises:
        CorpusChangedError: something is stored of recordings that have left, or features are older than the corpus.
    """
    listing = corpus_of(settings).listing()
    if find_withdrawn(settings, listing, in_files=False):
        raise CorpusChangedError("takes are stored that are no longer in the corpus: `ser-assets run` removes them")
    require_current(settings, warehouse, listing)


def changes_since_features(settings: Settings, warehouse: Warehouse, listing: Listing) -> "list[Change]":
    """List how recordings and labels have changed of the speakers who have features."""
    from ser_assets.corpus.changes import changes

    if not warehouse.has_table(FEATURES):
        return []
    known = known_recordings(warehouse, code_version("raw_videos", settings))
    if not known:
        return []
    columns = ("take_id", "actor", *TAKE_LABELS)
    features = {row["take_id"]: row for row in records(warehouse, FEATURES, "variant = 0", columns=columns)}
    prepared = {row["actor"] for row in features.values()}
    known = {actor: rows for actor, rows in known.items() if actor in prepared}
    found = [*changes(listing, known), *_unbalanced(warehouse)]
    seen = {(change.actor, change.name) for change in found}
    return found + [change for change in _not_in_features(known, features) if (change.actor, change.name) not in seen]


def _not_in_features(
    known: "Mapping[str, Mapping[str, RawVideo]]", features: Mapping[str, Mapping[str, Any]]
) -> "Iterator[Change]":
    """Takes that `raw_videos` accepts, and that features lack or label otherwise."""
    from ser_assets.corpus.changes import Change

    accepted = [row for rows in known.values() for row in rows.values() if row.status == "accepted"]
    of_people = any(not row.demo for row in accepted)
    for row in accepted:
        if row.demo and of_people:
            continue
        stored = features.get(str(row.take_id))
        if stored is None:
            yield Change(row.actor, row.path, "new", "has no features yet")
        elif different := [name for name in ("actor", *TAKE_LABELS) if stored[name] != getattr(row, name)]:
            kind: Literal["content", "label"] = "content" if different == ["audio_hash"] else "label"
            yield Change(row.actor, row.path, kind, f"has another {different[0]} than its features")


def _unbalanced(warehouse: Warehouse) -> "Iterator[Change]":
    """Speakers who have lost takes since their copies were made: their emotions have different numbers of clips."""
    from ser_assets.corpus.changes import Change

    rows = warehouse.query_arrow(
        f"SELECT actor FROM (SELECT actor, emotion, count(*) AS clips FROM {FEATURES} GROUP BY ALL) "
        "GROUP BY actor HAVING min(clips) < max(clips) ORDER BY actor"
    )
    for actor in rows["actor"].to_pylist():
        yield Change(actor, f"the clips of {actor}", "copies", "are not balanced: takes have left the corpus")


def _told(changed: "Sequence[Change]") -> str:
    by_actor: dict[str, list[Change]] = defaultdict(list)
    for change in changed:
        by_actor[change.actor].append(change)
    examples = [f"{change.name} {change.what}" for change in changed[:SHOWN]]
    more = f", and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return (
        f"recordings or labels of {', '.join(sorted(by_actor))} have changed since their features were made "
        f"({'; '.join(examples)}{more}): `ser-assets run` prepares them and trains again; in Dagster, materialize "
        "raw_videos to features of these speakers first"
    )
