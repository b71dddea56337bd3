"""Features of clips, and examples: the same with labels, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from ser_assets.learning.data.predictions import labels_of

if TYPE_CHECKING:
    import pandas as pd

LeftOut = Literal["actor", "take_id"]

COLUMNS = ("take_id", "variant", "actor", "voice", "emotion", "intensity", "statement", "gender", "audio_hash")


@dataclass(frozen=True, eq=False, kw_only=True)
class Features:
    """The features of clips, in one order.

    functionals: float32 (n, F), finite.
    functional_names: the F names.
    sequences: n arrays float32 (frames, bands + 2) of different lengths: log-mel in dB, then F0 in Hz (0 without voice)
        and its harmonicity from 0 to 1.
    speaker_normalised: all of it is z-scores within each speaker (`speakers.profile`).

    Raises:
        ValueError: the parts do not fit together.
    """

    functionals: np.ndarray
    functional_names: tuple[str, ...]
    sequences: tuple[np.ndarray, ...]
    speaker_normalised: bool = False

    def __post_init__(self) -> None:
        expected = (len(self.sequences), len(self.functional_names))
        if self.functionals.shape != expected:
            raise ValueError(
                f"functionals of shape {self.functionals.shape} do not fit {len(self.sequences)} sequences and "
                f"{len(self.functional_names)} names"
            )

    def __len__(self) -> int:
        return len(self.sequences)

    def batches(self, size: int) -> "Iterator[Features]":
        """Yield the clips in their order, at most `size` at once, without labels."""
        for start in range(0, len(self), size):
            yield Features(
                functionals=self.functionals[start : start + size],
                functional_names=self.functional_names,
                sequences=self.sequences[start : start + size],
                speaker_normalised=self.speaker_normalised,
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples(Features):
    """Labelled clips, originals and augmented copies.

    rows: one row a clip with at least `COLUMNS`; `(take_id, variant)` is unique, variant 0 is the original,
        `audio_hash` is the same for every clip of one decoded recording, and `voice` is the actor, or a name of its
        own for a copy with speed perturbation.
    emotions: the label set of the corpus, whether or not these rows show all; the order of labels and probabilities.
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
        broken = self.rows.loc[~np.isfinite(self.functionals).all(axis=1), "take_id"]
        if len(broken):
            raise ValueError(f"functionals are not finite in {len(broken)} clips, such as {broken.iloc[0]}")
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

    def subset(self, indices: np.ndarray) -> Self:
        """Take the rows at these positions, in this order."""
        return replace(
            self,
            rows=self.rows.iloc[indices],
            functionals=self.functionals[indices],
            sequences=tuple(self.sequences[index] for index in indices),
        )

    def with_labels_permuted(self, seed: int) -> Self:
        """Permute the emotions among the takes of each actor; an augmented copy goes with its take."""
        dealt: dict[str, str] = {}
        for actor, own in self.rows.sort_values("take_id").drop_duplicates("take_id").groupby("actor"):
            generator = np.random.default_rng([seed, int.from_bytes(str(actor).encode())])
            dealt |= dict(zip(own["take_id"], generator.permutation(own["emotion"].to_numpy()), strict=True))
        return replace(self, rows=self.rows.assign(emotion=self.rows["take_id"].map(dealt)))
