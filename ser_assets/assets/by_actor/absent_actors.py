"""Which actors have nothing that the steps after `raw_videos` could work on: they are skipped, and the others go on."""

from collections.abc import Callable

from ser_assets.assets.by_actor.incremental import Upstream
from ser_assets.assets.by_actor.step import NothingToDoError
from ser_assets.corpus.interface import Corpus, Listing
from ser_assets.storage.tables import RAW_VIDEOS, records
from ser_assets.storage.warehouse import Warehouse

LOOK_FOR_REASONS = "`ser-assets doctor` lists why, and what to do"


def no_recordings(corpus: Corpus, actor: str) -> NothingToDoError:
    """Why an actor without recordings is skipped."""
    return NothingToDoError(
        corpus.missing_recordings_message(actor), "have no recordings", corpus.missing_recordings_message()
    )


def skipping_absent(
    upstream: Callable[[str], Upstream], corpus: Corpus, listing: Listing, warehouse: Warehouse
) -> Callable[[str], Upstream]:
    """Have actors skipped who have no accepted take, or no recording at all and nothing upstream.

    An actor who has recordings and lacks what is upstream fails as before: it has to be materialized first.
    """
    inventory = records(warehouse, RAW_VIDEOS, "true", columns=["DISTINCT actor", "status"])
    listed = {row["actor"] for row in inventory}
    accepted = {row["actor"] for row in inventory if row["status"] == "accepted"}

    def of_present(actor: str) -> Upstream:
        if actor in listed - accepted:
            raise NothingToDoError(
                f"all recordings of {actor} are rejected (table {RAW_VIDEOS}): {LOOK_FOR_REASONS}",
                f"have no accepted take (table {RAW_VIDEOS})",
                f"all recordings of these actors are rejected (table {RAW_VIDEOS}): {LOOK_FOR_REASONS}",
            )
        try:
            return upstream(actor)
        except FileNotFoundError as error:
            if actor in listed or listing.entries.get(actor):
                raise
            raise no_recordings(corpus, actor) from error

    return of_present
