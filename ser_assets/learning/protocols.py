"""Who may be trained on and who is judged. The only place where a split is made; nothing else may cut rows in two."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from ser_assets.corpus.ravdess import ACTORS
from ser_assets.learning.examples import Examples

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
    "loso": tuple((actor,) for actor in ACTORS),
}

# What may stand on one side only. A copy carries the take and the recording of its original.
KEPT_APART: Final = {"actor": "actors", "take_id": "takes", "recording": "recordings"}


class LeakError(ValueError):
    """Something that is judged would also be trained on; the message names it."""


@dataclass(frozen=True, eq=False)
class Split:
    """One fold: positions of the rows to train on (originals and copies) and of those to judge (originals only).

    rows: the table that was split; columns take_id, variant, actor and recording are read.
    training, judged: int64 positions into `rows`, kept as read-only arrays.

    Raises:
        LeakError: an actor, a take (or a copy of it) or a recording stands on both sides.
        ValueError: a side is empty, a position does not exist or is named twice, or a copy would be judged.
    """

    protocol: str
    folds: str
    fold: str
    training: np.ndarray
    judged: np.ndarray
    rows: pd.DataFrame = field(repr=False)

    def __post_init__(self) -> None:
        for side in ("training", "judged"):
            positions = np.array(getattr(self, side), dtype=np.int64)
            positions.setflags(write=False)
            object.__setattr__(self, side, positions)
            self._check_positions(side, positions)
        copies = self.rows.iloc[self.judged].query("variant != 0")
        if len(copies):
            raise ValueError(f"{self.title}: augmented copies would be judged: {_a_few(copies['take_id'])}")
        leaks = [f"{name} {_a_few(shared)}" for name, shared in self.shared().items() if shared]
        if leaks:
            raise LeakError(f"{self.title} would train on what it judges: {'; '.join(leaks)}")

    @property
    def title(self) -> str:
        """The fold in words, for messages."""
        return f"{self.protocol} {self.folds} fold {self.fold}"

    def shared(self) -> dict[str, list[str]]:
        """Name the actors, takes and recordings on both sides; all three are empty in any split that exists."""
        training, judged = self.rows.iloc[self.training], self.rows.iloc[self.judged]
        return {name: sorted(set(training[column]) & set(judged[column])) for column, name in KEPT_APART.items()}

    def training_examples(self, examples: Examples) -> Examples:
        """Take the rows to train on. Raises ValueError when these are not the rows that were split."""
        return self._side(examples, self.training)

    def judged_examples(self, examples: Examples) -> Examples:
        """Take the rows to judge. Raises ValueError when these are not the rows that were split."""
        return self._side(examples, self.judged)

    def _side(self, examples: Examples, positions: np.ndarray) -> Examples:
        key = ["take_id", "variant"]
        if not np.array_equal(examples.rows[key].to_numpy(), self.rows[key].to_numpy()):
            raise ValueError(f"{self.title} was made for other rows than these examples")
        return examples.subset(positions)

    def _check_positions(self, side: str, positions: np.ndarray) -> None:
        if positions.size == 0:
            raise ValueError(f"{self.title}: nothing is {'judged' if side == 'judged' else 'left to train on'}")
        if positions.min() < 0 or positions.max() >= len(self.rows):
            raise ValueError(f"{self.title}: {side} names a row that does not exist")
        if len(np.unique(positions)) != len(positions):
            raise ValueError(f"{self.title}: {side} names a row twice")


def speaker_independent(rows: pd.DataFrame, folds: str = "luna5") -> list[Split]:
    """Every actor judged once, by a model that never heard that actor.

    rows: take_id, variant, actor and recording of every clip. The scheme is restricted to the actors in it; a fold
    of which no actor is there is dropped.

    Raises:
        LeakError: two actors share a take or a recording and stand on different sides.
        ValueError: the scheme is unknown, an actor is in none of its folds, or there are less than two actors.
    """
    if folds not in FOLD_SCHEMES:
        raise ValueError(f"unknown folds {folds!r}; there are {', '.join(FOLD_SCHEMES)}")
    heard = sorted(set(rows["actor"]))
    _require_two(heard)
    strangers = sorted(set(heard) - {actor for fold in FOLD_SCHEMES[folds] for actor in fold})
    if strangers:
        raise ValueError(f"{folds} has no fold for actor {_a_few(strangers)}")
    held_out = [sorted(set(fold) & set(heard)) for fold in FOLD_SCHEMES[folds]]
    if max(map(len, held_out)) == len(heard):
        raise ValueError(
            f"{folds} judges all the actors at hand ({_a_few(heard)}) in one fold and leaves none to train on; "
            "materialise another actor or judge with folds 'loso' (SER_FOLDS=loso)"
        )
    return [
        _split_by_actor(rows, actors, "speaker_independent", folds, str(number))
        for number, actors in enumerate(held_out, start=1)
        if actors
    ]


def validation_parts(rows: pd.DataFrame, parts: int, seed: int) -> Iterator[Split | None]:
    """Cut training rows in `parts` ways, each leaving out other actors to watch the training by.

    Yields `parts` splits. Each leaves out about one actor in five (at least one), drawn without replacement until
    all actors have been out once; same rows and seed, same splits. Where one actor is all there is, yields None
    instead: there is nobody to leave out.
    """
    actors = sorted(set(rows["actor"]))
    order = np.random.default_rng(seed).permutation(len(actors))
    size = max(1, round(len(actors) / 5))
    for part in range(parts):
        chosen = [actors[order[(part * size + step) % len(actors)]] for step in range(size)]
        yield _split_by_actor(rows, chosen, "validation", "by actor", str(part + 1)) if len(actors) > 1 else None


def leak_proof(splits: list[Split]) -> pd.DataFrame:
    """For each fold what stands on each side and what stands on both: the last three columns are all zero.

    Columns: protocol, folds, fold, judged_actors, training_actors, judged_takes, training_clips, shared_actors,
    shared_takes, shared_recordings.
    """
    return pd.DataFrame([_proof_row(split) for split in splits])


def _proof_row(split: Split) -> dict[str, object]:
    training, judged = split.rows.iloc[split.training], split.rows.iloc[split.judged]
    return {
        "protocol": split.protocol,
        "folds": split.folds,
        "fold": split.fold,
        "judged_actors": " ".join(sorted(set(judged["actor"]))),
        "training_actors": " ".join(sorted(set(training["actor"]))),
        "judged_takes": len(judged),
        "training_clips": len(training),
        **{f"shared_{name}": len(shared) for name, shared in split.shared().items()},
    }


def _split_by_actor(rows: pd.DataFrame, actors: list[str], protocol: str, folds: str, fold: str) -> Split:
    held_out = rows["actor"].isin(actors).to_numpy()
    original = rows["variant"].to_numpy() == 0
    return Split(
        protocol=protocol,
        folds=folds,
        fold=fold,
        training=np.flatnonzero(~held_out),
        judged=np.flatnonzero(held_out & original),
        rows=rows,
    )


def _require_two(actors: list[str]) -> None:
    if not actors:
        raise ValueError("needs at least two actors; none is materialised")
    if len(actors) == 1:
        raise ValueError(f"needs at least two actors; only {actors[0]} is materialised")


def _a_few(names: object) -> str:
    listed = sorted(set(map(str, names)))  # type: ignore[call-overload]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
