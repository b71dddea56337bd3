"""What is usual for the speakers of the training set, so that a profile can be made of few clips."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.feature_sets import Sample
from ser_assets.learning.data.standardiser import Standardiser
from ser_assets.learning.speakers.profile import SpeakerProfile, SpeakerStatistics, columns_of, statistics_of

DEVIATION_CLIPS: Final = 10
"""So many clips of a speaker weigh as much for the deviation as all speakers of the training set."""
STRENGTHS: Final = (0.05, 50.0)
"""Bounds, in clips, of the weight of the training speakers for the mean."""


@dataclass(frozen=True, eq=False)
class SpeakerPrior:
    """Statistics of the training speakers, so that a profile can be made of few clips.

    Attributes:
        usual: mean over speakers, and the deviation that is usual within one.
        strength: for each mean, how many clips of a new speaker weigh as much as all that is known before: variance
            within a speaker over variance between speakers (the normal model's posterior mean; Gelman et al. 2013,
            Bayesian Data Analysis, 2.5).
    """

    usual: SpeakerStatistics
    strength: Mapping[str, Mapping[str, np.ndarray]]

    @classmethod
    def learn(cls, examples: Examples) -> Self:
        """From the raw originals of several speakers; no label is looked at."""
        speakers = _speakers(examples)
        each = [statistics_of(own) for own in speakers]
        of_clips = [[statistics_of(clip) for clip in own.batches(1)] for own in speakers]
        usual: dict[str, dict[str, Standardiser]] = {name: {} for name in examples.sets}
        strength: dict[str, dict[str, np.ndarray]] = {name: {} for name in examples.sets}
        for name, statistic in _keys(each[0]):
            means = np.stack([one[name][statistic].mean for one in each])
            within = np.mean(
                [np.var([clip[name][statistic].mean for clip in clips], axis=0) for clips in of_clips], axis=0
            )
            deviation = np.sqrt(np.mean([one[name][statistic].deviation ** 2 for one in each], axis=0))
            usual[name][statistic] = Standardiser(means.mean(axis=0), deviation.astype(np.float32))
            between = np.maximum(means.var(axis=0), np.finfo(np.float32).tiny)
            strength[name][statistic] = np.clip(within / between, *STRENGTHS).astype(np.float32)
        return cls(usual, strength)

    def profile(self, clips: Features) -> SpeakerProfile:
        """Make a speaker's profile, near to what is usual for others as long as the clips are few."""
        samples = {name: each.speaker_samples() for name, each in clips.sets.items()}
        usual = {
            name: {
                statistic: _blended(sample, self.usual[name][statistic], self.strength[name][statistic])
                for statistic, sample in own.items()
            }
            for name, own in samples.items()
        }
        return SpeakerProfile(usual, columns_of(clips), len(clips))

    def save(self, path: Path) -> None:
        """Write the prior as arrays (npz) without pickle."""
        arrays: dict[str, np.ndarray] = {}
        for name, statistic in _keys(self.usual):
            key = f"{name}/{statistic}"
            mean, deviation = self.usual[name][statistic]
            strength = self.strength[name][statistic]
            arrays |= {f"{key}/mean": mean, f"{key}/deviation": deviation, f"{key}/strength": strength}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a prior."""
        usual: dict[str, dict[str, Standardiser]] = {}
        strength: dict[str, dict[str, np.ndarray]] = {}
        with np.load(path, allow_pickle=False) as arrays:
            for key in sorted({name.rpartition("/")[0] for name in arrays.files}):
                name, statistic = key.split("/")
                means = Standardiser(arrays[f"{key}/mean"], arrays[f"{key}/deviation"])
                usual.setdefault(name, {})[statistic] = means
                strength.setdefault(name, {})[statistic] = arrays[f"{key}/strength"]
        return cls(usual, strength)


def _speakers(examples: Examples) -> list[Examples]:
    original = examples.rows["variant"].to_numpy() == 0
    actors = examples.rows["actor"].to_numpy()
    return [examples.subset(np.flatnonzero(original & (actors == actor))) for actor in examples.actors]


def _keys(statistics: SpeakerStatistics) -> Iterator[tuple[str, str]]:
    return ((name, statistic) for name, own in statistics.items() for statistic in own)


def _blended(sample: Sample, before: Standardiser, strength: np.ndarray) -> Standardiser:
    """Mean and deviation of a speaker between its own clips and what is usual for others."""
    mean, variance = sample.values.mean(axis=0), sample.values.var(axis=0)
    own_mean = (sample.clips_of_mean * mean + strength * before.mean) / (sample.clips_of_mean + strength)
    summed = sample.clips_of_mean * variance + DEVIATION_CLIPS * before.deviation**2
    deviation = np.sqrt(summed / (sample.clips_of_deviation + DEVIATION_CLIPS))
    return Standardiser(own_mean.astype(np.float32), deviation.astype(np.float32))
