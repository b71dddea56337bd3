"""Log-mel and pitch sequences: the feature set, and how a convolutional network reads it, of one length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ser_assets.learning.data.feature_sets import LARGEST_SCORE, MeasuredHere, Sample
from ser_assets.learning.data.standardiser import Standardiser

DYNAMIC_RANGE_DB = 80.0
"""What lies further below the loudest cell of its clip is the room and the recorder, not the voice."""
PITCH_COLUMNS = 2
"""Columns after the mel bands: F0 and harmonicity."""
MELODY_CHANNELS = 4
"""Channels that are made of them."""
LOG_REFERENCE_F0 = float(np.log(180.0))
"""180 Hz, between the voices of most men and most women, as a natural logarithm."""


@dataclass(frozen=True, eq=False)
class MelSequences(MeasuredHere):
    """One sequence for each clip: mel bands in dB, then F0 in Hz (0 without a voice) and its harmonicity (0 to 1).

    Within a speaker the bands become z-scores over frames and the natural logarithm of F0 over voiced frames;
    harmonicity stays.

    Attributes:
        names: of the columns, bands + 2.
        values: n arrays float32 (frames, bands + 2) of different lengths.

    Raises:
        ValueError: the values do not fit the names.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        wrong = next((each.shape for each in self.values if each.ndim != 2 or each.shape[1] != len(self.names)), None)
        if wrong:
            raise ValueError(f"a sequence of shape {wrong} does not fit {len(self.names)} names")

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: "np.ndarray | slice") -> "MelSequences":
        """Take the clips at these positions, in this order."""
        if isinstance(indices, slice):
            return replace(self, values=self.values[indices])
        return replace(self, values=tuple(self.values[index] for index in indices))

    @classmethod
    def join(cls, parts: "Sequence[MelSequences]") -> "MelSequences":
        """Put sets with the same columns one after the other."""
        return cls(parts[0].names, tuple(each for part in parts for each in part.values))

    def is_finite(self) -> np.ndarray:
        """Whether all values of a clip are finite, bool (n,)."""
        return np.array([np.isfinite(each).all() for each in self.values], dtype=bool)

    def with_noise(self, clips: np.ndarray, deviation: float, generator: np.random.Generator) -> "MelSequences":
        """Put Gaussian noise in place of the clips at these positions."""
        values = list(self.values)
        for clip in clips:
            values[clip] = generator.normal(0, deviation, values[clip].shape).astype(np.float32)
        return replace(self, values=tuple(values))

    def speaker_columns(self) -> dict[str, tuple[str, ...]]:
        """Two statistics: of the bands over frames, and of log F0 over voiced frames."""
        return {"bands": self.names[:-PITCH_COLUMNS], "pitch": ("log_f0",)}

    def speaker_samples(self) -> dict[str, Sample]:
        """A row for each frame. Bands and pitch vary within a clip, so that one clip counts for the deviation, too."""
        bands = np.vstack([limit_dynamic_range(each[:, :-PITCH_COLUMNS]) for each in self.values])
        f0 = np.concatenate([each[:, -PITCH_COLUMNS] for each in self.values])
        log_f0 = np.log(f0[f0 > 0])[:, None] if (f0 > 0).any() else np.full((1, 1), LOG_REFERENCE_F0)
        voiced = sum(bool((each[:, -PITCH_COLUMNS] > 0).any()) for each in self.values)
        return {
            "bands": Sample(bands.astype(np.float64), len(self), len(self)),
            "pitch": Sample(log_f0.astype(np.float64), voiced, voiced),
        }

    def z_scores(self, usual: Mapping[str, Standardiser]) -> "MelSequences":
        """The clips as z-scores by the statistics of their speaker."""
        return replace(self, values=tuple(_z_scores(each, usual) for each in self.values))


def _z_scores(sequence: np.ndarray, usual: Mapping[str, Standardiser]) -> np.ndarray:
    mel, f0, harmonicity = np.split(sequence, [-PITCH_COLUMNS, -1], axis=1)
    voiced = f0 > 0
    bands = usual["bands"].z_scores(limit_dynamic_range(mel), LARGEST_SCORE)
    log_f0 = usual["pitch"].z_scores(np.log(np.where(voiced, f0, 1)), LARGEST_SCORE)
    return np.hstack([bands, np.where(voiced, log_f0, 0), harmonicity])


def network_input(sequence: np.ndarray, speaker_normalised: bool) -> np.ndarray:
    """What a network reads of a clip: how it differs from its own mean, and its melody, float32 (frames, bands + 4).

    The mel bands are decibels above the mean of the band in this clip, so that neither the level nor the microphone
    nor the length of the vocal tract counts; those of speaker-normalised clips stay as they are.
    Then come log F0, log F0 above the median of the clip, whether there is a voice, and harmonicity; all 0 without one.

    Args:
        sequence: (frames, bands + 2) as in `MelSequences`.
        speaker_normalised: whether the sequence holds z-scores within the speaker.
    """
    mel, f0, harmonicity = np.split(sequence, [-PITCH_COLUMNS, -1], axis=1)
    voiced = harmonicity > 0
    if speaker_normalised:
        log_f0 = f0
    else:
        mel = limit_dynamic_range(mel)
        mel = mel - mel.mean(axis=0)
        log_f0 = np.log(np.where(voiced, f0, 1)) - LOG_REFERENCE_F0
    median = np.median(log_f0[voiced]) if voiced.any() else 0.0
    melody = [np.where(voiced, values, 0) for values in (log_f0, log_f0 - median, voiced, harmonicity)]
    return np.hstack([mel, *melody]).astype(np.float32)


def limit_dynamic_range(mel: np.ndarray) -> np.ndarray:
    """Mel bands in dB, cut 80 dB under the loudest cell of the clip; same shape."""
    cut: np.ndarray = np.maximum(mel, mel.max() - DYNAMIC_RANGE_DB)
    return cut


def fix_length(sequence: np.ndarray, frames: int, start: int | None = None) -> np.ndarray:
    """Exactly `frames` frames of a sequence, (frames, columns).

    A shorter one is repeated until it fills them, so that what is pooled over time stays what it was and no silence
    is learned. Of a longer one the middle is taken, or, with `start`, what follows that frame.
    """
    length = len(sequence)
    if start is None:
        start = max(0, (length - frames) // 2)
    return sequence[(start + np.arange(frames)) % length]
