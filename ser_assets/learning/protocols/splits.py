"""What a split is: rows to train on, rows to judge, and what it promises to keep apart. Made in `protocols.py` only."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.speakers.profile import calibrated

# A copy carries the take and the recording of its original, so neither can cross over unseen.
COLUMN_OF: Final = {"actors": "actor", "takes": "take_id", "recordings": "recording"}
KEY: Final = ["take_id", "variant"]


class LeakError(ValueError):
    """Something that is judged would also be trained on; the message names it."""


@dataclass(frozen=True, eq=False)
class Split(ABC):
    """One fold: positions of the rows to train on (originals and copies) and of those to judge (originals only).

    rows: the table that was split; take_id, variant, actor and recording are copied from it.
    training, judged: int64 positions into `rows`, kept as read-only arrays.

    Raises:
        LeakError: something that this kind of split keeps apart stands on both sides.
        ValueError: a side is empty, a position does not exist or is named twice, or a copy would be judged.
    """

    protocol: str
    folds: str
    fold: str
    training: np.ndarray
    judged: np.ndarray
    rows: pd.DataFrame = field(repr=False)

    judges_copies: ClassVar[bool] = False

    @property
    @abstractmethod
    def kept_apart(self) -> tuple[str, ...]:
        """Which keys of `COLUMN_OF` never stand on both sides."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", self.rows[[*KEY, "actor", "recording"]].reset_index(drop=True))
        for side in ("training", "judged"):
            positions = np.array(getattr(self, side), dtype=np.int64)
            positions.setflags(write=False)
            object.__setattr__(self, side, positions)
            self._check_positions(side, positions)
        copies = self.rows.iloc[self.judged].query("variant != 0")
        if len(copies) and not self.judges_copies:
            raise ValueError(f"{self.title}: augmented copies would be judged: {a_few(copies['take_id'])}")
        self._refuse_leaks(self.rows)

    @property
    def title(self) -> str:
        """The fold in words, for messages."""
        return " ".join(part for part in (self.protocol, self.folds, "fold", self.fold) if part)

    def shared(self) -> dict[str, list[str]]:
        """Name the actors, takes and recordings on both sides; those that are `kept_apart` are empty."""
        return self._shared(self.rows)

    def training_examples(self, examples: Examples) -> Examples:
        """Take the rows to train on.

        Raises:
            ValueError: these are not the rows that were split.
            LeakError: their actors or recordings are others by now, and something stands on both sides.
        """
        return self._side(examples, self.training)

    def judged_examples(self, examples: Examples) -> Examples:
        """Take the rows to judge. Raises as `training_examples` does."""
        return self._side(examples, self.judged)

    def _side(self, examples: Examples, positions: np.ndarray) -> Examples:
        if not np.array_equal(examples.rows[KEY].to_numpy(), self.rows[KEY].to_numpy()):
            raise ValueError(f"{self.title} was made for other rows than these examples")
        self._refuse_leaks(examples.rows)
        return self._as_handed_out(self._relabelled(examples).subset(positions))

    def _relabelled(self, examples: Examples) -> Examples:
        """Change the labels of all rows as the protocol has it."""
        return examples

    def _as_handed_out(self, side: Examples) -> Examples:
        """Change the values of one side as the protocol has it; the other side is out of reach here."""
        return side

    def _shared(self, rows: pd.DataFrame) -> dict[str, list[str]]:
        training, judged = rows.iloc[self.training], rows.iloc[self.judged]
        return {name: sorted(set(training[column]) & set(judged[column])) for name, column in COLUMN_OF.items()}

    def _refuse_leaks(self, rows: pd.DataFrame) -> None:
        shared = self._shared(rows)
        leaks = [f"{name} {a_few(shared[name])}" for name in self.kept_apart if shared[name]]
        if leaks:
            raise LeakError(f"{self.title} would train on what it judges: {'; '.join(leaks)}")

    def _check_positions(self, side: str, positions: np.ndarray) -> None:
        if positions.size == 0:
            raise ValueError(f"{self.title}: nothing is {'judged' if side == 'judged' else 'left to train on'}")
        if positions.min() < 0 or positions.max() >= len(self.rows):
            raise ValueError(f"{self.title}: {side} names a row that does not exist")
        if len(np.unique(positions)) != len(positions):
            raise ValueError(f"{self.title}: {side} names a row twice")


class SpeakerIndependentSplit(Split):
    """Nobody who is judged was heard in training."""

    kept_apart = ("actors", "takes", "recordings")


class SpeakerCalibratedSplit(SpeakerIndependentSplit):
    """The same, with every speaker's clips as z-scores within that speaker's own unlabelled originals.

    Models are asked about them by `judging.ask`.
    """

    def _as_handed_out(self, side: Examples) -> Examples:
        return calibrated(side)


@dataclass(frozen=True, eq=False)
class PermutedLabelsSplit(SpeakerIndependentSplit):
    """The same, with the emotions of each actor's takes dealt out at random: there is nothing to learn."""

    seed: int = 0

    def _relabelled(self, examples: Examples) -> Examples:
        # Before the cut: a take that leaked has the same wrong label on both sides, so that the leak shows.
        return examples.with_labels_permuted(self.seed)


class RandomSplit(Split):
    """Actors stand on both sides; takes, their copies and recordings do not."""

    kept_apart = ("takes", "recordings")

    def _as_handed_out(self, side: Examples) -> Examples:
        return replace(side, left_out="take_id")


class LeakyRandomSplit(Split):
    """Keeps nothing apart: actors, takes, copies and recordings may stand on both sides."""

    kept_apart = ()

    def _as_handed_out(self, side: Examples) -> Examples:
        return replace(side, left_out="take_id")


class NotebookSplit(LeakyRandomSplit):
    """Keeps nothing apart and judges augmented copies, too."""

    judges_copies = True


def a_few(names: object) -> str:
    """List the first five distinct names, sorted, and how many more there are."""
    listed = sorted(set(map(str, names)))  # type: ignore[call-overload]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
