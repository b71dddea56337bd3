"""Fold schemes: which actors form the test set of each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ser_assets.learning.protocols.names import GENERAL_FOLD_SCHEMES

Folds = Sequence[Sequence[str]]
"""The test actors of each fold."""
GROUPS: Final = 5


@dataclass(frozen=True)
class FoldScheme:
    """A fold scheme: one of `GENERAL_FOLD_SCHEMES`, or the published folds of a corpus.

    Examples:
        >>> GROUPS5.folds(["a", "b", "c", "d", "e", "f"])
        [['a', 'f'], ['b'], ['c'], ['d'], ['e']]
        >>> FoldScheme("halves", (("a", "b"), ("c",))).folds(["a", "c"])
        (('a', 'b'), ('c',))
    """

    name: str
    published: Folds = ()

    def folds(self, actors: Sequence[str]) -> Folds:
        """The test actors of each fold, given the actors at hand, sorted; published folds stay as they are."""
        if self.published:
            return self.published
        if self.name == "loso":
            return [(actor,) for actor in actors]
        return [actors[first::GROUPS] for first in range(min(GROUPS, len(actors)))]


LOSO: Final = FoldScheme("loso")
GROUPS5: Final = FoldScheme("groups5")


def known_fold_schemes(published: Mapping[str, Folds]) -> tuple[str, ...]:
    """Names of the fold schemes for a corpus with these published folds: its own first, then the general ones."""
    return (*published, *GENERAL_FOLD_SCHEMES)


def fold_schemes(names: Sequence[str], published: Mapping[str, Folds]) -> list[FoldScheme]:
    """Find fold schemes by name.

    Args:
        names: of general or published schemes.
        published: folds of the corpus by name.

    Raises:
        ValueError: a scheme is unknown.
    """
    known = known_fold_schemes(published)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown fold scheme {unknown[0]!r}; there are {', '.join(known)}")
    return [FoldScheme(name, published.get(name, ())) for name in names]
