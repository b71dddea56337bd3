"""Splits: training rows, test rows, and what each kind keeps disjoint. Only `protocols.py` makes them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.speakers.profile import normalise_speakers

# A copy carries the take and the recording of its original, so neither can cross over unseen.
COLUMN_OF: Final = {"actors": "actor", "takes": "take_id", "recordings": "audio_hash"}
KEY: Final = ["take_id", "variant"]


class LeakError(ValueError):
    """Something that is evaluated would also be trained on; the message names it."""


@dataclass(frozen=True, eq=False)
class Split(ABC):
    """One fold: positions of the rows to train on (originals and copies) and of those to evaluate (originals only).

    Attributes:
        rows: the table that was split; take_id, variant, actor and recording are copied from it.
        training: int64 positions into `rows`, kept as read-only arrays.
        test: int64 positions into `rows`, kept as read-only arrays.

    Raises:
        LeakError: something that this kind of split keeps apart stands on both sides.
        ValueError: a side is empty, a position does not exist or is named twice, or a copy would be evaluated.
    """

    protocol: str
    fold_scheme: str
    fold: str
    training: np.ndarray
    test: np.ndarray
    rows: pd.DataFrame = field(repr=False)

    tests_copies: ClassVar[bool] = False

    @property
    @abstractmethod
    def disjoint(self) -> tuple[str, ...]:
        """Which keys of `COLUMN_OF` never stand on both sides."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", self.rows[[*KEY, "actor", "audio_hash"]].reset_index(drop=True))
        for side in ("training", "test"):
            positions = np.array(getattr(self, side), dtype=np.int64)
            positions.setflags(write=False)
            object.__setattr__(self, side, positions)
            self._check_positions(side, positions)
        copies = self.rows.iloc[self.test].query("variant != 0")
        if len(copies) and not self.tests_copies:
            raise ValueError(f"{self.title}: augmented copies would be evaluated: {first_few(copies['take_id'])}")
        self._refuse_leaks(self.rows)

    @property
    def title(self) -> str:
        """The fold in words, for messages."""
        return " ".join(part for part in (self.protocol, self.fold_scheme, "fold", self.fold) if part)

    def shared(self) -> dict[str, list[str]]:
        """Name the actors, takes and recordings on both sides; those that are `disjoint` are empty."""
        return self._shared(self.rows)

    def training_examples(self, examples: Examples) -> Examples:
        """Take the rows to train on.

        Raises:
            ValueError: these are not the rows that were split.
            LeakError: their actors or recordings are others by now, and something stands on both sides.
        """
        return self._side(examples, self.training)

    def test_examples(self, examples: Examples) -> Examples:
        """Take the rows to evaluate. Raises as `training_examples` does."""
        return self._side(examples, self.test)

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
        training, test = rows.iloc[self.training], rows.iloc[self.test]
        return {name: sorted(set(training[column]) & set(test[column])) for name, column in COLUMN_OF.items()}

    def _refuse_leaks(self, rows: pd.DataFrame) -> None:
        shared = self._shared(rows)
        leaks = [f"{name} {first_few(shared[name])}" for name in self.disjoint if shared[name]]
        if leaks:
            raise LeakError(f"{self.title} would train on what it evaluates: {'; '.join(leaks)}")

    def _check_positions(self, side: str, positions: np.ndarray) -> None:
        if positions.size == 0:
            raise ValueError(f"{self.title}: nothing is {'evaluated' if side == 'test' else 'left to train on'}")
        if positions.min() < 0 or positions.max() >= len(self.rows):
            raise ValueError(f"{self.title}: {side} names a row that does not exist")
        if len(np.unique(positions)) != len(positions):
            raise ValueError(f"{self.title}: {side} names a row twice")


class SpeakerIndependentSplit(Split):
    """No speaker of the test set is in the training set."""

    disjoint = ("actors", "takes", "recordings")


class SpeakerNormalisedSplit(SpeakerIndependentSplit):
    """The same, with every speaker's clips as z-scores within that speaker's own unlabelled originals.

    `evaluation.evaluate.predict_test` gives their predictions.
    """

    def _as_handed_out(self, side: Examples) -> Examples:
        return normalise_speakers(side)


@dataclass(frozen=True, eq=False)
class PermutedLabelsSplit(SpeakerIndependentSplit):
    """The same, with the emotions permuted at random among each actor's takes: there is nothing to learn."""

    seed: int = 0

    def _relabelled(self, examples: Examples) -> Examples:
        # Before the cut: a take that leaked has the same wrong label on both sides, so that the leak shows.
        return examples.with_labels_permuted(self.seed)


class RandomSplit(Split):
    """Actors stand on both sides; takes, their copies and recordings do not."""

    disjoint = ("takes", "recordings")

    def _as_handed_out(self, side: Examples) -> Examples:
        return replace(side, left_out="take_id")


class LeakyRandomSplit(Split):
    """Keeps nothing apart: actors, takes, copies and recordings may stand on both sides."""

    disjoint = ()

    def _as_handed_out(self, side: Examples) -> Examples:
        return replace(side, left_out="take_id")


class NotebookSplit(LeakyRandomSplit):
    """Keeps nothing apart and evaluates augmented copies, too."""

    tests_copies = True


def first_few(names: object) -> str:
    """List the first five distinct names, sorted, and how many more there are.

    Examples:
        >>> first_few(["07", "01", "03", "02", "06", "05", "04"])
        '01, 02, 03, 04, 05 and 2 more'
    """
    listed = sorted(set(map(str, names)))  # type: ignore[call-overload]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
