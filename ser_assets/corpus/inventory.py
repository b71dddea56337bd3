"""Which recordings there are, what they mean, and which of them cannot be used and why."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_assets.audio.decode import DecodeError, Recording, decode, to_mono
from ser_assets.audio.silence import is_silent
from ser_assets.corpus.demo import DEMO_COMMENT
from ser_assets.corpus.ravdess import ACTORS, NotATakeError, Take, parse_name

MEDIA_ENDINGS = frozenset({".mp4", ".wav", ".flac", ".m4a", ".mov", ".mkv"})

SOUND = ("container", "codec", "sampling_rate", "channels", "seconds", "peak", "recording", "demo")

_ACTOR_FOLDER = re.compile(r"actor_(\d\d)", re.IGNORECASE)


@dataclass(frozen=True)
class RawVideo:
    """One file of the corpus; `path` is relative to the folder of recordings.

    `content_hash` is of the file's bytes, `recording` of its decoded mono samples: the same sound under two names has
    one `recording`. What the name says is None where the name cannot be read, what the sound says where it was not
    decoded. `seconds`, `sampling_rate` (Hz) and `channels` are those of the file.
    """

    path: str
    actor: str
    bytes: int
    modified_ns: int
    content_hash: str
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
    seconds: float | None = None
    peak: float | None = None
    recording: str | None = None
    demo: bool = False
    status: str = "accepted"
    reason: str | None = None
    duplicate_of: str | None = None


def find_recordings(raw_dir: Path) -> dict[str, list[Path]]:
    """List the media files in every `Actor_NN` folder at any depth, by actor, sorted; links are followed once."""
    found: dict[str, list[Path]] = {actor: [] for actor in ACTORS}
    for folder, names in _folders(raw_dir):
        match = _ACTOR_FOLDER.fullmatch(folder.name)
        if match and match[1] in found:
            found[match[1]] += [folder / name for name in names if Path(name).suffix.lower() in MEDIA_ENDINGS]
    return {actor: sorted(paths) for actor, paths in found.items() if paths}


def _folders(top: Path) -> Iterator[tuple[Path, list[str]]]:
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(top, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        subfolders.sort()
        seen.add(real)
        yield Path(folder), names


@dataclass(frozen=True)
class Look:
    """A file to be looked at, and the rows of files of its size that were heard before."""

    path: Path
    actor: str
    heard: tuple[RawVideo, ...] = ()


def take_stock(
    paths: Iterable[Path], raw_dir: Path, actor: str, known: Mapping[str, RawVideo] | None = None
) -> tuple[list[RawVideo], list[Look]]:
    """Part the files of an actor in those known from an earlier look and those to be looked at.

    A file is known that has kept its path, its size and its time of change. `known`: rows by path.
    """
    known = known or {}
    rows, looks = [], []
    for path in paths:
        row = known.get(_printable(path, raw_dir))
        state = path.stat() if path.exists() else None
        if row and state and (row.bytes, row.modified_ns, row.actor) == (state.st_size, state.st_mtime_ns, actor):
            rows.append(row)
        else:
            alike = (other for other in known.values() if state and other.recording and other.bytes == state.st_size)
            looks.append(Look(path, actor, tuple(alike)))
    return rows, looks


def examine(look: Look, raw_dir: Path) -> RawVideo:
    """Read one file's name and sound; a file that cannot be used comes back rejected, with the reason.

    A file whose content was heard before is not decoded again.
    """
    path, actor = look.path, look.actor
    printable = _printable(path, raw_dir)
    try:
        state, content_hash = path.stat(), _hash_of_file(path)
    except OSError as error:
        empty = RawVideo(printable, actor, bytes=0, modified_ns=0, content_hash="")
        return _rejected(empty, f"cannot be read ({error.strerror})")
    row = RawVideo(printable, actor, state.st_size, state.st_mtime_ns, content_hash)
    try:
        take = parse_name(path.stem)
    except NotATakeError as error:
        return _rejected(row, str(error))
    row = _with_labels(row, take)
    if reason := _unfit_by_name(take, actor, path):
        return _rejected(row, reason)
    for before in look.heard:
        if before.content_hash == content_hash:
            return _with_sound_of(row, before)
    try:
        recording = decode(path)
    except DecodeError as error:
        return _rejected(row, str(error))
    row = _with_sound(row, recording)
    if is_silent(recording.samples):
        return _rejected(row, "is silent: nothing rises above -60 dB of full scale")
    return row


def settle_duplicates(rows: Iterable[RawVideo]) -> list[RawVideo]:
    """Keep one file of each take and one name of each recording; the others are rejected and name the one kept.

    Lossless recordings go before lossy ones, shallow folders before deep ones (mirrors of RAVDESS hold the folders
    twice, one nested in the other). One recording of a person pushes all demo takes aside. Rows settled earlier are
    settled anew.
    """
    settled: list[RawVideo] = []
    takes: dict[str | None, str] = {}
    recordings: dict[str | None, str] = {}
    by_people = ""
    for row in sorted(map(_unsettled, rows), key=_preference):
        if row.status == "accepted":
            if row.demo and by_people:
                row = _duplicate(row, by_people, "is of the demo corpus, and there are recordings of people")
            elif kept := takes.get(row.take_id):
                row = _duplicate(row, kept, f"is the same take as {kept}")
            elif kept := recordings.get(row.recording):
                row = _duplicate(row, kept, f"is the same recording as {kept}, under another name")
            else:
                takes[row.take_id] = recordings[row.recording] = row.path
                by_people = by_people or ("" if row.demo else row.path)
        settled.append(row)
    return sorted(settled, key=lambda row: row.path)


def _unsettled(row: RawVideo) -> RawVideo:
    return dataclasses.replace(row, status="accepted", reason=None, duplicate_of=None) if row.duplicate_of else row


def _duplicate(row: RawVideo, kept: str, reason: str) -> RawVideo:
    return dataclasses.replace(_rejected(row, reason), duplicate_of=kept)


def _preference(row: RawVideo) -> tuple[bool, bool, int, str]:
    lossless = row.codec is not None and (row.codec.startswith("pcm_") or row.codec in {"flac", "alac"})
    return (row.demo, not lossless, row.path.count("/"), row.path)


def _unfit_by_name(take: Take, actor: str, path: Path) -> str | None:
    if take.actor != actor:
        return f"is named for actor {take.actor} but lies in {path.parent.name}"
    if take.modality == "video-only":
        return "is video-only (02-): its audio track is silence"
    if take.vocal_channel == "song":
        return "is song, not speech"
    return None


def _with_labels(row: RawVideo, take: Take) -> RawVideo:
    labels = {**dataclasses.asdict(take), "gender": take.gender, "actor": row.actor}
    return dataclasses.replace(row, **labels)


def _with_sound(row: RawVideo, recording: Recording) -> RawVideo:
    mono = np.ascontiguousarray(to_mono(recording.samples))
    return dataclasses.replace(
        row,
        container=recording.container,
        codec=recording.codec,
        sampling_rate=recording.sampling_rate,
        channels=recording.channels,
        seconds=recording.seconds,
        peak=float(np.abs(mono).max()),
        recording=hashlib.blake2b(
            mono.tobytes(), digest_size=16, salt=str(recording.sampling_rate).encode()
        ).hexdigest(),
        demo=recording.comment == DEMO_COMMENT,
    )


def _with_sound_of(row: RawVideo, before: RawVideo) -> RawVideo:
    """What was heard in a file of the same content, whatever its name: the sound, and whether it can be used."""
    heard = {name: getattr(before, name) for name in SOUND}
    unfit = _unsettled(before)
    return dataclasses.replace(row, **heard, status=unfit.status, reason=unfit.reason)


def _rejected(row: RawVideo, reason: str) -> RawVideo:
    return dataclasses.replace(row, status="rejected", reason=reason)


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _printable(path: Path, raw_dir: Path) -> str:
    """Path under the folder of recordings, as text that any table can hold."""
    return os.fsencode(path.relative_to(raw_dir).as_posix()).decode("utf-8", "backslashreplace")
