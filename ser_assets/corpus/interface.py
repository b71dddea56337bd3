"""What a corpus says of its recordings before anybody has listened to them, and what every corpus has to offer."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from ser_assets.rejections import Problem

SHOWN = 3


@dataclass(frozen=True)
class Take:
    """One performed utterance; two files of one performance are one take. None where a corpus does not tell.

    `take_id` is unique across all speakers of the corpus: take 1 of Ann and take 1 of Bob have different ids.
    """

    take_id: str
    actor: str
    emotion: str
    intensity: str | None = None
    statement: str | None = None
    repetition: int | None = None
    gender: str | None = None
    modality: str | None = None
    vocal_channel: str | None = None


class Rejection(NamedTuple):
    """Why a recording cannot be used; the reason goes on where the name of the file ends: `is song, not speech`."""

    problem: Problem
    reason: str


@dataclass(frozen=True)
class Entry:
    """One recording of an actor, as the corpus lists it.

    `path` opens the file, `name` tells it apart in tables: see `name_of`. `take` is what it is labelled with, None
    where that cannot be read. `rejection` says why it is of no use whatever its sound. `place` is where the label
    stands, if that is not the name: `line 7 of voices.csv`.
    """

    path: Path
    name: str
    actor: str
    take: Take | None = None
    rejection: Rejection | None = None
    place: str = ""


class Stray(NamedTuple):
    """Something that should be a recording of an actor and is not: what it is, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """All recordings of a corpus, by actor, and what belongs to no actor.

    `skipped` counts other files by ending, `notes` say what else lies there. `incomplete` where a folder could not
    be entered, so that recordings may be missing that are there. `unused` are the columns of a table that are not read.
    """

    entries: Mapping[str, Sequence[Entry]]
    unassigned_files: Sequence[Stray] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    incomplete: bool = False
    unused: Sequence[str] = ()


class CorpusIdentity(NamedTuple):
    """What of a corpus goes with data and models that come from it: name, title for people, licence."""

    name: str
    title: str
    licence: str

    @classmethod
    def of(cls, corpus: "Corpus") -> "CorpusIdentity":
        """The identity of a corpus."""
        return cls(corpus.name, corpus.title, corpus.licence)


class Corpus(Protocol):
    """Where recordings come from, and what they are labelled with."""

    @property
    def name(self) -> str:
        """Name of the corpus in tables, bundles and folders: letters, digits, `-` and `_`."""
        ...

    @property
    def title(self) -> str:
        """Name of the corpus for people."""
        ...

    @property
    def licence(self) -> str:
        """Licence of the recordings, and so of models that are trained on them."""
        ...

    @property
    def fold_schemes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """Published fold schemes by name: the test actors of each fold. Empty where there are none."""
        ...

    @property
    def root(self) -> Path:
        """Folder from which names of recordings count."""
        ...

    @property
    def actors(self) -> tuple[str, ...]:
        """All speakers, in the order of the partitions."""
        ...

    @property
    def emotions(self) -> tuple[str, ...]:
        """All emotions, in the order of labels and probabilities."""
        ...

    @property
    def emotions_of_an_actor(self) -> tuple[str, ...]:
        """Those that every actor performs; none where that is not known."""
        ...

    @property
    def takes_of_an_actor(self) -> int | None:
        """How many takes there should be of each; None where that is not known."""
        ...

    def listing(self) -> Listing:
        """List the recordings of all actors."""
        ...

    def missing_recordings_message(self, actor: str | None = None) -> str:
        """Tell where recordings of an actor, or of any, were looked for, and how to bring some."""
        ...


class CorpusError(ValueError):
    """A corpus cannot be listed at all; the message names the file, the reason and the remedy."""


def require_unique_takes(corpus: str, listing: Listing) -> None:
    """Refuse a corpus class that gives takes of several actors one id: the id is the key of clips and predictions.

    Raises:
        CorpusError: several actors have a take of one id.
    """
    actors: dict[str, list[str]] = {}
    for actor, entries in listing.entries.items():
        for take_id in {each.take.take_id for each in entries if each.take and not each.rejection}:
            actors.setdefault(take_id, []).append(actor)
    shared = {take_id: own for take_id, own in sorted(actors.items()) if len(own) > 1}
    if shared:
        examples = "; ".join(f"{take_id} of {_some(own)}" for take_id, own in list(shared.items())[:SHOWN])
        more = f"; and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
        raise CorpusError(
            f"corpus {corpus}: several actors have a take of one take_id ({examples}{more}): put the actor into the "
            "take_id, in the class of the corpus"
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def name_of(path: Path, root: Path) -> str:
    r"""Path from the root as text that any table can hold; `path_of` turns it back.

    A file name may be any bytes: those that are not UTF-8 are written `\xff`, a backslash as two.
    """
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    doubled = os.fsencode(inside.as_posix()).replace(b"\\", b"\\\\")
    return doubled.decode("utf-8", "backslashreplace")


def path_of(name: str, root: Path) -> Path:
    """The path that a name stands for."""

    def original(escape: re.Match[bytes]) -> bytes:
        return b"\\" if escape[1] == b"\\" else bytes.fromhex(escape[2].decode())

    plain = re.sub(rb"\\(\\|x([0-9a-f]{2}))", original, name.encode())
    return root / os.fsdecode(plain)
