"""What every step makes sure of before it reads what is stored: that it still describes the corpus."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import dagster as dg

from ser_assets.assets.examples import FeaturesMissingError
from ser_assets.assets.versions import code_version
from ser_assets.corpus.changes import Change, changes
from ser_assets.corpus.corpora import corpus_of
from ser_assets.corpus.entries import Listing
from ser_assets.settings import Settings
from ser_assets.storage.clips import TAKE_LABELS
from ser_assets.storage.tables import FEATURES, RAW_VIDEOS, USABLE_TAKES, known_recordings
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal import remove_withdrawn

SHOWN = 3


class CorpusChangedError(FeaturesMissingError):
    """Recordings or labels have changed since features were made; the message names them and the remedy."""


def drop_withdrawn(context: dg.AssetExecutionContext, settings: Settings, listing: Listing | None = None) -> Listing:
    """Remove all that is stored of recordings that have left the corpus, and return the listing of the corpus now."""
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

    kinds: which changes count.

    Raises:
        CorpusChangedError: there are such features; names speakers and recordings.
    """
    changed = [change for change in changes_since_features(settings, warehouse, listing) if change.kind in kinds]
    if changed:
        raise CorpusChangedError(_told(changed))


def changes_since_features(settings: Settings, warehouse: Warehouse, listing: Listing) -> list[Change]:
    """List how recordings and labels have changed of the speakers who have features."""
    if not (warehouse.has_table(FEATURES) and warehouse.has_table(RAW_VIDEOS)):
        return []
    prepared = set(warehouse.query_arrow(f"SELECT DISTINCT actor FROM {FEATURES}")["actor"].to_pylist())
    known = known_recordings(warehouse, code_version("raw_videos", settings))
    found = list(changes(listing, {actor: rows for actor, rows in known.items() if actor in prepared}))
    seen = {(change.actor, change.name) for change in found}
    return found + [change for change in _not_in_features(warehouse) if (change.actor, change.name) not in seen]


def _not_in_features(warehouse: Warehouse) -> list[Change]:
    """Takes that `raw_videos` accepts of a speaker with features, and that features lack or label otherwise."""
    same = " AND ".join(f"f.{label} IS NOT DISTINCT FROM r.{label}" for label in TAKE_LABELS)
    rows = warehouse.query_arrow(
        f"SELECT actor, path, take_id IN (SELECT take_id FROM {FEATURES}) AS known FROM {RAW_VIDEOS} AS r "
        f"SEMI JOIN ({USABLE_TAKES}) USING (take_id, recording) WHERE status = 'accepted' "
        f"AND actor IN (SELECT actor FROM {FEATURES}) AND NOT EXISTS (FROM {FEATURES} AS f "
        f"WHERE f.take_id = r.take_id AND f.actor = r.actor AND f.variant = 0 AND {same}) ORDER BY actor, path"
    ).to_pylist()
    return [
        Change(row["actor"], row["path"], "label", "has another label or content than its features")
        if row["known"]
        else Change(row["actor"], row["path"], "new", "has no features yet")
        for row in rows
    ]


def _told(changed: Sequence[Change]) -> str:
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
