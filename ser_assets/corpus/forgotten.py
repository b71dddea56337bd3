"""Speakers that no run may use any more, although their recordings may still be listed by the corpus.

A file in the data folder names them, one a line; `ser-assets forget` adds to it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ser_assets.corpus.entries import Corpus, CorpusError, Listing

FORGOTTEN_FILE: Final = "forgotten.txt"


def forgotten_speakers(data_dir: Path) -> frozenset[str]:
    """Read which speakers are forgotten in a data folder.

    Raises:
        CorpusError: the file cannot be read; to go on without it would use their recordings.
    """
    path = data_dir / FORGOTTEN_FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): it names the speakers who must not be used") from error
    return frozenset(line for line in lines if line)


@dataclass(frozen=True)
class WithoutForgotten:
    """A corpus without some of its speakers."""

    corpus: Corpus
    forgotten: Collection[str]

    @property
    def name(self) -> str:
        """What `SER_CORPUS` calls it."""
        return self.corpus.name

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
        actors = tuple(actor for actor in self.corpus.actors if actor not in self.forgotten)
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
        entries = {actor: own for actor, own in listing.entries.items() if actor not in self.forgotten}
        return replace(listing, entries=entries)

    def how_to_fill(self, actor: str | None = None) -> str:
        """Tell where recordings of an actor, or of any, were looked for, and how to bring some."""
        if actor in self.forgotten:
            return f"{FORGOTTEN_FILE} names {actor}: `ser-assets forget` keeps this speaker out"
        return self.corpus.how_to_fill(actor)
