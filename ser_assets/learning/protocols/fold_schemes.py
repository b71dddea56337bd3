"""Fold schemes: which actors form the test set of each fold."""

from collections.abc import Callable, Sequence
from typing import Final

Actors = Sequence[str]

# luna5: Luna-Jimenez et al. 2022, doi 10.3390/app12010327. emobox6: Ma et al. 2024, arXiv 2406.07162.
RAVDESS_FOLDS: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
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


GROUPS: Final = 5
FOLD_SCHEMES: Final[dict[str, Callable[[Actors], Sequence[Actors]]]] = {
    "luna5": lambda _: RAVDESS_FOLDS["luna5"],
    "emobox6": lambda _: RAVDESS_FOLDS["emobox6"],
    "loso": lambda actors: [(actor,) for actor in actors],
    "groups5": lambda actors: [actors[first::GROUPS] for first in range(min(GROUPS, len(actors)))],
}
"""By name of the scheme: from the actors at hand, sorted, to the test actors of each fold."""
