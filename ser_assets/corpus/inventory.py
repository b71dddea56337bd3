"""Which recordings there are, what they mean, and which of them cannot be used and why."""

import dataclasses
import hashlib
import os
import stat
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_assets.audio.channels import channel_likeness
from ser_assets.audio.decode import DecodeError, Recording, decode, to_mono
from ser_assets.audio.dropouts import abrupt_silence
from ser_assets.audio.fingerprint import alike, fingerprint
from ser_assets.audio.usable import refuse_unusable
from ser_assets.corpus.demo import DEMO_COMMENT
from ser_assets.corpus.entries import Entry, Take
from ser_assets.problems import Problem

SOUND = (
    "container",
    "codec",
    "sampling_rate",
    "channels",
    "audio_tracks",
    "audio_track",
    "seconds",
    "peak",
    "recording",
    "fingerprint",
    "channel_likeness",
    "abrupt_silence",
    "demo",
)
LABELS = tuple(field.name for field in dataclasses.fields(Take))
# What may have been repaired without a trace in the state of the file.
LOOKED_AT_AGAIN = frozenset({Problem.UNREADABLE, Problem.MISSING, Problem.CRASHES})
# Files that go to a worker at a time.
FILES_AT_ONCE = 15
# Longest time between two ticks of a file system: full seconds of FAT and HFS+, the kernel's own ticks elsewhere.
COARSE_TICK_NS = 2_000_000_000
FINE_TICK_NS = 100_000_000
# To look through more files of one size would take longer than to decode.
MOST_ALIKE = 50


@dataclass(frozen=True)
class RawVideo:
    """One file of the corpus; `path` is its name as `corpus.entries.name_of` writes it.

    `content_hash` is of the file's bytes, `recording` of its decoded mono samples: the same sound under two names has
    one `recording`. `file_state` is all that the file system reported when the content was hashed; it is empty where a
    later change could leave it the same. What the label says is None where it cannot be read, what the sound says where
    it was not decoded.
    `fingerprint` is much the same for the same sound in another coding; the demo corpus, whose synthesiser says a
    sentence twice alike, has none. `channel_likeness` is how much two channels have in common (0 to 1), None where only
    one has sound, `abrupt_silence` how many seconds of digital silence there are in the middle of sound.
    `seconds`, `sampling_rate` (Hz) and `channels` are those of the file, `audio_tracks` is how many tracks of sound it
    has, `audio_track` which of them is used, counted from 1. A rejected file has a `problem` and a
    `reason`, which goes on where the path ends; `place` is where its label stands, if not in its name.
    """

    path: str
    actor: str
    bytes: int
    file_state: str = ""
    content_hash: str = ""
    take_id: str | None = None
    modality: str | None = None
    vocal_channel: str | None = None
    emotion: str | None = None
    intensity: str | None = None
    statement: str | None = None
    repetition: int | None = None
    gender: str | None = None
    container: str | None = None
    codec: str | None = None
    sampling_rate: int | None = None
    channels: int | None = None
    audio_tracks: int | None = None
    audio_track: int | None = None
    seconds: float | None = None
    peak: float | None = None
    recording: str | None = None
    fingerprint: str | None = None
    channel_likeness: float | None = None
    abrupt_silence: float | None = None
    demo: bool = False
    status: str = "accepted"
    problem: str | None = None
    reason: str | None = None
    place: str | None = None
    duplicate_of: str | None = None

    @property
    def track_used(self) -> str:
        """Which of several audio tracks is used, as a sentence that begins with the path; empty where there is one."""
        if (self.audio_tracks or 1) == 1:
            return ""
        return f"{self.path} has {self.audio_tracks} audio tracks: track {self.audio_track} is used"

    @property
    def why_rejected(self) -> str:
        """The reason, and where the label stands."""
        return f"{self.reason} ({self.place})" if self.place else str(self.reason)


@dataclass(frozen=True)
class Look:
    """A recording to be looked at, and the rows of files of its size that were heard before."""

    entry: Entry
    heard: tuple[RawVideo, ...] = ()


def take_stock(
    entries: Iterable[Entry], known: Mapping[str, RawVideo] | None = None
) -> tuple[list[RawVideo], list[Look]]:
    """Part the recordings of an actor in those known from an earlier look and those to be looked at.

    A recording is known if its label and all that the file system reports of its file are unchanged. Every other one is
    hashed again. `known`: rows by name.
    """
    known = known or {}
    heard: dict[int, list[RawVideo]] = defaultdict(list)
    for row in known.values():
        if row.recording:
            heard[row.bytes].append(row)
    rows, looks = [], []
    for entry in entries:
        before, now = known.get(entry.name), unopened(entry)
        if before and _is_known(before, now):
            rows.append(dataclasses.replace(before, place=now.place))
        else:
            looks.append(Look(entry, tuple(heard[now.bytes][:MOST_ALIKE])))
    return rows, looks


def examine(look: Look) -> RawVideo:
    """Listen to one recording; what cannot be used comes back rejected, with the reason.

    A file whose content was heard before is not decoded again.
    """
    row = unopened(look.entry)
    if row.status == "rejected":
        return row
    try:
        content_hash = hash_of_file(look.entry.path)
        row = dataclasses.replace(row, content_hash=content_hash, file_state=_lasting_state(row, look.entry.path))
        for before in look.heard:
            if before.content_hash == row.content_hash:
                return _with_sound_of(row, before)
        recording = decode(look.entry.path)
        row = _with_sound(row, recording)
        refuse_unusable(recording)
    except DecodeError as error:
        return _rejected(row, error.problem, str(error))
    except OSError as error:
        return _rejected(row, Problem.UNREADABLE, f"cannot be read ({error.strerror})")
    return row


def crashed(look: Look) -> RawVideo:
    """What is known of a recording over which the decoder crashed, and took its process with it."""
    return _rejected(unopened(look.entry), Problem.CRASHES, "crashes the decoder")


def settle_all(rows_of: Mapping[str, Iterable[RawVideo]]) -> dict[str, list[RawVideo]]:
    """Settle the rows of every actor, and reject recordings that are there of two of them. Rows by actor."""
    rows = [row for own in rows_of.values() for row in settle_duplicates(own)]
    settled: dict[str, list[RawVideo]] = {actor: [] for actor in rows_of}
    for row in _without_contradictions(rows):
        settled[row.actor].append(row)
    return settled


def _without_contradictions(rows: Sequence[RawVideo]) -> list[RawVideo]:
    """Reject accepted recordings that are there of two speakers, or with two emotions: nobody knows which is right."""
    sounds = _sounds(rows)
    same: dict[int, list[RawVideo]] = defaultdict(list)
    for row, sound in zip(rows, sounds, strict=True):
        if row.status == "accepted":
            same[sound].append(row)
    return [
        _contradicted(row, same[sound]) if row.status == "accepted" else row
        for row, sound in zip(rows, sounds, strict=True)
    ]


def _contradicted(row: RawVideo, same: Iterable[RawVideo]) -> RawVideo:
    others = [other for other in same if (other.actor, other.emotion) != (row.actor, row.emotion)]
    for other in sorted(others, key=lambda other: other.recording != row.recording):
        place = f", {other.place}" if other.place else ""
        reason = f"{_is_the_same(row, other)} {other.path} ({other.emotion}, of {other.actor}{place})"
        return _duplicate(row, other.path, Problem.CONTRADICTION, reason)
    return row


def _is_the_same(row: RawVideo, other: RawVideo) -> str:
    """How much alike two rows of one sound are, as words before the name of the other."""
    return "is the same recording as" if row.recording == other.recording else "sounds the same as"


def _sounds(rows: Sequence[RawVideo]) -> list[int]:
    """A number for each row, the same for accepted rows of the same samples or of the same sound in another coding."""
    first: dict[str | None, int] = {}
    sounds = [
        first.setdefault(row.recording, number) if row.status == "accepted" else number
        for number, row in enumerate(rows)
    ]
    compared = [number for number, row in enumerate(rows) if sounds[number] == number and row.fingerprint]
    compared = [number for number in compared if rows[number].status == "accepted"]
    prints = [str(rows[number].fingerprint) for number in compared]
    for one, other in alike(prints, [rows[number].seconds or 0.0 for number in compared]):
        kept, gone = sorted((sounds[compared[one]], sounds[compared[other]]))
        sounds = [kept if sound == gone else sound for sound in sounds]
    return sounds


def settle_duplicates(rows: Iterable[RawVideo]) -> list[RawVideo]:
    """Keep one file of each take and one name of each recording; the others are rejected and name the one kept.

    Lossless recordings go before lossy ones, shallow folders before deep ones (mirrors of RAVDESS hold the folders
    twice, one nested in the other). One recording of a person pushes all demo takes aside. Rows settled earlier are
    settled anew. A recording that is there with two emotions is rejected under both its names.
    """
    rows = sorted(_without_contradictions([_unsettled(row) for row in rows]), key=_preference)
    settled: list[RawVideo] = []
    takes: dict[str | None, str] = {}
    recordings: dict[int, RawVideo] = {}
    by_people = ""
    for row, sound in zip(rows, _sounds(rows), strict=True):
        if row.status == "accepted":
            if row.demo and by_people:
                row = _duplicate(row, by_people, Problem.DEMO, "is synthetic, and there are recordings of people")
            elif kept := takes.get(row.take_id):
                row = _duplicate(row, kept, Problem.SAME_TAKE, f"is the same take as {kept}")
            elif twin := recordings.get(sound):
                reason = f"{_is_the_same(row, twin)} {twin.path}, under another name"
                row = _duplicate(row, twin.path, Problem.SAME_RECORDING, reason)
            else:
                takes[row.take_id], recordings[sound] = row.path, row
                by_people = by_people or ("" if row.demo else row.path)
        settled.append(row)
    return sorted(settled, key=lambda row: row.path)


def _unsettled(row: RawVideo) -> RawVideo:
    if row.duplicate_of is None:
        return row
    return dataclasses.replace(row, status="accepted", problem=None, reason=None, duplicate_of=None)


def _duplicate(row: RawVideo, kept: str, problem: Problem, reason: str) -> RawVideo:
    return dataclasses.replace(_rejected(row, problem, reason), duplicate_of=kept)


def _preference(row: RawVideo) -> tuple[bool, bool, int, str]:
    lossless = row.codec is not None and (row.codec.startswith("pcm_") or row.codec in {"flac", "alac"})
    return (row.demo, not lossless, row.path.count("/"), row.path)


def unopened(entry: Entry) -> RawVideo:
    """What can be said of a recording without opening it."""
    labels = {**vars(entry.take), "actor": entry.actor} if entry.take else {"actor": entry.actor}
    row = RawVideo(path=entry.name, bytes=0, place=entry.place or None, **labels)
    if entry.rejection and entry.rejection.problem == Problem.ROW:
        return _rejected(row, *entry.rejection)
    try:
        state = entry.path.stat()
    except FileNotFoundError as error:
        return _rejected(row, Problem.MISSING, f"cannot be read ({error.strerror})")
    except OSError as error:
        return _rejected(row, Problem.UNREADABLE, f"cannot be read ({error.strerror})")
    row = dataclasses.replace(row, bytes=state.st_size, file_state=_file_state(state))
    if not stat.S_ISREG(state.st_mode):
        return _rejected(row, Problem.UNREADABLE, "cannot be read (it is no regular file)")
    return _rejected(row, *entry.rejection) if entry.rejection else row


def _is_known(before: RawVideo, now: RawVideo) -> bool:
    """Whether the row of before still describes the file; `now` is unopened."""
    if before.problem in LOOKED_AT_AGAIN or (now.problem and now.problem != before.problem):
        return False
    return before.file_state == now.file_state != "" and has_same_label(before, now)


def has_same_label(before: RawVideo, now: RawVideo) -> bool:
    """Whether the corpus labels a recording as it did before."""
    return all(getattr(before, name) == getattr(now, name) for name in LABELS)


def _file_state(state: os.stat_result) -> str:
    """Everything by which a file system can tell that a file has changed; text, for some values exceed 64 bits."""
    parts = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev)
    return " ".join(map(str, parts))


def _lasting_state(row: RawVideo, path: Path) -> str:
    """The state of a file whose content has just been hashed; empty where a later change could leave it the same.

    A file system counts time in ticks: a second change within one tick leaves no trace. So a file that changed a tick
    ago, or while it was hashed, is hashed again next time (as git does: "racy git").
    """
    state = path.stat()
    tick = COARSE_TICK_NS if state.st_ctime_ns % 1_000_000_000 == 0 else FINE_TICK_NS
    has_settled = state.st_ctime_ns < time.time_ns() - tick
    return row.file_state if has_settled and _file_state(state) == row.file_state else ""


def _with_sound(row: RawVideo, recording: Recording) -> RawVideo:
    mono = to_mono(recording.samples)
    demo = recording.comment == DEMO_COMMENT
    return dataclasses.replace(
        row,
        container=recording.container,
        codec=recording.codec,
        sampling_rate=recording.sampling_rate,
        channels=recording.channels,
        audio_tracks=recording.tracks,
        audio_track=recording.track,
        seconds=recording.seconds,
        peak=float(np.abs(mono).max()),
        recording=audio_hash(mono, recording.sampling_rate),
        fingerprint=None if demo else fingerprint(mono, recording.sampling_rate),
        channel_likeness=channel_likeness(recording.samples, recording.sampling_rate),
        abrupt_silence=abrupt_silence(recording.samples, recording.sampling_rate),
        demo=demo,
    )


def audio_hash(mono: np.ndarray, sampling_rate: int) -> str:
    """Hash of decoded audio: float32 samples of shape (samples,), at their own rate in Hz."""
    salt = str(sampling_rate).encode()
    return hashlib.blake2b(np.ascontiguousarray(mono).tobytes(), digest_size=16, salt=salt).hexdigest()


def _with_sound_of(row: RawVideo, before: RawVideo) -> RawVideo:
    """What was heard in a file of the same content, whatever its name: the sound, and whether it can be used."""
    heard = {name: getattr(before, name) for name in SOUND}
    unfit = _unsettled(before)
    return dataclasses.replace(row, **heard, status=unfit.status, problem=unfit.problem, reason=unfit.reason)


def _rejected(row: RawVideo, problem: Problem, reason: str) -> RawVideo:
    return dataclasses.replace(row, status="rejected", problem=problem.value, reason=reason)


def hash_of_file(path: Path) -> str:
    """Hash of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
