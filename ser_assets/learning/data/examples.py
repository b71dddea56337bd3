"""Features of clips, and examples: the same with labels, row by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from ser_assets.learning.data.feature_sets import FeatureSet
from ser_assets.learning.data.predictions import labels_of

if TYPE_CHECKING:
    import pandas as pd

LeftOut = Literal["actor", "take_id"]

COLUMNS = (
    "corpus",
    "take_id",
    "variant",
    "actor",
    "voice",
    "emotion",
    "intensity",
    "statement",
    "gender",
    "audio_hash",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Features:
    """The features of clips, in one order.

    Attributes:
        sets: at least one feature set by name, each of the same n clips.
        speaker_normalised: all of it is z-scores within each speaker (`speakers.profile`).

    Raises:
        ValueError: the sets hold different numbers of clips.
    """

    sets: Mapping[str, FeatureSet]
    speaker_normalised: bool = False

    def __post_init__(self) -> None:
        sizes = {name: len(each) for name, each in self.sets.items()}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"feature sets need the same clips, and these hold: {sizes}")

    def __len__(self) -> int:
        return len(next(iter(self.sets.values())))

    def __getitem__(self, name: str) -> Any:
        """The feature set of this name."""
        return self.sets[name]

    def with_set(self, name: str, replacement: FeatureSet) -> Self:
        """The same clips with another set of this name."""
        return replace(self, sets={**self.sets, name: replacement})

    def batches(self, size: int) -> "Iterator[Features]":
        """Yield the clips in their order, at most `size` at once, without labels."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            sets = {name: each.take(part) for name, each in self.sets.items()}
            yield Features(sets=sets, speaker_normalised=self.speaker_normalised)

    @classmethod
    def join(cls, parts: "Sequence[Features]") -> "Features":
        """Put raw clips with the same sets one after the other, without labels."""
        return Features(sets={name: each.join([part[name] for part in parts]) for name, each in parts[0].sets.items()})


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples(Features):
    """Labelled clips, originals and augmented copies.

    Attributes:
        rows: one row a clip with at least `COLUMNS`; `(take_id, variant)` is unique, variant 0 is the original,
            `audio_hash` is the same for every clip of one decoded recording, and `voice` is the actor, or a name of its
            own for a copy with speed perturbation.
        emotions: the label set of the corpus, whether or not these rows show all; the order of labels and
            probabilities.
        left_out: what validation holds out: the actor, as in a test, or only the take where actors are on both sides.

    Raises:
        ValueError: the parts do not fit together, or hold what no model can learn from; the message says which.
    """

    rows: "pd.DataFrame"
    emotions: tuple[str, ...]
    left_out: LeftOut = "actor"

    def __post_init__(self) -> None:
        missing = [column for column in COLUMNS if column not in self.rows]
        if missing:
            raise ValueError(f"examples lack the columns {', '.join(missing)}")
        super().__post_init__()
        if len(self.rows) != len(self):
            raise ValueError(f"{len(self.rows)} rows do not fit {len(self)} clips")
        # A database tells no columns apart by upper and lower case alone.
        if len({emotion.casefold() for emotion in self.emotions}) < len(self.emotions):
            raise ValueError(f"emotions must differ by more than case: {', '.join(self.emotions)}")
        labels_of(self.rows, self.emotions)
        twice = self.rows.loc[self.rows.duplicated(["take_id", "variant"]), "take_id"]
        if len(twice):
            raise ValueError(f"take and variant are there twice: {', '.join(twice[:3])}")
        for name, each in self.sets.items():
            broken = self.rows.loc[~each.is_finite(), "take_id"]
            if len(broken):
                raise ValueError(f"{name} are not finite in {len(broken)} clips, such as {broken.iloc[0]}")
        object.__setattr__(self, "rows", self.rows.reset_index(drop=True))

    @property
    def labels(self) -> np.ndarray:
        """The emotion of each row as an index into `emotions`, int64 (n,)."""
        return labels_of(self.rows, self.emotions)

    @property
    def actors(self) -> tuple[str, ...]:
        """The actors of these rows, sorted."""
        return tuple(sorted(set(self.rows["actor"])))

    @property
    def shares(self) -> np.ndarray:
        """How often each emotion is among the takes, float64 (emotions,), sums to 1."""
        takes = self.rows["take_id"].drop_duplicates().index
        counts = np.bincount(self.labels[takes], minlength=len(self.emotions))
        result: np.ndarray = counts / counts.sum()
        return result

    def having(self, name: str) -> Self:
        """The rows that the feature set of this name holds."""
        present = self[name].present
        return self if present.all() else self.subset(np.flatnonzero(present))

    def subset(self, indices: np.ndarray) -> Self:
        """Take the rows at these positions, in this order."""
        return replace(
            self,
            rows=self.rows.iloc[indices],
            sets={name: each.take(indices) for name, each in self.sets.items()},
        )

    def with_labels_permuted(self, seed: int) -> Self:
        """Permute the emotions among the takes of each actor; an augmented copy goes with its take."""
        permuted: dict[str, str] = {}
        for actor, own in self.rows.sort_values("take_id").drop_duplicates("take_id").groupby("actor"):
            generator = np.random.default_rng([seed, int.from_bytes(str(actor).encode())])
            permuted |= dict(zip(own["take_id"], generator.permutation(own["emotion"].to_numpy()), strict=True))
        return replace(self, rows=self.rows.assign(emotion=self.rows["take_id"].map(permuted)))
