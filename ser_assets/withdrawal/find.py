"""Finds stored data of recordings that are no longer in the corpus, or of one speaker."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ser_assets.corpus.interface import Listing
from ser_assets.rejections import Problem
from ser_assets.settings import Settings
from ser_assets.storage.tables import RAW_VIDEOS, records
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal.removal import Stored, StoredTake, stored_takes


@dataclass(frozen=True)
class Withdrawn:
    """Stored data of recordings that are no longer in the corpus.

    Attributes:
        stored: all stored takes.
        takes: stored takes that the corpus no longer lists.
        rows: speaker and path of rows of `raw_videos` whose file is missing.
        names: take ids and paths that logs may contain.
        speakers: speakers without remaining takes.
    """

    stored: Stored
    takes: frozenset[StoredTake] = frozenset()
    rows: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()
    speakers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.takes or self.rows)

    @property
    def count(self) -> int:
        """Number of distinct takes; tables without a speaker list a take again."""
        return len({take.take_id for take in self.takes})


def find_withdrawn(settings: Settings, listing: Listing, *, in_files: bool = True) -> Withdrawn:
    """Compare stored data with the corpus.

    Nothing counts as withdrawn while the corpus is not accessible: none of its recordings exists (a disk that is not
    mounted), or a folder cannot be entered.

    Args:
        settings: name the data folder.
        listing: the present recordings of the corpus.
        in_files: search the files of clips as well as the tables.
    """
    stored = stored_takes(settings.corpus_dir, in_files=in_files)
    existing = [entry for own in listing.entries.values() for entry in own if entry.path.exists()]
    if not existing or listing.incomplete:
        return Withdrawn(stored)
    inventory = _inventory(settings)
    takes = {StoredTake(entry.actor, entry.take.take_id) for entry in existing if entry.take}
    files = {(entry.actor, entry.name) for entry in existing}
    # The row of a listed but missing file stays: the report and the doctor read it.
    listed = {(entry.actor, entry.name) for own in listing.entries.values() for entry in own}
    files |= {key for key, row in inventory.items() if key in listed and row["problem"] == Problem.MISSING}
    return _compare(stored, inventory, takes, files)


def find_speaker(settings: Settings, speaker: str) -> Withdrawn:
    """Find all stored data of a speaker, whether or not the corpus still lists the recordings."""
    stored = stored_takes(settings.corpus_dir)
    inventory = _inventory(settings)
    own = {take.take_id for take in stored.takes if take.actor == speaker}
    own |= {row["take_id"] for (actor, _), row in inventory.items() if actor == speaker}
    takes = {take for take in stored.takes if take.actor != speaker and (take.actor or take.take_id not in own)}
    return _compare(stored, inventory, takes, {key for key in inventory if key[0] != speaker})


def _inventory(settings: Settings) -> dict[tuple[str, str], dict[str, Any]]:
    """Take id and problem of each row of `raw_videos`, by speaker and path."""
    columns = ["actor", "path", "take_id", "problem"]
    rows = records(Warehouse(settings.corpus_dir), RAW_VIDEOS, "true", columns=columns)
    return {(row["actor"], row["path"]): row for row in rows}


def _compare(
    stored: Stored,
    inventory: Mapping[tuple[str, str], Mapping[str, Any]],
    takes: Collection[StoredTake],
    files: Collection[tuple[str, str]],
) -> Withdrawn:
    """Find what to remove from stored data and from `raw_videos`, given the takes and files that stay."""
    ids = {take.take_id for take in takes}
    gone = {take for take in stored.takes if take not in takes and (take.actor or take.take_id not in ids)}
    gone_rows = {key: row["take_id"] for key, row in inventory.items() if key not in files}
    names = {take.take_id for take in gone} | {take_id for take_id in gone_rows.values() if take_id}
    left = {take.actor for take in takes} | {actor for actor, _ in files}
    speakers = {take.actor for take in gone if take.actor} | {actor for actor, _ in gone_rows}
    return Withdrawn(
        stored,
        frozenset(gone),
        frozenset(gone_rows),
        frozenset(names - ids | {path for _, path in gone_rows}),
        tuple(sorted(speakers - left)),
    )
