"""Problems of recordings and of stored data, each with its remedy."""

import shutil
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_assets.corpus.forgotten import FORGOTTEN_FILE, forgotten_speakers
from ser_assets.corpus.interface import Corpus, Listing, require_unique_takes
from ser_assets.corpus.media_files import skipped_text
from ser_assets.corpus.table.grid import OPTIONAL
from ser_assets.learning.models.catalog import titles
from ser_assets.rejections import Problem
from ser_assets.runtime import progress
from ser_assets.runtime.workers import WorkerDiedError, outcomes_in_workers
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles, ClipsDamagedError
from ser_assets.storage.files import files_set_aside, remove_leftovers
from ser_assets.storage.tables import PREDICTIONS, known_recordings, records
from ser_assets.storage.versions import code_version
from ser_assets.storage.warehouse import Warehouse, WarehouseDamagedError

if TYPE_CHECKING:
    from ser_assets.corpus.inventory import InspectionTask
    from ser_assets.corpus.raw_video import RawVideo

FEWEST_ACTORS = 2
LITTLE_SPACE_BYTES = 2 << 30
# Two microphones in front of one speaker correlate far more than this.
UNLIKE_CHANNELS = 0.3
LONG_TIMES_THE_MEDIAN = 10
LONG_SECONDS = 15.0
STORED = ("mono_audio", "trimmed_audio", "augmented_set", "features", "embeddings")


@dataclass(frozen=True)
class Finding:
    """A kind of problem: its title, the remedy, the cases, and whether something has to be done."""

    title: str
    remedy: str
    cases: Sequence[str]
    urgent: bool = True


def examine_all(settings: Settings, corpus: Corpus) -> Iterator[Finding]:
    """Check all recordings (decoding those that are not known yet) and all stored data.

    Nothing is changed, except that a damaged stored file is set aside, and partial files of a killed run are removed.

    Yields:
        A finding for each kind of problem, and overviews.

    Raises:
        CorpusError: the corpus cannot be listed.
        WarehouseBusyError: another program keeps the database open.
    """
    remove_leftovers(settings.data_dir)
    damaged = list(_damage(settings))
    listing = corpus.listing()
    require_unique_takes(corpus.name, listing)
    yield from _recordings(settings, corpus, listing)
    yield from damaged
    yield from _out_of_date(settings, listing)
    if aside := [str(path) for path in files_set_aside(settings.data_dir)]:
        yield Finding("damaged and set aside", "Remove them after `ser-assets run` has made new ones.", aside, False)
    free = shutil.disk_usage(settings.data_dir if settings.data_dir.exists() else ".").free
    if free < LITTLE_SPACE_BYTES:
        yield Finding("little space left", "Free some: 20 actors take about 1 GB.", [f"{free / 1e9:.1f} GB free"])


def _recordings(settings: Settings, corpus: Corpus, listing: Listing) -> Iterator[Finding]:
    rows = _inventory(settings, listing)
    accepted = [row for row in rows if row.status == "accepted"]
    yield from _usable(corpus, accepted)
    yield from _doubtful(accepted)
    rejected: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.status == "rejected":
            rejected[str(row.problem)].append(f"{row.path} {row.why_rejected}")
    for problem in Problem:
        if cases := rejected[problem]:
            yield Finding(problem, problem.remedy, cases, urgent=not problem.is_expected)
    if tracks := [row.track_used for row in rows if row.track_used]:
        remedy = "If it is the wrong one, extract another: `ffmpeg -i FILE -map 0:a:N -c copy NEW`; N counts from 0."
        yield Finding("several audio tracks", remedy, tracks, urgent=False)
    if listing.skipped:
        yield Finding("no recordings", "", [skipped_text(listing.skipped)], urgent=False)
    if listing.unassigned_files:
        unassigned_files = [f"{name} {reason}" for name, reason in listing.unassigned_files]
        remedy = "Rename them, move them to the folder of their actor, or leave them."
        if corpus.name.startswith("table-"):
            remedy = "Correct these rows: they are not used."
        yield Finding("of no actor", remedy, unassigned_files)
    if listing.unused:
        remedy = f"Nothing to do, unless one should be named {', '.join(OPTIONAL)}."
        yield Finding("columns that are not used", remedy, listing.unused, urgent=False)
    if genders := _genders(rows):
        remedy = "Correct them in the table: scores by gender count such a speaker twice."
        yield Finding("speakers of two genders", remedy, genders)
    if accepted:
        # Without accepted takes, the message above contains the notes.
        yield from (Finding("another corpus", note, []) for note in listing.notes)


def _genders(rows: "Sequence[RawVideo]") -> list[str]:
    """Speakers whose accepted takes have more than one gender, with an example of each."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.status == "accepted" and row.gender:
            found[row.actor].setdefault(row.gender, row.place or row.path)
    return [
        f"{actor} is {' and '.join(f'{gender} ({place})' for gender, place in own.items())}"
        for actor, own in found.items()
        if len(own) > 1
    ]


def _usable(corpus: Corpus, accepted: "Sequence[RawVideo]") -> Iterator[Finding]:
    """The accepted takes, and whether they suffice."""
    speakers: dict[str, set[str]] = defaultdict(set)
    for row in accepted:
        speakers[str(row.emotion)].add(row.actor)
    takes = Counter(row.emotion for row in accepted)
    actors = {row.actor for row in accepted}
    shown = [f"{name}: {takes[name]} takes of {len(speakers[name])} actors" for name in corpus.emotions]
    yield Finding(f"{len(accepted)} takes of {len(actors)} actors can be used", "", shown, urgent=False)
    if not accepted:
        yield Finding("nothing to learn from", f"{corpus.missing_recordings_message()}", [])
    elif len(actors) < FEWEST_ACTORS:
        yield Finding("too few actors", "Add another: models are evaluated on unseen actors.", sorted(actors))
    elif scarce := [name for name in corpus.emotions if len(speakers[name]) < FEWEST_ACTORS]:
        remedy = "Add takes of another actor, or correct the label: it cannot be evaluated on an unseen speaker."
        yield Finding("emotions of fewer than two actors", remedy, scarce)


def _doubtful(accepted: "Sequence[RawVideo]") -> Iterator[Finding]:
    """Recordings that are used, but may not contain the utterance that they should."""
    if unlike := [row for row in accepted if (row.channel_likeness or 1.0) < UNLIKE_CHANNELS]:
        cases = [f"{row.path} has channels of different sound (likeness {row.channel_likeness:.2f})" for row in unlike]
        remedy = "The mean of both is used. Take one channel out: `ffmpeg -i FILE -af 'pan=mono|c0=c1' NEW.wav`; c0 is "
        yield Finding("two voices on two channels", f"{remedy}the left one, c1 the right one.", cases)
    if broken := [row for row in accepted if row.abrupt_silence]:
        cases = [f"{row.path} breaks off into {row.abrupt_silence:.2f} s of digital silence" for row in broken]
        remedy = "Copy or download it again: a download that did not end leaves zeros. Leave it if it was edited so."
        yield Finding("breaks off into silence", remedy, cases)
    seconds = [row.seconds or 0.0 for row in accepted]
    median = statistics.median(seconds) if seconds else 0.0
    longest = max(LONG_SECONDS, LONG_TIMES_THE_MEDIAN * median)
    if long := [row for row in accepted if (row.seconds or 0.0) > longest]:
        cases = [f"{row.path} lasts {row.seconds:.1f} s; half of all last {median:.1f} s at most" for row in long]
        yield Finding("far longer than the others", "Cut it into utterances, if it holds several.", cases, urgent=False)


def _inventory(settings: Settings, listing: Listing) -> "list[RawVideo]":
    """The rows that `raw_videos` would have now."""
    from ser_assets.corpus import inventory
    from ser_assets.corpus.duplicates import settle_all

    known = known_recordings(Warehouse(settings.corpus_dir), code_version("raw_videos", settings))
    found: dict[str, list[RawVideo]] = {}
    tasks: list[InspectionTask] = []
    for actor, entries in listing.entries.items():
        found[actor], new = inventory.split_known(entries, known[actor])
        tasks += new
    outcomes = outcomes_in_workers(
        inventory.inspect_recording, tasks, settings.worker_count, inventory.FILES_AT_ONCE, guarded=True
    )
    for done, outcome in enumerate(outcomes, start=1):
        crashed = isinstance(outcome.error, WorkerDiedError)
        row = inventory.crashed(outcome.item) if crashed else outcome.result()
        found[row.actor].append(row)
        progress.report("recordings", done, len(tasks))
    return [row for rows in settle_all(found).values() for row in rows]


def _out_of_date(settings: Settings, listing: Listing) -> Iterator[Finding]:
    """Stored data of withdrawn recordings, features older than the corpus, and a marked champion."""
    from ser_assets.assets.by_actor.current_corpus import changes_since_features
    from ser_assets.serving.bundle import BundleError, champion_folder
    from ser_assets.serving.withdrawn import withdrawn_from
    from ser_assets.withdrawal.find import find_withdrawn

    if withdrawn := find_withdrawn(settings, listing):
        remedy = "Run `ser-assets run`: it removes them everywhere and trains new models."
        cases = [f"{withdrawn.count} takes", *(f"all of {speaker}" for speaker in withdrawn.speakers)]
        yield Finding("stored, but no longer in the corpus", remedy, cases)
    if changed := changes_since_features(settings, Warehouse(settings.corpus_dir), listing):
        remedy = "Run `ser-assets run`: it prepares them and trains new models."
        yield Finding("changed since features were made", remedy, [f"{each.name} {each.what}" for each in changed])
    remedy = "Run `ser-assets run`: it trains a new champion."
    try:
        if mark := withdrawn_from(champion_folder(settings.corpus_dir)):
            yield Finding("champion trained on withdrawn recordings", remedy, [mark.sentence.partition(":")[0]])
    except BundleError as error:
        yield Finding("champion with a damaged mark", remedy, [str(error).partition(":")[0]])
    if orphans := _orphan_models(settings):
        remedy = "Nothing to do: the report leaves them out. docs/contributing.md tells how to remove their rows."
        yield Finding("models that left the catalogue", remedy, orphans, urgent=False)
    if forgotten := sorted(forgotten_speakers(settings.corpus_dir)):
        remedy = f"Nothing to do: {settings.corpus_dir / FORGOTTEN_FILE} names them, and they are left out."
        yield Finding("forgotten speakers", remedy, forgotten, urgent=False)


def _orphan_models(settings: Settings) -> list[str]:
    """Models with stored predictions that the catalogue does not have."""
    rows = records(Warehouse(settings.corpus_dir), PREDICTIONS, "true ORDER BY model", columns=["DISTINCT model"])
    return [row["model"] for row in rows if row["model"] not in titles()]


def _damage(settings: Settings) -> Iterator[Finding]:
    """Read all stored data to the end."""
    remedy = "Run `ser-assets run`: it makes them again from upstream."
    warehouse, actor_files = Warehouse(settings.corpus_dir), ActorFiles(settings.corpus_dir)
    cases = []
    try:
        warehouse.verify()
    except WarehouseDamagedError as error:
        cases.append(str(error))
    for asset in STORED:
        while True:
            try:
                actor_files.verify(asset)
                break
            except ClipsDamagedError as error:
                if str(error) in cases:
                    # It could not be set aside, so that the files after it cannot be checked.
                    break
                cases.append(str(error))
    if cases:
        yield Finding("damaged stored files", remedy, cases)
