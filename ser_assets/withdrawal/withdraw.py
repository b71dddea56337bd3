"""What happens to stored data and models when recordings leave the corpus: all traces go, models are marked.

Every asset calls `remove_withdrawn` before it reads what is stored. It costs a listing of the corpus and of what is
stored, and changes nothing as long as every stored take is still in the corpus.
"""

import dataclasses
import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_assets.corpus.forgotten import FORGOTTEN_FILE, forgotten_speakers
from ser_assets.corpus.interface import Corpus, Listing
from ser_assets.history.take_removal import mark_removed, remove_from_history
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.rejections import Problem
from ser_assets.settings import Settings
from ser_assets.storage.files import atomic_file, remove_leftovers
from ser_assets.storage.tables import CHAMPION_PREDICTIONS, RAW_VIDEOS, records, settle_recordings
from ser_assets.storage.turns import turn
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import LOCK_SECONDS, Warehouse
from ser_assets.withdrawal.removal import (
    Stored,
    StoredTake,
    models_with_takes,
    remove_folders,
    remove_from_files,
    remove_from_tables,
    stored_takes,
)

if TYPE_CHECKING:
    import dagster as dg

REPORT = "metrics_report"


@dataclass(frozen=True)
class Removed:
    """What a removal touched. Take ids are not among it, for this goes into logs.

    speakers: those without any take left. takes: their number. tables: rows removed, by table. files: those rewritten
    or removed.
    models: kept models that were removed because they were trained on these takes. champion_marked: the champion too
    was trained on them; it stays in use, marked, until a new one takes its place.
    """

    speakers: tuple[str, ...] = ()
    takes: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    models: tuple[str, ...] = ()
    champion_marked: bool = False

    def __bool__(self) -> bool:
        return bool(self.tables or self.files)

    @property
    def sentence(self) -> str:
        """One sentence for logs."""
        takes = "1 take" if self.takes == 1 else f"{self.takes} takes"
        speakers = f", among them all of {', '.join(self.speakers)}," if self.speakers else ""
        models = (
            f"; models {', '.join(self.models)} were trained on them and have to be trained again"
            if self.models
            else ""
        )
        return (
            f"{takes}{speakers} left the corpus: removed {sum(self.tables.values())} rows of "
            f"{len(self.tables)} tables and changed {len(self.files)} files{models}"
        )


@dataclass(frozen=True)
class Withdrawn:
    """What is stored of recordings that are no longer in the corpus.

    takes: stored takes that the corpus no longer lists. rows: speaker and path of rows of `raw_videos` whose file is
    gone. names: take ids and paths, as logs may name them. speakers: those without any take left.
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
        """How many takes these are; tables without a speaker list a take once more."""
        return len({take.take_id for take in self.takes})


def find_withdrawn(settings: Settings, listing: Listing, *, in_files: bool = True) -> Withdrawn:
    """Compare what is stored with the corpus.

    Nothing counts as withdrawn while the corpus cannot be seen: none of its recordings exists (a disk that is not
    mounted), or a folder cannot be entered.

    in_files: whether to look into the files of clips as well as into the tables.
    """
    stored = stored_takes(settings.data_dir, in_files=in_files)
    existing = [entry for own in listing.entries.values() for entry in own if entry.path.exists()]
    if not existing or listing.incomplete:
        return Withdrawn(stored)
    inventory = _inventory(settings)
    takes = {StoredTake(entry.actor, entry.take.take_id) for entry in existing if entry.take}
    files = {(entry.actor, entry.name) for entry in existing}
    # A row that says that a listed file is not there stays: it is how the report and the doctor know.
    listed = {(entry.actor, entry.name) for own in listing.entries.values() for entry in own}
    files |= {key for key, row in inventory.items() if key in listed and row["problem"] == Problem.MISSING}
    return _compare(stored, inventory, takes, files)


def find_speaker(settings: Settings, speaker: str) -> Withdrawn:
    """Find everything that is stored of a speaker, whether or not the corpus still lists the recordings."""
    stored = stored_takes(settings.data_dir)
    inventory = _inventory(settings)
    own = {take.take_id for take in stored.takes if take.actor == speaker}
    own |= {row["take_id"] for (actor, _), row in inventory.items() if actor == speaker}
    takes = {take for take in stored.takes if take.actor != speaker and (take.actor or take.take_id not in own)}
    return _compare(stored, inventory, takes, {key for key in inventory if key[0] != speaker})


def remove_withdrawn(
    settings: Settings, corpus: Corpus, instance: "dg.DagsterInstance | None" = None, listing: Listing | None = None
) -> Removed:
    """Remove everything that is stored of recordings that are no longer in the corpus.

    instance: its run history is cleaned, too. listing: of the corpus now, where the caller has one.

    Raises:
        CorpusError: the corpus cannot be listed.
    """
    return remove(settings, find_withdrawn(settings, listing or corpus.listing()), instance)


def remove(settings: Settings, withdrawn: Withdrawn, instance: "dg.DagsterInstance | None" = None) -> Removed:
    """Remove takes from models, report, files, tables and history, in this order.

    The tables come after the files: they tell which models are concerned, so that a removal that is interrupted before
    is repeated whole. A database that could not be compacted afterwards is compacted by the next removal.

    Raises:
        HistoryUncleanError: all is removed, but a file of the run history could not be cleaned.
    """
    warehouse = Warehouse(settings.data_dir)
    if warehouse.compaction_due.exists():
        warehouse.compact()
    if not withdrawn:
        return Removed()
    models = models_with_takes(warehouse, withdrawn.takes)
    marked = _mark_champion(settings, withdrawn)
    folders = [settings.data_dir / "models" / kind / name for kind in (RAW, SPEAKER_NORMALISED) for name in models]
    folders += [settings.data_dir / "tensorboard" / name for name in models]
    files = remove_folders([*folders, settings.data_dir / "report"] if models else [])
    files += remove_from_files(settings.data_dir, withdrawn.takes, withdrawn.stored)
    tables = remove_from_tables(warehouse, withdrawn.takes, models, withdrawn.rows)
    if withdrawn.rows:
        settle_recordings(warehouse, code_version("raw_videos", settings))
    if instance is not None:
        pictured = {take.actor for take in withdrawn.takes if take.actor}
        files += remove_from_history(instance, withdrawn.names, withdrawn.speakers, pictured)
        if models:
            mark_removed(
                instance, [*models, REPORT], "trained on takes that have left the corpus: materialize it again"
            )
    return Removed(withdrawn.speakers, withdrawn.count, tables, tuple(files), tuple(models), marked)


def forget(
    settings: Settings, corpus: Corpus, speaker: str, instance: "dg.DagsterInstance | None" = None
) -> tuple[Removed, list[Path]]:
    """Remove everything that is stored of a speaker at once, and keep the speaker out of every later run.

    corpus: with the speaker, also if forgotten before.

    Returns: what was touched, and the recordings of the speaker, which are left to whoever owns them.
    """
    entries = [entry for entry in corpus.listing().entries.get(speaker, ()) if entry.path.exists()]
    path = settings.data_dir / FORGOTTEN_FILE
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with turn(path, read_only=False, seconds=LOCK_SECONDS), atomic_file(path) as part:
        speakers = sorted({*forgotten_speakers(settings.data_dir), speaker})
        part.write_text("".join(f"{each}\n" for each in speakers), encoding="utf-8")
    remove_leftovers(settings.data_dir)
    removed = remove(settings, find_speaker(settings, speaker), instance)
    if instance is not None:
        # Also where nothing else is stored any more: a run that was going on may have written more.
        names = {entry.name for entry in entries} | {entry.take.take_id for entry in entries if entry.take}
        cleaned = remove_from_history(instance, names, [speaker])
        removed = dataclasses.replace(removed, files=tuple(dict.fromkeys([*removed.files, *cleaned])))
    return removed, [entry.path for entry in entries]


def _inventory(settings: Settings) -> dict[tuple[str, str], dict[str, Any]]:
    """Take id and problem of each row of `raw_videos`, by speaker and path."""
    columns = ["actor", "path", "take_id", "problem"]
    rows = records(Warehouse(settings.data_dir), RAW_VIDEOS, "true", columns=columns)
    return {(row["actor"], row["path"]): row for row in rows}


def _compare(
    stored: Stored,
    inventory: Mapping[tuple[str, str], Mapping[str, Any]],
    takes: Collection[StoredTake],
    files: Collection[tuple[str, str]],
) -> Withdrawn:
    """Tell what has to go of what is stored and of the rows of `raw_videos`, given the takes and files that stay."""
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


def _mark_champion(settings: Settings, withdrawn: Withdrawn) -> bool:
    """Mark the champion where it was trained on any of these takes.

    Then it was evaluated on them as well; where the database is lost, its bundle still names its training speakers.
    """
    from ser_assets.serving.bundle import champion_folder
    from ser_assets.serving.withdrawn import mark_withdrawn, trained_on

    folder = champion_folder(settings.data_dir)
    speakers, takes = trained_on(folder)
    evaluated = withdrawn.stored.tables.get(CHAMPION_PREDICTIONS, frozenset())
    if evaluated:
        ids = {take.take_id for take in withdrawn.takes}
        left = {take for take in evaluated if take.take_id not in ids}
        # Counted from what is left, so that a removal that is repeated counts the same.
        gone, whole = takes - len({take.take_id for take in left}), speakers - {take.actor for take in left}
        concerned = len(left) < len(evaluated)
    else:
        own = {take for take in withdrawn.takes if take.actor in speakers}
        gone, whole = len({take.take_id for take in own}), speakers & set(withdrawn.speakers)
        concerned = bool(own)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return concerned and mark_withdrawn(folder, gone, len(whole), today)
