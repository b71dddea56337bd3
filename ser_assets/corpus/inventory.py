"""Which recordings there are, what they mean, and which of them cannot be used and why."""

import dataclasses
import hashlib
import os
import stat
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ser_assets.audio.decoding.channels import channel_likeness
from ser_assets.audio.decoding.decode import DecodeError, Recording, decode
from ser_assets.audio.decoding.dropouts import abrupt_silence
from ser_assets.audio.decoding.mono import to_mono
from ser_assets.audio.fingerprint import fingerprint
from ser_assets.audio.validation import require_utterance
from ser_assets.corpus.demo.corpus import DEMO_COMMENT
from ser_assets.corpus.interface import Entry
from ser_assets.corpus.raw_video import LABELS, SOUND, RawVideo
from ser_assets.rejections import Problem

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
class InspectionTask:
    """A recording to be looked at, and the rows of inspected files of its size."""

    entry: Entry
    same_size: tuple[RawVideo, ...] = ()


def split_known(
    entries: Iterable[Entry], known: Mapping[str, RawVideo] | None = None
) -> tuple[list[RawVideo], list[InspectionTask]]:
    """Part the recordings of an actor in those known from an earlier look and those to be looked at.

    A recording is known if its label and all that the file system reports of its file are unchanged. Every other one is
    hashed again. `known`: rows by name.
    """
    known = known or {}
    same_size: dict[int, list[RawVideo]] = defaultdict(list)
    for row in known.values():
        if row.audio_hash:
            same_size[row.bytes].append(row)
    rows, looks = [], []
    for entry in entries:
        before, now = known.get(entry.name), unopened(entry)
        if before and _is_known(before, now):
            rows.append(dataclasses.replace(before, place=now.place))
        else:
            looks.append(InspectionTask(entry, tuple(same_size[now.bytes][:MOST_ALIKE])))
    return rows, looks


def inspect_recording(look: InspectionTask) -> RawVideo:
    """Listen to one recording; what cannot be used comes back rejected, with the reason.

    A file whose content is known is not decoded again.
    """
    row = unopened(look.entry)
    if row.status == "rejected":
        return row
    try:
        content_hash = hash_of_file(look.entry.path)
        row = dataclasses.replace(row, content_hash=content_hash, file_state=_lasting_state(row, look.entry.path))
        for before in look.same_size:
            if before.content_hash == row.content_hash:
                return _with_sound_of(row, before)
        recording = decode(look.entry.path)
        row = _with_sound(row, recording)
        require_utterance(recording)
    except DecodeError as error:
        return row.rejected(error.problem, str(error))
    except OSError as error:
        return row.rejected(Problem.UNREADABLE, f"cannot be read ({error.strerror})")
    return row


def crashed(look: InspectionTask) -> RawVideo:
    """What is known of a recording over which the decoder crashed, and took its process with it."""
    return unopened(look.entry).rejected(Problem.CRASHES, "crashes the decoder")


def unopened(entry: Entry) -> RawVideo:
    """What is known of a recording without opening it."""
    labels = {**vars(entry.take), "actor": entry.actor} if entry.take else {"actor": entry.actor}
    row = RawVideo(path=entry.name, bytes=0, place=entry.place or None, **labels)
    if entry.rejection and entry.rejection.problem == Problem.ROW:
        return row.rejected(*entry.rejection)
    try:
        state = entry.path.stat()
    except FileNotFoundError as error:
        return row.rejected(Problem.MISSING, f"cannot be read ({error.strerror})")
    except OSError as error:
        return row.rejected(Problem.UNREADABLE, f"cannot be read ({error.strerror})")
    row = dataclasses.replace(row, bytes=state.st_size, file_state=_file_state(state))
    if not stat.S_ISREG(state.st_mode):
        return row.rejected(Problem.UNREADABLE, "cannot be read (it is no regular file)")
    return row.rejected(*entry.rejection) if entry.rejection else row


def _is_known(before: RawVideo, now: RawVideo) -> bool:
    """Whether the row of before still describes the file; `now` is unopened."""
    if before.problem in LOOKED_AT_AGAIN or (now.problem and now.problem != before.problem):
        return False
    return before.file_state == now.file_state != "" and _has_same_label(before, now)


def _has_same_label(before: RawVideo, now: RawVideo) -> bool:
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
        audio_hash=audio_hash(mono, recording.sampling_rate),
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
    """The sound of a file with the same content, whatever its name, and whether it can be used."""
    sound = {name: getattr(before, name) for name in SOUND}
    unfit = before.unsettled
    return dataclasses.replace(row, **sound, status=unfit.status, problem=unfit.problem, reason=unfit.reason)


def hash_of_file(path: Path) -> str:
    """Hash of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
