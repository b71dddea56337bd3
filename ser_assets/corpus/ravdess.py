"""RAVDESS: its file-name code, its actors, its emotions (Livingstone & Russo 2018, doi 10.5281/zenodo.1188976)."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from ser_assets.corpus.interface import Entry, Listing, Rejection, Stray, Take, name_of
from ser_assets.corpus.known_corpora import Recognised, recognise
from ser_assets.corpus.media_files import media_files
from ser_assets.rejections import Problem

NAME = "ravdess"
ACTORS = tuple(f"{number:02d}" for number in range(1, 25))
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
MODALITIES = ("full-AV", "video-only", "audio-only")
VOCAL_CHANNELS = ("speech", "song")

TAKES_OF_AN_ACTOR = 60

# luna5: Luna-Jimenez et al. 2022, doi 10.3390/app12010327. emobox6: Ma et al. 2024, arXiv 2406.07162.
FOLD_SCHEMES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "luna5": (
        ("02", "05", "14", "15", "16"),
        ("03", "06", "07", "13", "18"),
        ("10", "11", "12", "19", "20"),
        ("08", "17", "21", "23", "24"),
        ("01", "04", "09", "22"),
    ),
    "emobox6": (
        ("01", "11", "20", "21"),
        ("04", "10", "12", "14"),
        ("08", "09", "19", "23"),
        ("03", "05", "07", "24"),
        ("02", "15", "16", "18"),
        ("06", "13", "17", "22"),
    ),
}
"""Published folds: the test actors of each."""

_ACTOR_FOLDER = re.compile(r"actor_(\d\d)", re.IGNORECASE)
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")


class NotATakeError(ValueError):
    """A file name that is no RAVDESS code; the message says which field is wrong."""


def parse_name(stem: str) -> Take:
    """Read the take from a file name without its ending, `MM-VC-EE-II-SS-RR-AA`.

    Raises:
        NotATakeError: the name is no such code, or says what RAVDESS does not have.

    Examples:
        >>> take = parse_name("03-01-05-02-01-02-12")
        >>> take.emotion, take.intensity, take.repetition, take.actor, take.take_id
        ('angry', 'strong', 2, '12', '01-05-02-01-02-12')
        >>> parse_name("03-01-09-01-01-01-12")
        Traceback (most recent call last):
            ...
        ser_assets.corpus.ravdess.NotATakeError: emotion 09 does not exist in RAVDESS (01 to 08)
    """
    match = _NAME.fullmatch(stem)
    if match is None:
        raise NotATakeError("not a RAVDESS name (expected seven two-digit codes, MM-VC-EE-II-SS-RR-AA)")
    codes = match.groups()
    take = Take(
        modality=_decode("modality", codes[0], MODALITIES),
        vocal_channel=_decode("vocal channel", codes[1], VOCAL_CHANNELS),
        emotion=_decode("emotion", codes[2], EMOTIONS),
        intensity=_decode("intensity", codes[3], INTENSITIES),
        statement=_decode("statement", codes[4], STATEMENTS),
        repetition=int(_decode("repetition", codes[5], ("1", "2"))),
        actor=_decode("actor", codes[6], ACTORS),
        take_id=stem[3:],
        gender="male" if int(codes[6]) % 2 else "female",
    )
    if take.emotion == "neutral" and take.intensity == "strong":
        raise NotATakeError("neutral has no strong intensity in RAVDESS")
    return take


def _decode(field: str, code: str, values: tuple[str, ...]) -> str:
    if not 1 <= int(code) <= len(values):
        raise NotATakeError(f"{field} {code} does not exist in RAVDESS (01 to {len(values):02d})")
    return values[int(code) - 1]


def speech_takes(actor: str) -> tuple[Take, ...]:
    """List the 60 filmed speech takes of an actor in the order of their names: 4 neutral, 8 of each other emotion.

    Raises:
        ValueError: there is no such actor.
    """
    if actor not in ACTORS:
        raise ValueError(f"no actor {actor!r} in RAVDESS; actors are '{ACTORS[0]}' to '{ACTORS[-1]}'")
    codes = product(range(1, len(EMOTIONS) + 1), (1, 2), (1, 2), (1, 2))
    return tuple(
        parse_name(f"01-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor}")
        for emotion, intensity, statement, repetition in codes
        if (emotion, intensity) != (1, 2)
    )


class Ravdess:
    """RAVDESS, or what is named like it, in `Actor_NN` folders at any depth under one folder.

    A recording that lies in no such folder belongs to the actor that its name tells.
    """

    name = NAME
    title = "RAVDESS"
    licence = "CC BY-NC-SA 4.0"
    fold_schemes: Mapping[str, Sequence[Sequence[str]]] = FOLD_SCHEMES
    actors: tuple[str, ...] = ACTORS
    emotions: tuple[str, ...] = EMOTIONS
    emotions_of_an_actor: tuple[str, ...] = EMOTIONS
    takes_of_an_actor: int | None = TAKES_OF_AN_ACTOR

    def __init__(self, raw_dir: Path) -> None:
        self.root = raw_dir

    def listing(self) -> Listing:
        """List all recordings; what is of no actor, and folders that cannot be entered, are unassigned_files."""
        entries: dict[str, list[Entry]] = defaultdict(list)
        paths, unreadable, skipped = media_files(self.root)
        unassigned_files = [Stray(name_of(path, self.root), reason) for path, reason in unreadable.items()]
        for path in paths:
            placed = self._placed(path)
            if isinstance(placed, Stray):
                unassigned_files.append(placed)
            else:
                entries[placed.actor].append(placed)
        by_actor = {actor: entries[actor] for actor in ACTORS if actor in entries}
        notes = tuple(other.note for other in self._other_corpora(paths))
        return Listing(by_actor, unassigned_files, skipped, notes, incomplete=bool(unreadable))

    def missing_recordings_message(self, actor: str | None = None) -> str:
        """Name the folder, the commands that fill it, and how to learn from another corpus that lies there instead."""
        root = self.root.absolute()
        others = "".join(f"\n{other.note}" for other in self._other_corpora(media_files(self.root)[0]))
        whose, folder, option = (f" of actor {actor}", actor, f" --actors {int(actor)}") if actor else ("", "NN", "")
        return (
            f"no recordings{whose} under {root}/**/Actor_{folder}/: copy RAVDESS files there, fetch them with "
            f"`ser-assets download{option}`, make spoken ones with `ser-assets demo-corpus {root}/demo{option}`, or "
            f"name another data folder with SER_DATA_DIR{others}"
        )

    def _other_corpora(self, paths: Sequence[Path]) -> list[Recognised]:
        return recognise([path for path in paths if not _NAME.fullmatch(path.stem)], self.root)

    def _placed(self, path: Path) -> Entry | Stray:
        """Find the actor of a file, by the nearest folder that names one, else by its name; and what the name means."""
        name = name_of(path, self.root)
        folders = (_ACTOR_FOLDER.fullmatch(folder.name) for folder in path.relative_to(self.root).parents)
        folder = next(filter(None, folders), None)
        if folder and folder[1] not in ACTORS:
            return Stray(name, f"lies in {folder[0]}; RAVDESS has actors {ACTORS[0]} to {ACTORS[-1]}")
        try:
            take = parse_name(path.stem)
        except NotATakeError as error:
            if folder is None:
                return Stray(name, f"lies in no folder of an actor (Actor_NN): {error}")
            return Entry(path, name, folder[1], rejection=Rejection(Problem.NAME, str(error)))
        return Entry(path, name, folder[1] if folder else take.actor, take, _unfit(take, folder))


def _unfit(take: Take, folder: re.Match[str] | None) -> Rejection | None:
    if folder and take.actor != folder[1]:
        return Rejection(Problem.OTHER_ACTOR, f"is named for actor {take.actor} but lies in {folder[0]}")
    if take.modality == "video-only":
        return Rejection(Problem.VIDEO_ONLY, "is video-only (02-): its audio track is silence")
    if take.vocal_channel == "song":
        return Rejection(Problem.SONG, "is song, not speech")
    return None
