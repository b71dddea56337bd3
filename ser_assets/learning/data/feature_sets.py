"""Feature sets: what is measured of clips, by name. Each set holds one vector or one sequence for each clip."""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol, Self

import numpy as np

from ser_assets.learning.data.standardiser import Standardiser

LARGEST_SCORE: Final = 10.0
"""Z-scores are cut here: a functional that hardly varies in a speaker's few clips must not fly off in the next one."""


class Sample(NamedTuple):
    """Values of one speaker's clips from which a mean and a deviation are estimated.

    Attributes:
        values: float64 (rows, columns), at least one row; a row is a clip or a frame.
        clips_of_mean: clips that count for the mean.
        clips_of_deviation: clips that count for the deviation.
    """

    values: np.ndarray
    clips_of_mean: int
    clips_of_deviation: int


class FeatureSet(Protocol):
    """One kind of measurement of n clips, and how it becomes z-scores within a speaker."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def made_by(self) -> str:
        """What made the values where that can differ, such as an encoder; empty for what this package measures."""

    @property
    def present(self) -> np.ndarray:
        """Which of the clips the set holds, bool (n,); the values of others mean nothing."""

    def __len__(self) -> int: ...

    def take(self, indices: "np.ndarray | slice") -> Self:
        """Take the clips at these positions, in this order."""

    @classmethod
    def join(cls, parts: Sequence[Any]) -> Self:
        """Put sets with the same columns one after the other."""

    def is_finite(self) -> np.ndarray:
        """Whether all values of a clip are finite, bool (n,)."""

    def with_noise(self, clips: np.ndarray, deviation: float, generator: np.random.Generator) -> Self:
        """Put Gaussian noise in place of the clips at these positions."""

    def speaker_columns(self) -> dict[str, tuple[str, ...]]:
        """Columns of each speaker statistic by its name."""

    def speaker_samples(self) -> dict[str, Sample]:
        """The values of each speaker statistic by its name."""

    def z_scores(self, usual: Mapping[str, Standardiser]) -> Self:
        """The clips as z-scores by the statistics of their speaker."""


class MeasuredHere(Sized):
    """A feature set that this package measures, of every clip."""

    @property
    def made_by(self) -> str:
        """This package."""
        return ""

    @property
    def present(self) -> np.ndarray:
        """All clips."""
        return np.ones(len(self), bool)


@dataclass(frozen=True, eq=False)
class Vectors(MeasuredHere):
    """One vector for each clip.

    Attributes:
        names: of the F columns.
        values: float32 (n, F).

    Raises:
        ValueError: the values do not fit the names.
    """

    names: tuple[str, ...]
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"values of shape {self.values.shape} do not fit {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: "np.ndarray | slice") -> "Vectors":
        """Take the clips at these positions, in this order."""
        return replace(self, values=self.values[indices])

    @classmethod
    def join(cls, parts: "Sequence[Vectors]") -> "Vectors":
        """Put sets with the same columns one after the other."""
        return cls(parts[0].names, np.concatenate([part.values for part in parts]))

    def is_finite(self) -> np.ndarray:
        """Whether all values of a clip are finite, bool (n,)."""
        finite: np.ndarray = np.isfinite(self.values).all(axis=1)
        return finite

    def with_noise(self, clips: np.ndarray, deviation: float, generator: np.random.Generator) -> "Vectors":
        """Put Gaussian noise in place of the clips at these positions."""
        values = self.values.copy()
        values[clips] = generator.normal(0, deviation, (len(clips), len(self.names)))
        return replace(self, values=values)

    def speaker_columns(self) -> dict[str, tuple[str, ...]]:
        """One statistic, over clips."""
        return {"clips": self.names}

    def speaker_samples(self) -> dict[str, Sample]:
        """A row for each clip. Vectors vary from clip to clip, so that one clip tells nothing of the deviation."""
        return {"clips": Sample(self.values.astype(np.float64), len(self), len(self) - 1)}

    def z_scores(self, usual: Mapping[str, Standardiser]) -> "Vectors":
        """The clips as z-scores by the statistics of their speaker."""
        return replace(self, values=usual["clips"].z_scores(self.values, LARGEST_SCORE))
