"""Speaker normalisation: a profile of a speaker from unlabelled clips, and clips as z-scores by that profile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from ser_assets.learning.data.examples import Examples, Features
from ser_assets.learning.data.standardiser import Standardiser
from ser_assets.learning.speakers.bias import LARGEST, SpeakerBias

PROFILE_FORMAT: Final = "ser-assets speaker profile 4"

SpeakerStatistics = Mapping[str, Mapping[str, Standardiser]]
"""Mean and deviation of one speaker, by feature set and by statistic of the set (`FeatureSet.speaker_columns`)."""
Columns = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Names of the columns of the same statistics."""


class ProfileError(ValueError):
    """A file is no speaker profile, or one for other features; the message says which."""


@dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """What is usual for one speaker.

    Attributes:
        usual: mean and deviation of each feature set.
        columns: of the same statistics.
        clips: how many it was learned from.
        measured_as: names how the clips were decoded, trimmed and measured, where that is known; clips measured
            otherwise are not this speaker's.
        bias: the class bias of the models for the speaker.

    Raises:
        ProfileError: the parts do not fit together.
    """

    usual: SpeakerStatistics
    columns: Columns
    clips: int
    measured_as: str = ""
    bias: SpeakerBias = field(default_factory=dict)

    def __post_init__(self) -> None:
        sound = self.clips > 0 and all(_is_bias(each) for each in self.bias.values())
        sound = sound and {name: set(each) for name, each in self.usual.items()} == {
            name: set(each) for name, each in self.columns.items()
        }
        if not sound or not all(
            _are_statistics(each, len(self.columns[name][statistic]))
            for name, own in self.usual.items()
            for statistic, each in own.items()
        ):
            raise ProfileError("the profile is damaged: make it again with `enrol-speaker`")

    @classmethod
    def learn(cls, clips: Features) -> Self:
        """From raw clips of one speaker, at least one; no label is looked at."""
        return cls(statistics_of(clips), columns_of(clips), len(clips))

    def normalise(self, clips: Features) -> Features:
        """Clips of this speaker as z-scores; the profile may know more feature sets than the clips have.

        Raises:
            ValueError: they are speaker-normalised already.
            ProfileError: the profile knows other features.
        """
        if clips.speaker_normalised:
            raise ValueError("these clips are speaker-normalised already")
        if any(self.columns.get(name) != columns for name, columns in columns_of(clips).items()):
            raise ProfileError("the profile was made for other features: make it again with `enrol-speaker`")
        sets = {name: each.z_scores(self.usual[name]) for name, each in clips.sets.items()}
        return Features(sets=sets, speaker_normalised=True)

    def save(self, path: Path) -> None:
        """Write the profile as JSON; it holds no audio."""
        facts: dict[str, Any] = {
            "format": PROFILE_FORMAT,
            "clips": self.clips,
            "measured_as": self.measured_as,
            "bias": {model: bias.tolist() for model, bias in self.bias.items()},
            "usual": {
                name: {
                    statistic: {
                        "columns": list(self.columns[name][statistic]),
                        "mean": usual.mean.tolist(),
                        "deviation": usual.deviation.tolist(),
                    }
                    for statistic, usual in own.items()
                }
                for name, own in self.usual.items()
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
            return cls(
                _each_statistic(facts["usual"], _standardiser_from),
                _each_statistic(facts["usual"], lambda each: tuple(each["columns"])),
                int(facts["clips"]),
                str(facts["measured_as"]),
                {model: np.array(each, np.float64) for model, each in facts["bias"].items()},
            )
        except OSError as error:
            raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
        except ProfileError as error:
            raise ProfileError(f"{path}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProfileError(f"{path} is no speaker profile: `ser-assets enrol-speaker` makes one") from error


def normalise_speakers(examples: Examples) -> Examples:
    """Examples as z-scores within each voice, by a profile of that voice's clips among them.

    A copy that sounds like another speaker is scored by the copies of its own kind; what is only noisy, stretched or
    shifted by the actor's originals.

    Raises:
        ValueError: they are speaker-normalised already, or a voice has no clip to make a profile of.
    """
    if examples.speaker_normalised:
        raise ValueError("these examples are speaker-normalised already")
    voices = examples.rows["voice"].to_numpy()
    of_profile = (examples.rows["variant"].to_numpy() == 0) | (voices != examples.rows["actor"].to_numpy())
    scored, order = [], []
    for voice in sorted(set(voices)):
        own = np.flatnonzero(voices == voice)
        if not of_profile[own].any():
            raise ValueError(f"no clip of voice {voice} to normalise by")
        scored.append(SpeakerProfile.learn(examples.subset(own[of_profile[own]])).normalise(examples.subset(own)))
        order.append(own)
    back = np.argsort(np.concatenate(order))
    sets = {name: each.take(back) for name, each in Features.join(scored).sets.items()}
    return replace(examples, sets=sets, speaker_normalised=True)


def statistics_of(clips: Features) -> SpeakerStatistics:
    """Statistics of the clips of one speaker."""
    return {
        name: {statistic: Standardiser.learn([sample.values]) for statistic, sample in each.speaker_samples().items()}
        for name, each in clips.sets.items()
    }


def columns_of(clips: Features) -> Columns:
    """Columns of the statistics of these clips."""
    return {name: each.speaker_columns() for name, each in clips.sets.items()}


def _each_statistic(facts: Mapping[str, Mapping[str, Any]], read: Any) -> dict[str, dict[str, Any]]:
    return {name: {statistic: read(each) for statistic, each in own.items()} for name, own in facts.items()}


def _standardiser_from(facts: Mapping[str, Any]) -> Standardiser:
    return Standardiser(*(np.array(facts[part], np.float32) for part in Standardiser._fields))


def _is_bias(values: np.ndarray) -> bool:
    return values.ndim == 1 and bool((np.abs(values) <= LARGEST).all())


def _are_statistics(usual: Standardiser, columns: int) -> bool:
    mean, deviation = usual
    sizes = mean.shape == deviation.shape == (columns,)
    return sizes and bool(np.isfinite([mean, deviation]).all() and (deviation > 0).all())
