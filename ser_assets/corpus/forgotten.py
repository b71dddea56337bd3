"""Speakers that no run may use any more, although their recordings may still be listed by the corpus.

A file in the folder of the corpus names them, one a line; `ser-assets forget` adds to it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ser_assets.corpus.interface import Corpus, CorpusError, Listing
from ser_assets.corpus.spelling import name_key, plain

FORGOTTEN_FILE: Final = "forgotten.txt"


def forgotten_speakers(corpus_dir: Path) -> frozenset[str]:
    """Read which speakers of a corpus are forgotten.

    Raises:
        CorpusError: the file cannot be read; to go on without it would use their recordings.
    """
    path = corpus_dir / FORGOTTEN_FILE
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): it names the speakers who must not be used") from error
    return frozenset(name for line in lines if (name := plain(line)))


class ForgottenMeanwhileError(CorpusError):
    """A speaker was forgotten while a run was making something of the recordings; the message says what to do."""


def refuse_forgotten(corpus_dir: Path, speakers: Iterable[str]) -> None:
    """Stop a run before it stores something of a speaker who was forgotten since it began.

    Raises:
        ForgottenMeanwhileError: one of these speakers is forgotten.
    """
    keys = {name_key(name) for name in forgotten_speakers(corpus_dir)}
    if gone := sorted(speaker for speaker in set(speakers) if name_key(speaker) in keys):
        raise ForgottenMeanwhileError(
            f"{', '.join(gone)} was forgotten while this run was going on, and nothing more of it is stored: run again"
        )


@dataclass(frozen=True)
class WithoutForgotten:
    """A corpus without some of its speakers, however their names are written."""

    corpus: Corpus
    forgotten: Collection[str]

    def leaves_out(self, actor: str) -> bool:
        """Whether an actor is forgotten: names that differ only by case, spaces, zeros or Unicode form count as one."""
        return name_key(actor) in {name_key(name) for name in self.forgotten}

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.corpus.name

    @property
    def title(self) -> str:
        """Name of the corpus for people."""
        return self.corpus.title

    @property
    def licence(self) -> str:
        """Licence of the recordings."""
        return self.corpus.licence

    @property
    def fold_schemes(self) -> Mapping[str, Sequence[Sequence[str]]]:
        """Published fold schemes of the corpus."""
        return self.corpus.fold_schemes

    @property
    def root(self) -> Path:
        """Folder from which names of recordings count."""
        return self.corpus.root

    @property
    def actors(self) -> tuple[str, ...]:
        """All other speakers, in the order of the partitions.

        Raises:
            CorpusError: there are none.
        """
        actors = tuple(actor for actor in self.corpus.actors if not self.leaves_out(actor))
        if not actors:
            raise CorpusError(f"every speaker of the corpus is named in {FORGOTTEN_FILE}: add speakers")
        return actors

    @property
    def emotions(self) -> tuple[str, ...]:
        """All emotions of the corpus."""
        return self.corpus.emotions

    @property
    def emotions_of_an_actor(self) -> tuple[str, ...]:
        """Those that every actor performs; none where that is not known."""
        return self.corpus.emotions_of_an_actor

    @property
    def takes_of_an_actor(self) -> int | None:
        """How many takes there should be of each; None where that is not known."""
        return self.corpus.takes_of_an_actor

    def listing(self) -> Listing:
        """List the recordings of all other speakers."""
        listing = self.corpus.listing()
        entries = {actor: own for actor, own in listing.entries.items() if not self.leaves_out(actor)}
        return replace(listing, entries=entries)

    def missing_recordings_message(self, actor: str | None = None) -> str:
        """Tell where recordings of an actor, or of any, were looked for, and how to bring some."""
        if actor is not None and self.leaves_out(actor):
            return f"{FORGOTTEN_FILE} names {actor}: `ser-assets forget` keeps this speaker out"
        return self.corpus.missing_recordings_message(actor)
