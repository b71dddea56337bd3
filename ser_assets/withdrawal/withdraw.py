"""Compares stored data with the corpus, and removes or marks what was derived from recordings that have left it.

Every asset calls `remove_withdrawn` before it reads stored data. The call lists the corpus and the stored takes, and
changes nothing while every stored take is in the corpus.
"""

import dataclasses
import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ser_assets.corpus.forgotten import FORGOTTEN_FILE, forgotten_speakers
from ser_assets.corpus.interface import Corpus, Listing
from ser_assets.history.take_removal import mark_removed, remove_from_history
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.settings import Settings
from ser_assets.storage.files import atomic_file, remove_leftovers
from ser_assets.storage.tables import CHAMPION_PREDICTIONS, settle_recordings
from ser_assets.storage.turns import turn
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import LOCK_SECONDS, Warehouse
from ser_assets.withdrawal.find import Withdrawn, find_speaker, find_withdrawn
from ser_assets.withdrawal.removal import (
    models_with_takes,
    remove_folders,
    remove_from_files,
    remove_from_tables,
)

if TYPE_CHECKING:
    import dagster as dg

REPORT = "metrics_report"


@dataclass(frozen=True)
class Removed:
    """What a removal changed. It contains no take ids, because it is logged.

    Attributes:
        speakers: speakers without remaining takes.
        takes: number of removed takes.
        tables: number of removed rows per table.
        files: files that were rewritten or removed.
        models: models that were removed because they were trained on these takes.
        champion_marked: whether the champion was trained on these takes. It stays in use, marked, until a new one
            replaces it.
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
        """A sentence for logs."""
        takes = "1 take" if self.takes == 1 else f"{self.takes} takes"
        speakers = f", among them all of {', '.join(self.speakers)}," if self.speakers else ""
        models = (
            f"; models {', '.join(self.models)} were trained on them and must be trained again" if self.models else ""
        )
        return (
            f"{takes}{speakers} left the corpus: removed {sum(self.tables.values())} rows of "
            f"{len(self.tables)} tables and changed {len(self.files)} files{models}"
        )


def remove_withdrawn(
    settings: Settings, corpus: Corpus, instance: "dg.DagsterInstance | None" = None, listing: Listing | None = None
) -> Removed:
    """Remove all stored data of recordings that are no longer in the corpus.

    Args:
        settings: name the data folder.
        corpus: lists the present recordings.
        instance: history to clean as well.
        listing: the listing of the corpus, if the caller has one.

    Returns:
        What was removed.

    Raises:
        CorpusError: the corpus cannot be listed.
    """
    return remove(settings, find_withdrawn(settings, listing or corpus.listing()), instance)


def remove(settings: Settings, withdrawn: Withdrawn, instance: "dg.DagsterInstance | None" = None) -> Removed:
    """Remove takes from models, report, files, tables and history, in this order.

    Tables are cleaned after files, because they determine the affected models: an interrupted removal is then repeated
    completely. A database that could not be compacted is compacted by the next removal.

    Raises:
        HistoryUncleanError: everything is removed, but a file of the run history could not be cleaned.
    """
    warehouse = Warehouse(settings.corpus_dir)
    if warehouse.compaction_due.exists():
        warehouse.compact()
    if not withdrawn:
        return Removed()
    models = models_with_takes(warehouse, withdrawn.takes)
    marked = _mark_champion(settings, withdrawn)
    folders = [settings.corpus_dir / "models" / kind / name for kind in (RAW, SPEAKER_NORMALISED) for name in models]
    folders += [settings.corpus_dir / "tensorboard" / name for name in models]
    files = remove_folders([*folders, settings.corpus_dir / "report"] if models else [])
    files += remove_from_files(settings.corpus_dir, withdrawn.takes, withdrawn.stored)
    tables = remove_from_tables(warehouse, withdrawn.takes, models, withdrawn.rows)
    if withdrawn.rows:
        settle_recordings(warehouse, settings.corpus_name, code_version("raw_videos", settings))
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
    """Remove all stored data of a speaker now, and exclude the speaker from every later run.

    Args:
        settings: name the data folder.
        corpus: contains the speaker, even if forgotten before.
        speaker: name of the speaker in the corpus.
        instance: history to clean as well.

    Returns:
        What was removed, and the recordings of the speaker, which are not removed.
    """
    entries = [entry for entry in corpus.listing().entries.get(speaker, ()) if entry.path.exists()]
    path = settings.corpus_dir / FORGOTTEN_FILE
    settings.corpus_dir.mkdir(parents=True, exist_ok=True)
    with turn(path, read_only=False, seconds=LOCK_SECONDS), atomic_file(path) as part:
        speakers = sorted({*forgotten_speakers(settings.corpus_dir), speaker})
        part.write_text("".join(f"{each}\n" for each in speakers), encoding="utf-8")
    remove_leftovers(settings.data_dir)
    removed = remove(settings, find_speaker(settings, speaker), instance)
    if instance is not None:
        # Even if nothing else was stored: a run in progress may have written more.
        names = {entry.name for entry in entries} | {entry.take.take_id for entry in entries if entry.take}
        cleaned = remove_from_history(instance, names, [speaker])
        removed = dataclasses.replace(removed, files=tuple(dict.fromkeys([*removed.files, *cleaned])))
    return removed, [entry.path for entry in entries]


def _mark_champion(settings: Settings, withdrawn: Withdrawn) -> bool:
    """Mark the champion if it was trained on any of these takes.

    It was then evaluated on them as well. If the database is lost, its bundle still names its training speakers.
    """
    from ser_assets.serving.bundle import champion_folder
    from ser_assets.serving.withdrawn import mark_withdrawn, trained_on

    folder = champion_folder(settings.corpus_dir)
    speakers, takes = trained_on(folder)
    evaluated = withdrawn.stored.tables.get(CHAMPION_PREDICTIONS, frozenset())
    if evaluated:
        ids = {take.take_id for take in withdrawn.takes}
        left = {take for take in evaluated if take.take_id not in ids}
        # Counted from the remaining takes, so that a repeated removal gives the same number.
        gone, whole = takes - len({take.take_id for take in left}), speakers - {take.actor for take in left}
        affected = len(left) < len(evaluated)
    else:
        own = {take for take in withdrawn.takes if take.actor in speakers}
        gone, whole = len({take.take_id for take in own}), speakers & set(withdrawn.speakers)
        affected = bool(own)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return affected and mark_withdrawn(folder, gone, len(whole), today)
