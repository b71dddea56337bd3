"""One take in several files, one recording under several names: which is kept, and which contradict each other."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ser_assets.audio.fingerprint import alike
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.rejections import Problem


def settle_all(rows_of: Mapping[str, Iterable[RawVideo]]) -> dict[str, list[RawVideo]]:
    """Settle the rows of every actor, and reject recordings that are there of two of them. Rows by actor."""
    rows = [row for own in rows_of.values() for row in resolve_duplicates(own)]
    settled: dict[str, list[RawVideo]] = {actor: [] for actor in rows_of}
    for row in _without_contradictions(rows):
        settled[row.actor].append(row)
    return settled


def _without_contradictions(rows: Sequence[RawVideo]) -> list[RawVideo]:
    """Reject accepted recordings that have two speakers or two emotions: it is unknown which is right."""
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
    for other in sorted(others, key=lambda other: other.audio_hash != row.audio_hash):
        place = f", {other.place}" if other.place else ""
        reason = f"{_is_the_same(row, other)} {other.path} ({other.emotion}, of {other.actor}{place})"
        return _duplicate(row, other.path, Problem.CONTRADICTION, reason)
    return row


def _is_the_same(row: RawVideo, other: RawVideo) -> str:
    """How much alike two rows of one sound are, as words before the name of the other."""
    return "is the same recording as" if row.audio_hash == other.audio_hash else "sounds the same as"


def _sounds(rows: Sequence[RawVideo]) -> list[int]:
    """A number for each row, the same for accepted rows of the same samples or of the same sound in another coding."""
    first: dict[str | None, int] = {}
    sounds = [
        first.setdefault(row.audio_hash, number) if row.status == "accepted" else number
        for number, row in enumerate(rows)
    ]
    compared = [number for number, row in enumerate(rows) if sounds[number] == number and row.fingerprint]
    compared = [number for number in compared if rows[number].status == "accepted"]
    prints = [str(rows[number].fingerprint) for number in compared]
    for one, other in alike(prints, [rows[number].seconds or 0.0 for number in compared]):
        kept, gone = sorted((sounds[compared[one]], sounds[compared[other]]))
        sounds = [kept if sound == gone else sound for sound in sounds]
    return sounds


def resolve_duplicates(rows: Iterable[RawVideo]) -> list[RawVideo]:
    """Keep one file of each take and one name of each recording; the others are rejected and name the one kept.

    Lossless recordings go before lossy ones, shallow folders before deep ones (mirrors of RAVDESS hold the folders
    twice, one nested in the other). One recording of a person pushes all demo takes aside. Rows settled earlier are
    settled again. A recording that is there with two emotions is rejected under both its names.
    """
    rows = sorted(_without_contradictions([row.unsettled for row in rows]), key=_preference)
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


def _duplicate(row: RawVideo, kept: str, problem: Problem, reason: str) -> RawVideo:
    return dataclasses.replace(row.rejected(problem, reason), duplicate_of=kept)


def _preference(row: RawVideo) -> tuple[bool, bool, int, str]:
    lossless = row.codec is not None and (row.codec.startswith("pcm_") or row.codec in {"flac", "alac"})
    return (row.demo, not lossless, row.path.count("/"), row.path)
