"""Speaker normalisation: a profile of a speaker from unlabelled clips, and clips as z-scores by that profile."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.sequences import LOG_REFERENCE_F0, PITCH_COLUMNS, limit_dynamic_range
from ser_assets.learning.data.standardiser import Standardiser
from ser_assets.learning.speakers.bias import LARGEST, SpeakerBias

LARGEST_SCORE: Final = 10.0
"""Scores are cut here: a functional that hardly varies in a speaker's few clips must not fly off in the next one."""
PROFILE_FORMAT: Final = "ser-assets speaker profile 3"


class ProfileError(ValueError):
    """A file is no speaker profile, or one for other features; the message says which."""


class SpeakerStatistics(NamedTuple):
    """Mean and deviation of a speaker's functionals, of the mel bands in dB, and of log F0, float32.

    functionals: over clips, (F,). bands: over frames, (bands,). pitch: of the natural logarithm of F0 in Hz over voiced
    frames, (1,).
    """

    functionals: Standardiser
    bands: Standardiser
    pitch: Standardiser


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """What is usual for one speaker.

    functional_names: of the functionals in it. clips: how many it was learned from. measured_as: names how the clips
    were decoded, trimmed and measured, where that is known; clips measured otherwise are not this speaker's. bias: the
    class bias of the models for the speaker.

    Raises:
        ProfileError: the parts do not fit together.
    """

    usual: SpeakerStatistics
    functional_names: tuple[str, ...]
    clips: int
    measured_as: str = ""
    bias: SpeakerBias = field(default_factory=dict)

    def __post_init__(self) -> None:
        sound = all(
            mean.ndim == 1
            and mean.shape == deviation.shape
            and np.isfinite([mean, deviation]).all()
            and (deviation > 0).all()
            for mean, deviation in self.usual
        )
        sound = sound and self.clips > 0 and len(self.usual.pitch.mean) == 1
        sound = sound and all(_is_bias(each) for each in self.bias.values())
        if not sound or len(self.usual.functionals.mean) != len(self.functional_names):
            raise ProfileError("the profile is damaged: make it again with `enrol-speaker`")

    @classmethod
    def learn(cls, clips: Features) -> Self:
        """From raw clips of one speaker, at least one; no label is looked at."""
        return cls(statistics_of(clips.functionals, clips.sequences), clips.functional_names, len(clips))

    def normalise(self, clips: Features) -> Features:
        """Clips of this speaker as z-scores.

        Raises:
            ValueError: they are speaker-normalised already.
            ProfileError: the profile knows other functionals.
        """
        if clips.speaker_normalised:
            raise ValueError("these clips are speaker-normalised already")
        bands = len(self.usual.bands.mean) + PITCH_COLUMNS
        if clips.functional_names != self.functional_names or any(each.shape[1] != bands for each in clips.sequences):
            raise ProfileError("the profile was made for other features: make it again with `enrol-speaker`")
        return Features(
            functionals=_scores(clips.functionals, self.usual.functionals),
            functional_names=clips.functional_names,
            sequences=tuple(self._score_sequence(sequence) for sequence in clips.sequences),
            speaker_normalised=True,
        )

    def save(self, path: Path) -> None:
        """Write the profile as JSON; it holds no audio."""
        facts: dict[str, Any] = {
            "format": PROFILE_FORMAT,
            "clips": self.clips,
            "measured_as": self.measured_as,
            "functional_names": self.functional_names,
            "bias": {model: bias.tolist() for model, bias in self.bias.items()},
            "usual": {
                name: {"mean": usual.mean.tolist(), "deviation": usual.deviation.tolist()}
                for name, usual in named_statistics(self.usual)
            },
        }
        path.write_text(json.dumps(facts) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a profile.

        Raises:
            ProfileError: the file is none.
        """
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts["format"] != PROFILE_FORMAT:
                raise ProfileError(f"it has the format {facts['format']!r}: make it again with `enrol-speaker`")
            usual = [
                Standardiser(*(np.array(facts["usual"][name][part], np.float32) for part in Standardiser._fields))
                for name in SpeakerStatistics._fields
            ]
            names, clips, measured_as = facts["functional_names"], int(facts["clips"]), str(facts["measured_as"])
            bias = {model: np.array(each, np.float64) for model, each in facts["bias"].items()}
            profile = cls(SpeakerStatistics(*usual), tuple(names), clips, measured_as, bias)
        except OSError as error:
            raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
        except ProfileError as error:
            raise ProfileError(f"{path}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProfileError(f"{path} is no speaker profile: `ser-assets enrol-speaker` makes one") from error
        return profile

    def _score_sequence(self, sequence: np.ndarray) -> np.ndarray:
        mel, f0, harmonicity = np.split(sequence, [-PITCH_COLUMNS, -1], axis=1)
        voiced = f0 > 0
        log_f0 = _scores(np.log(np.where(voiced, f0, 1)), self.usual.pitch)
        return np.hstack(
            [_scores(limit_dynamic_range(mel), self.usual.bands), np.where(voiced, log_f0, 0), harmonicity]
        )


def normalise_speakers(examples: Examples) -> Examples:
    """Examples as z-scores within each voice, by a profile of that voice's clips among them.

    A copy that sounds like another speaker is scored by the copies of its own kind; what is only noisy, stretched or
    shifted by the actor's originals.

    Raises:
        ValueError: they are speaker-normalised already, or a voice has no clip to make a profile of.
    """
    if examples.speaker_normalised:
        raise ValueError("these examples are speaker-normalised already")
    functionals, sequences = np.empty_like(examples.functionals), list(examples.sequences)
    voices = examples.rows["voice"].to_numpy()
    heard = (examples.rows["variant"].to_numpy() == 0) | (voices != examples.rows["actor"].to_numpy())
    for voice in sorted(set(voices)):
        own = np.flatnonzero(voices == voice)
        if not heard[own].any():
            raise ValueError(f"no clip of voice {voice} to normalise by")
        scored = SpeakerProfile.learn(examples.subset(own[heard[own]])).normalise(examples.subset(own))
        functionals[own] = scored.functionals
        for row, sequence in zip(own, scored.sequences, strict=True):
            sequences[row] = sequence
    return replace(examples, functionals=functionals, sequences=tuple(sequences), speaker_normalised=True)


def _is_bias(values: np.ndarray) -> bool:
    return values.ndim == 1 and bool((np.abs(values) <= LARGEST).all())


def named_statistics(usual: SpeakerStatistics) -> list[tuple[str, Standardiser]]:
    """The statistics with their names, in a fixed order."""
    return list(zip(SpeakerStatistics._fields, usual, strict=True))


def statistics_of(functionals: np.ndarray, sequences: Sequence[np.ndarray]) -> SpeakerStatistics:
    """Statistics of clips: functionals over clips, bands and pitch over frames."""
    functionals, bands, pitch = values_of(functionals, sequences)
    heard = pitch if len(pitch) else np.full((1, 1), LOG_REFERENCE_F0)
    return SpeakerStatistics(*(Standardiser.learn([values]) for values in (functionals, bands, heard)))


def values_of(functionals: np.ndarray, sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Functionals by clip, mel bands by frame, and log F0 by voiced frame (none where there is no voice), float64."""
    bands = np.vstack([limit_dynamic_range(sequence[:, :-PITCH_COLUMNS]) for sequence in sequences])
    f0 = np.concatenate([sequence[:, -PITCH_COLUMNS] for sequence in sequences])
    log_f0 = np.log(f0[f0 > 0])[:, None]
    return functionals.astype(np.float64), bands.astype(np.float64), log_f0.astype(np.float64)


def _scores(values: np.ndarray, usual: Standardiser) -> np.ndarray:
    scores: np.ndarray = np.clip((values - usual.mean) / usual.deviation, -LARGEST_SCORE, LARGEST_SCORE)
    return scores.astype(np.float32)
