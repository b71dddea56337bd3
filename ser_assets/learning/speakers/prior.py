"""What is usual for the speakers of the training set, so that a profile can be made of few clips."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.sequences import PITCH_COLUMNS
from ser_assets.learning.data.standardiser import Standardiser
from ser_assets.learning.speakers.profile import (
    SpeakerProfile,
    SpeakerStatistics,
    named_statistics,
    statistics_of,
    values_of,
)

DEVIATION_CLIPS: Final = 10
"""So many clips of a speaker weigh as much for the deviation as all speakers of the training set."""
STRENGTHS: Final = (0.05, 50.0)
"""Bounds, in clips, of the weight of the training speakers for the mean."""


@dataclass(frozen=True, eq=False)
class SpeakerPrior:
    """Statistics of the training speakers, so that a profile can be made of few clips.

    usual: mean over speakers, and the deviation that is usual within one.
    strength: for each mean, how many clips of a new speaker weigh as much as all that is known before: variance within
        a speaker over variance between speakers (the normal model's posterior mean; Gelman et al. 2013, Bayesian Data
        Analysis, 2.5).
    """

    usual: SpeakerStatistics
    strength: tuple[np.ndarray, ...]

    @classmethod
    def learn(cls, examples: Examples) -> Self:
        """From the raw originals of several speakers; no label is looked at."""
        speakers = _speakers(examples)
        each = [statistics_of(own.functionals, own.sequences) for own in speakers]
        of_clips = [
            [statistics_of(own.functionals[[row]], [own.sequences[row]]) for row in range(len(own))] for own in speakers
        ]
        usual, strength = [], []
        for kind in range(len(SpeakerStatistics._fields)):
            means = np.stack([one[kind].mean for one in each])
            within = np.mean([np.var([clip[kind].mean for clip in clips], axis=0) for clips in of_clips], axis=0)
            deviation = np.sqrt(np.mean([one[kind].deviation ** 2 for one in each], axis=0))
            usual.append(Standardiser(means.mean(axis=0), deviation.astype(np.float32)))
            between = np.maximum(means.var(axis=0), np.finfo(np.float32).tiny)
            strength.append(np.clip(within / between, *STRENGTHS).astype(np.float32))
        return cls(SpeakerStatistics(*usual), tuple(strength))

    def profile(self, clips: Features) -> SpeakerProfile:
        """Make a speaker's profile, near to what is usual for others as long as the clips are few."""
        count, voiced = len(clips), sum(bool((sequence[:, -PITCH_COLUMNS] > 0).any()) for sequence in clips.sequences)
        # Functionals vary from clip to clip, so that one clip says nothing of how far; bands and pitch vary within it.
        weights = (_Weight(count, count - 1), _Weight(count, count), _Weight(voiced, voiced))
        blended = []
        for values, weight, before, strength in zip(
            values_of(clips.functionals, clips.sequences), weights, self.usual, self.strength, strict=True
        ):
            mean, variance = (values.mean(axis=0), values.var(axis=0)) if len(values) else (0.0, 0.0)
            own_mean = (weight.of_mean * mean + strength * before.mean) / (weight.of_mean + strength)
            summed = weight.of_mean * variance + DEVIATION_CLIPS * before.deviation**2
            deviation = np.sqrt(summed / (weight.of_deviation + DEVIATION_CLIPS))
            blended.append(Standardiser(own_mean.astype(np.float32), deviation.astype(np.float32)))
        return SpeakerProfile(SpeakerStatistics(*blended), clips.functional_names, count)

    def save(self, path: Path) -> None:
        """Write the prior as arrays (npz) without pickle."""
        arrays: dict[str, np.ndarray] = {}
        for (name, usual), strength in zip(named_statistics(self.usual), self.strength, strict=True):
            arrays |= {f"{name}_mean": usual.mean, f"{name}_deviation": usual.deviation, f"{name}_strength": strength}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a prior."""
        with np.load(path, allow_pickle=False) as arrays:
            usual = [
                Standardiser(arrays[f"{name}_mean"], arrays[f"{name}_deviation"]) for name in SpeakerStatistics._fields
            ]
            return cls(
                SpeakerStatistics(*usual), tuple(arrays[f"{name}_strength"] for name in SpeakerStatistics._fields)
            )


def _speakers(examples: Examples) -> list[Examples]:
    original = examples.rows["variant"].to_numpy() == 0
    actors = examples.rows["actor"].to_numpy()
    return [examples.subset(np.flatnonzero(original & (actors == actor))) for actor in examples.actors]


class _Weight(NamedTuple):
    """Clips that count for a speaker's mean and deviation."""

    of_mean: int
    of_deviation: int
