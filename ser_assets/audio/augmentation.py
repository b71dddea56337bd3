"""Varied copies of a clip, each reproducible from its take and its number, and the clip in other voices."""

import hashlib
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

TRANSFORMS = ("noise", "time_stretch", "pitch_shift", "shift")
SPEED = "speed"
STRETCH_RATES = (0.85, 1.18)
SHIFT_SEMITONES = (-2.0, 2.0)
# Signalsmith's `presetCheaper`: two thirds of the time of the default.
STRETCH_BLOCK_SECONDS = 0.1
STRETCH_STEP_SECONDS = 0.04


@dataclass(frozen=True)
class AugmentedClip:
    """An augmented copy: float32 `samples`, shape (samples,), and what made it; no `seed` where nothing is drawn."""

    samples: np.ndarray
    transform: str
    parameters: str
    seed: int | None


class PlannedCopy(NamedTuple):
    """A copy to be made: one of `TRANSFORMS`, or SPEED and the speed."""

    transform: str
    speed: float | None = None


def seed_of(take_id: str, variant: int) -> int:
    """Seed of one copy, the same on every machine and in every run.

    Examples:
        >>> seed_of("01-05-02-01-02-12", 1)
        3932475061
    """
    digest = hashlib.blake2b(f"{take_id}/{variant}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def copies_needed(emotions: Mapping[str, str], extra_copies: int = 0, voices: int = 0) -> dict[str, int]:
    """Say how many copies of each take, besides its other voices, make all emotions count alike.

    `emotions` maps take to emotion. Every take gets copies in so many other `voices` and `extra_copies`; what an
    emotion still lacks to the most frequent one is spread evenly over its takes, first takes first.

    Examples:
        >>> copies_needed({"take 1": "neutral", "take 2": "happy", "take 3": "happy"})
        {'take 1': 1, 'take 2': 0, 'take 3': 0}
    """
    counts = Counter(emotions.values())
    most = max(counts.values(), default=0)
    needed = dict.fromkeys(emotions, extra_copies)
    for emotion, count in counts.items():
        takes = sorted(take_id for take_id, its_emotion in emotions.items() if its_emotion == emotion)
        missing = (most - count) * (1 + voices + extra_copies)
        for position in range(missing):
            needed[takes[position % count]] += 1
    return needed


def plan_copies(
    emotions: Mapping[str, str], extra_copies: int = 0, voices: Sequence[float] = ()
) -> dict[str, tuple[PlannedCopy, ...]]:
    """Say how each copy of each take is made: first the voices, then what else is needed, all transforms in turn.

    Args:
        emotions: take to emotion.
        extra_copies: of every take, on top of those that make the emotions count alike.
        voices: speeds at which every take is copied.
    """
    turn = itertools.cycle(TRANSFORMS)
    spoken = [PlannedCopy(SPEED, speed) for speed in voices]
    needed = copies_needed(emotions, extra_copies, len(spoken))
    return {
        take_id: (*spoken, *map(PlannedCopy, itertools.islice(turn, count)))
        for take_id, count in sorted(needed.items())
    }


def perturb_speed(samples: np.ndarray, sampling_rate: int, speed: float) -> AugmentedClip:
    """Play a clip `speed` times as fast: pitch, formants and tempo change at once, as if another speaker spoke.

    Speed perturbation (Ko et al. 2015, "Audio augmentation for speech recognition", Interspeech: 3586-3589). `samples`:
    float32, shape (samples,).
    """
    import soxr

    changed = soxr.resample(np.asarray(samples, np.float32), sampling_rate, sampling_rate / speed)
    return AugmentedClip(changed, SPEED, json.dumps({"speed": speed}), None)


def augment_clip(
    samples: np.ndarray,
    sampling_rate: int,
    transform: str,
    take_id: str,
    variant: int,
    snr_db: tuple[float, float] = (15.0, 30.0),
) -> AugmentedClip:
    """Make copy number `variant` (1, 2, …) of a clip by one of `TRANSFORMS`, its parameters drawn from its own seed.

    `samples`: float32, shape (samples,). noise: Gaussian at `snr_db` dB; time_stretch: 0.85 to 1.18 times as fast;
    pitch_shift: up to 2 semitones either way; shift: up to 0.15 s either way, the gap filled with silence.

    Raises:
        ValueError: there is no such transform.
    """
    seed = seed_of(take_id, variant)
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    match transform:
        case "noise":
            changed, parameters = _augmented(_noise(snr_db), samples, sampling_rate, seed)
            parameters["snr_db"] = 20 * np.log10(np.sqrt(np.square(samples).mean()) / parameters.pop("noise_std"))
        case "shift":
            changed, parameters = _augmented(_shift(), samples, sampling_rate, seed)
        case "time_stretch":
            parameters = {"rate": random.Random(seed).uniform(*STRETCH_RATES)}
            changed = _stretched(samples, sampling_rate, rate=parameters["rate"])
        case "pitch_shift":
            parameters = {"num_semitones": random.Random(seed).uniform(*SHIFT_SEMITONES)}
            changed = _stretched(samples, sampling_rate, semitones=parameters["num_semitones"])
        case _:
            raise ValueError(f"no transform {transform!r}; there are {', '.join(TRANSFORMS)}")
    return AugmentedClip(
        np.asarray(changed, np.float32), transform, json.dumps(_plain(parameters), sort_keys=True), seed
    )


def _stretched(samples: np.ndarray, sampling_rate: int, rate: float = 1.0, semitones: float = 0.0) -> np.ndarray:
    """Play a clip faster at its pitch, or at another pitch as fast, by Signalsmith Stretch at its cheaper setting."""
    import python_stretch

    stretch = python_stretch.Signalsmith.Stretch()
    stretch.configure(1, int(STRETCH_BLOCK_SECONDS * sampling_rate), int(STRETCH_STEP_SECONDS * sampling_rate))
    stretch.setTimeFactor(rate)
    stretch.setTransposeSemitones(semitones)
    return np.asarray(stretch.process(samples[None]), np.float32)[0]


def _noise(snr_db: tuple[float, float]) -> Any:
    import audiomentations

    return audiomentations.AddGaussianSNR(min_snr_db=snr_db[0], max_snr_db=snr_db[1], p=1.0)


def _shift() -> Any:
    import audiomentations

    return audiomentations.Shift(
        min_shift=-0.15, max_shift=0.15, shift_unit="seconds", rollover=False, fade_duration=0.01, p=1.0
    )


def _augmented(augment: Any, samples: np.ndarray, sampling_rate: int, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    with _seeded(seed):
        changed = augment(samples=samples, sample_rate=sampling_rate)
    return changed, {key: value for key, value in augment.serialize_parameters().items() if key != "should_apply"}


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Give audiomentations, which draws from the global generators, a seed of its own, and put them back after."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: float(f"{value:.6g}") if isinstance(value, float | np.floating) else value
        for key, value in parameters.items()
    }
