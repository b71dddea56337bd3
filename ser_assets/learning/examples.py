"""What a model learns from: clips with their labels, functionals and log-mel sequences, row by row."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.corpus.ravdess import EMOTIONS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("take_id", "variant", "actor", "emotion", "intensity", "statement", "gender", "recording")


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled clips, originals and augmented copies, in one order.

    rows: one row a clip with at least `COLUMNS`; `(take_id, variant)` is unique, variant 0 is the original, and
        `recording` is one hash for every clip that comes from the same decoded audio.
    functionals: float32 (n, F), finite.
    functional_names: the F names.
    sequences: n arrays float32 (frames, bands), log-mel in dB, of different lengths.
    calibrated: functionals and sequences are z-scores within each speaker (`calibration.calibrated`).

    Raises:
        ValueError: the parts do not fit together, or hold what no model can learn from; the message says which.
    """

    rows: "pd.DataFrame"
    functionals: np.ndarray
    functional_names: tuple[str, ...]
    sequences: tuple[np.ndarray, ...]
    calibrated: bool = False

    def __post_init__(self) -> None:
        missing = [column for column in COLUMNS if column not in self.rows]
        if missing:
            raise ValueError(f"examples lack the columns {', '.join(missing)}")
        expected = (len(self.rows), len(self.functional_names))
        if self.functionals.shape != expected or len(self.sequences) != len(self.rows):
            raise ValueError(
                f"{len(self.rows)} rows with {len(self.functional_names)} names do not fit functionals of shape "
                f"{self.functionals.shape} and {len(self.sequences)} sequences"
            )
        strangers = sorted(set(self.rows["emotion"]) - set(EMOTIONS))
        if strangers:
            raise ValueError(f"unknown emotions: {', '.join(map(str, strangers))}")
        twice = self.rows.loc[self.rows.duplicated(["take_id", "variant"]), "take_id"]
        if len(twice):
            raise ValueError(f"take and variant are there twice: {', '.join(twice[:3])}")
        broken = self.rows.loc[~np.isfinite(self.functionals).all(axis=1), "take_id"]
        if len(broken):
            raise ValueError(f"functionals are not finite in {len(broken)} clips, such as {broken.iloc[0]}")
        object.__setattr__(self, "rows", self.rows.reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> np.ndarray:
        """The emotion of each row as an index into `EMOTIONS`, int64 (n,)."""
        index = {emotion: number for number, emotion in enumerate(EMOTIONS)}
        return self.rows["emotion"].map(index).to_numpy(dtype=np.int64)

    @property
    def actors(self) -> tuple[str, ...]:
        """The actors that are heard, sorted."""
        return tuple(sorted(set(self.rows["actor"])))

    def subset(self, indices: np.ndarray) -> "Examples":
        """Take the rows at these positions, in this order."""
        return replace(
            self,
            rows=self.rows.iloc[indices],
            functionals=self.functionals[indices],
            sequences=tuple(self.sequences[index] for index in indices),
        )

    def with_labels_permuted(self, seed: int) -> "Examples":
        """Deal the emotions of each actor's takes out anew among them; an augmented copy goes with its take."""
        dealt: dict[str, str] = {}
        for actor, own in self.rows.sort_values("take_id").drop_duplicates("take_id").groupby("actor"):
            generator = np.random.default_rng([seed, int.from_bytes(str(actor).encode())])
            dealt |= dict(zip(own["take_id"], generator.permutation(own["emotion"].to_numpy()), strict=True))
        return replace(self, rows=self.rows.assign(emotion=self.rows["take_id"].map(dealt)))
