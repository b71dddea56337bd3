"""What the notebook this project grew from does to a clip: silence, copies of neutral, and its 26 feature means.

Kept so that the notebook's table can be made again; the platform's own features are in `audio.features`.
"""

import numpy as np

from ser_assets.audio.augmentation import augment_clip
from ser_assets.audio.features.descriptors import root_mean_square, spectral_shape, zero_crossing_rate
from ser_assets.audio.features.spectrum import Spectrum, centred_frames, cepstrum, chroma, decibels, mel_power, spectrum
from ser_assets.audio.silence import trim

SAMPLING_RATE = 22050
"""Rate in Hz to which `librosa.load` brings every recording by default."""
SILENCE_BELOW_PEAK_DB = 20.0
COPIES_OF_NEUTRAL = ("noise", "time_stretch", "pitch_shift")
"""Three copies of each neutral take make its 276 of 92; which three the notebook does not tell, these are ours."""

COEFFICIENTS = 20
MEANS = (
    "chroma_stft",
    "rms",
    "spectral_centroid",
    "spectral_bandwidth",
    "spectral_rolloff",
    "zero_crossing_rate",
    *(f"mfcc_{number:02d}" for number in range(1, COEFFICIENTS + 1)),
)

FRAME_LENGTH = 2048
HOP = 512
MEL_BANDS = 128
DYNAMIC_RANGE_DB = 80.0
TUNING_LOWEST_HZ = 150.0
TUNING_HIGHEST_HZ = 4000.0
TUNING_PEAK_SHARE = 0.1
TUNING_BINS = 100


def notebook_clips(samples: np.ndarray, sampling_rate: int, take_id: str, emotion: str) -> list[np.ndarray]:
    """Cut silence out everywhere and, of a neutral take, add copies 1 to 3, one by each of `COPIES_OF_NEUTRAL`.

    `samples`: float32, shape (samples,). However little is left of a clip is used, as in the notebook.
    """
    trimmed = trim(samples, sampling_rate, mode="everywhere", top_db=SILENCE_BELOW_PEAK_DB, minimum_seconds=0.0).samples
    transforms = COPIES_OF_NEUTRAL if emotion == "neutral" else ()
    copies = [
        augment_clip(trimmed, sampling_rate, transform, take_id, variant).samples
        for variant, transform in enumerate(transforms, start=1)
    ]
    return [trimmed, *copies]


def notebook_means(samples: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Means over frames in the order of `MEANS`, each equal to that of librosa's function with its defaults.

    The transform is in single precision where librosa's is in double: on voices and noise the means agree to 1e-4, on
    a pure digital tone the bandwidth to 0.2 %.

    Args:
        samples: float32 of shape (samples,), not empty.
        sampling_rate: in Hz.

    Returns:
        float64 of shape (26,).
    """
    frames = centred_frames(samples, FRAME_LENGTH, HOP)
    clip = spectrum(frames, sampling_rate)
    shape = spectral_shape(clip)
    log_mel = decibels(mel_power(clip, MEL_BANDS), DYNAMIC_RANGE_DB)
    return np.array(
        [
            chroma(clip, tuning(clip)).mean(),
            root_mean_square(frames).mean(),
            shape.centroid.mean(),
            shape.bandwidth.mean(),
            shape.rolloff.mean(),
            zero_crossing_rate(samples, FRAME_LENGTH, HOP).mean(),
            *cepstrum(log_mel.mean(axis=0), COEFFICIENTS),
        ]
    )


def tuning(of: Spectrum) -> float:
    """Deviation of the clip's spectral peaks from A = 440 Hz, in steps of a hundredth of a semitone, 0 for silence.

    As `librosa.estimate_tuning`: the most frequent deviation among the stronger half of the peaks that reach a tenth of
    their frame's maximum, each placed by a parabola through three bins.
    """
    power, frequencies = of.power, of.frequencies
    first = max(1, int(np.searchsorted(frequencies, TUNING_LOWEST_HZ)))
    last = min(int(np.searchsorted(frequencies, TUNING_HIGHEST_HZ)), len(frequencies) - 1)
    at, below, above = (power[:, first + step : last + step] for step in (0, -1, 1))
    loud = at > TUNING_PEAK_SHARE * power.max(axis=1, keepdims=True)
    frame, position = np.divmod(np.flatnonzero(loud & (at > below) & (at >= above)), at.shape[1])
    if len(frame) == 0:
        return 0.0
    peak, left, right = (values[frame, position] for values in (at, below, above))
    curvature = (left + right).astype(np.float64) - 2.0 * peak
    slope = (right - left).astype(np.float64) / 2
    inside = np.abs(slope) < np.abs(curvature)
    shift = np.divide(-slope, curvature, out=np.zeros_like(slope), where=inside).astype(np.float32)
    pitch = ((first + position + shift) * float(of.sampling_rate) / of.frame_length).astype(np.float32)
    height = peak + np.float32(0.5) * ((right - left) / 2) * shift
    strongest = np.argsort(height)[len(height) // 2 :]
    residual = np.mod(12 * np.log2(pitch[strongest] / 27.5), 1.0)
    residual[residual >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, TUNING_BINS + 1)
    votes = np.bincount(np.searchsorted(edges, residual, side="right"))
    return float(edges[np.argmax(votes) - 1])
