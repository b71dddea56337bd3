"""Embeddings of a pretrained encoder as a feature set: one vector for each clip that has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.encoders.encoder import embedding_names
from ser_assets.encoders.names import EncoderIdentity
from ser_assets.learning.data.feature_sets import LARGEST_SCORE, Sample
from ser_assets.learning.data.standardiser import Standardiser

if TYPE_CHECKING:
    from ser_assets.encoders.encoder import Embedding


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector for each clip but for copies that were not embedded, such as noisy ones.

    Attributes:
        encoder: that made them.
        layers: numbers of its layers.
        values: float32 (n, F): for each layer its mean over time, then its deviation; 0 for clips that are not present.
        present: bool (n,).

    Raises:
        ValueError: the values do not fit the layers or the clips.
    """

    encoder: EncoderIdentity
    layers: tuple[int, ...]
    values: np.ndarray
    present: np.ndarray

    def __post_init__(self) -> None:
        shape, layers = self.values.shape, 2 * len(self.layers)
        if len(shape) != 2 or layers == 0 or shape[1] % layers or self.present.shape != shape[:1]:
            raise ValueError(f"embeddings of shape {shape} do not fit {len(self.layers)} layers")

    @classmethod
    def of(cls, clips: "Sequence[Embedding]") -> "Embeddings":
        """The embeddings of clips, at least one, all of one encoder."""
        values = np.stack([clip.vector for clip in clips])
        return cls(clips[0].encoder, clips[0].layers, values, np.ones(len(clips), bool))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return embedding_names(self.layers, self.dimensions)

    @property
    def dimensions(self) -> int:
        """Size of one layer's mean."""
        return int(self.values.shape[1] // (2 * len(self.layers)))

    @property
    def made_by(self) -> str:
        """The encoder."""
        return str(self.encoder)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: "np.ndarray | slice") -> "Embeddings":
        """Take the clips at these positions, in this order."""
        return replace(self, values=self.values[indices], present=self.present[indices])

    @classmethod
    def join(cls, parts: "Sequence[Embeddings]") -> "Embeddings":
        """Put embeddings of one encoder one after the other."""
        values, present = (np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "present"))
        return replace(parts[0], values=values, present=present)

    def is_finite(self) -> np.ndarray:
        """Whether all values of a clip are finite, bool (n,)."""
        finite: np.ndarray = np.isfinite(self.values).all(axis=1)
        return finite

    def with_noise(self, clips: np.ndarray, deviation: float, generator: np.random.Generator) -> "Embeddings":
        """Put Gaussian noise in place of the clips at these positions."""
        values = self.values.copy()
        values[clips] = generator.normal(0, deviation, (len(clips), values.shape[1]))
        return replace(self, values=values)

    def speaker_columns(self) -> dict[str, tuple[str, ...]]:
        """One statistic, over clips."""
        return {"clips": self.names}

    def speaker_samples(self) -> dict[str, Sample]:
        """A row for each clip that is present. One clip gives no deviation between clips."""
        values = self.values[self.present].astype(np.float64)
        return {"clips": Sample(values, len(values), len(values) - 1)}

    def z_scores(self, usual: Mapping[str, Standardiser]) -> "Embeddings":
        """The clips as z-scores by the statistics of their speaker."""
        return replace(self, values=usual["clips"].z_scores(self.values, LARGEST_SCORE))
