"""RAVDESS: its file-name code, its actors, its emotions (Livingstone & Russo 2018, doi 10.5281/zenodo.1188976)."""

import re
from dataclasses import dataclass
from itertools import product

ACTORS = tuple(f"{number:02d}" for number in range(1, 25))
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = ("normal", "strong")
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
MODALITIES = ("full-AV", "video-only", "audio-only")
VOCAL_CHANNELS = ("speech", "song")

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")


class NotATakeError(ValueError):
    """A file name that is no RAVDESS code; the message says which field is wrong."""


@dataclass(frozen=True)
class Take:
    """One performed utterance; the mp4 and the wav of one performance are one take."""

    modality: str
    vocal_channel: str
    emotion: str
    intensity: str
    statement: str
    repetition: int
    actor: str
    take_id: str

    @property
    def gender(self) -> str:
        """Odd actors are male, even ones female."""
        return "male" if int(self.actor) % 2 else "female"


def parse_name(stem: str) -> Take:
    """Read the take from a file name without its ending, `MM-VC-EE-II-SS-RR-AA`.

    Raises:
        NotATakeError: the name is no such code, or says what RAVDESS does not have.
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
