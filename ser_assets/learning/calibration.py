"""Speaker calibration: what is usual for a voice, learned from its unlabelled clips, and taken out of each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ser_assets.learning.examples import Examples
from ser_assets.learning.sequences import DYNAMIC_RANGE_DB
from ser_assets.learning.training import Standardiser

LARGEST_SCORE: Final = 10.0
"""Scores are cut here: a functional that hardly varies in a speaker's few clips must not fly off in the next one."""


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """Mean and deviation of each functional over a speaker's clips and of each mel band over their frames.

    functional_mean, functional_deviation: float32 (F,). band_mean, band_deviation: float32 (bands,), in dB.
    clips: how many it was learned from.
    """

    functional_mean: np.ndarray
    functional_deviation: np.ndarray
    band_mean: np.ndarray
    band_deviation: np.ndarray
    clips: int

    @classmethod
    def learn(cls, functionals: np.ndarray, sequences: Sequence[np.ndarray]) -> "SpeakerProfile":
        """From clips of one speaker, functionals (n, F) and log-mel sequences in dB; no label is looked at."""
        frames = np.vstack([_above_floor(sequence) for sequence in sequences])
        return cls(*Standardiser.learn([functionals]), *Standardiser.learn([frames]), clips=len(functionals))

    def score_functionals(self, functionals: np.ndarray) -> np.ndarray:
        """Functionals as z-scores of this speaker, float32 (n, F)."""
        return _scores(functionals, self.functional_mean, self.functional_deviation)

    def score_sequence(self, sequence: np.ndarray) -> np.ndarray:
        """A log-mel sequence as z-scores of this speaker's bands, float32 (frames, bands)."""
        return _scores(_above_floor(sequence), self.band_mean, self.band_deviation)


def calibrated(examples: Examples) -> Examples:
    """Examples as z-scores within each speaker, by a profile of that speaker's originals among them.

    Raises:
        ValueError: they are calibrated already, or an actor has augmented copies and no original.
    """
    if examples.calibrated:
        raise ValueError("these examples are calibrated already")
    actors, original = examples.rows["actor"].to_numpy(), examples.rows["variant"].to_numpy() == 0
    functionals = np.empty_like(examples.functionals)
    sequences = list(examples.sequences)
    for actor in examples.actors:
        own = np.flatnonzero(actors == actor)
        heard = own[original[own]]
        if heard.size == 0:
            raise ValueError(f"no original clip of actor {actor} to calibrate on")
        profile = SpeakerProfile.learn(examples.functionals[heard], [sequences[row] for row in heard])
        functionals[own] = profile.score_functionals(examples.functionals[own])
        for row in own:
            sequences[row] = profile.score_sequence(examples.sequences[row])
    return replace(examples, functionals=functionals, sequences=tuple(sequences), calibrated=True)


def _above_floor(sequence: np.ndarray) -> np.ndarray:
    return np.maximum(sequence, sequence.max() - DYNAMIC_RANGE_DB)


def _scores(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    scores: np.ndarray = np.clip((values - mean) / deviation, -LARGEST_SCORE, LARGEST_SCORE).astype(np.float32)
    return scores
