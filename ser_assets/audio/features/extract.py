"""A clip in numbers: its functionals (one named row) and its log-mel sequence, from one shared transform."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ser_assets.audio.features.contours import energy_contour, f0_contour, rhythm
from ser_assets.audio.features.descriptors import (
    contrast,
    flatness,
    root_mean_square,
    spectral_shape,
    zero_crossing_rate,
)
from ser_assets.audio.features.modulation import modulation
from ser_assets.audio.features.names import MFCC_COEFFICIENTS
from ser_assets.audio.features.pitch import Pitch, fundamental_frequency
from ser_assets.audio.features.spectrum import (
    Spectrum,
    centred_frames,
    cepstrum,
    chroma,
    decibels,
    deltas,
    frame_length_at,
    mel_power,
    spectrum,
)
from ser_assets.audio.features.summarise import statistics
from ser_assets.audio.features.voice import voice_descriptors, voice_functionals

LOWEST_SAMPLING_RATE = 8000
DYNAMIC_RANGE_DB = 80.0


@dataclass(frozen=True)
class ClipFeatures:
    """What was measured in one clip.

    Attributes:
        functionals: float32 of shape (functionals,), in the order of `functional_names()`; all finite.
        mel: float32 of shape (frames, 64): log-mel power in dB relative to 1 (a tone of full scale has about +30 dB at
            22.05 kHz), not under -100 dB. A frame every half frame length (512 samples at 22.05 kHz); each is the mean
            power of two neighbouring frames of the transform.
        pitch: float32 of shape (frames, 2), at the same frames: F0 in Hz, 0 without a voice, and its harmonicity.
    """

    functionals: np.ndarray
    mel: np.ndarray
    pitch: np.ndarray

    @property
    def sequence(self) -> np.ndarray:
        """Mel and pitch side by side, float32 of shape (frames, 66)."""
        return np.hstack([self.mel, self.pitch])


class _Transformed(NamedTuple):
    """What functionals and sequence have in common: frames of a clip, their spectrum, mel power and pitch."""

    frames: np.ndarray
    hop: int
    spectrum: Spectrum
    mel: np.ndarray
    pitch: Pitch

    @property
    def mel_and_pitch(self) -> tuple[np.ndarray, np.ndarray]:
        """`ClipFeatures.mel` and `ClipFeatures.pitch`."""
        melody = np.column_stack([self.pitch.f0, self.pitch.strength])[::2].astype(np.float32)
        return decibels(_pairs(self.mel)), melody


def extract_features(samples: np.ndarray, sampling_rate: int) -> ClipFeatures:
    """Measure one clip.

    Frames are about 46 ms long (a power of two: 1024 samples at 22.05 kHz) and a quarter of that apart. Where a clip
    has no voice, or too little to make a step, the functionals of `log_f0` and `log_f0_step` are 0; a silent clip is
    measured at the floor of -100 dB. The functionals of log-mel bands and MFCC are taken over the upper 80 dB of the
    clip, as in `librosa.feature.mfcc`, so that what a codec leaves of the background does not count; those of the bands
    are in dB above the mean over all bands and frames, for how loud a clip is says `log_energy`.

    Args:
        samples: real numbers of shape (samples,), full scale 1, ends trimmed; any length from one sample up.
        sampling_rate: in Hz, at least 8000.

    Raises:
        ValueError: the samples are not one row, none at all, or not finite; or the sampling rate is too low.
    """
    samples = _checked(samples, sampling_rate)
    frames, hop, clip, mel, pitch = transformed = _transformed(samples, sampling_rate)
    energy = np.square(root_mean_square(frames))
    log_energy = decibels(energy)
    level = decibels(energy / max(float(energy.max()), np.finfo(np.float32).tiny))
    crossings = zero_crossing_rate(samples, frames.shape[1], hop)
    log_mel = decibels(mel, DYNAMIC_RANGE_DB)
    mfcc = cepstrum(log_mel, MFCC_COEFFICIENTS)
    seconds, frames_per_second = len(samples) / sampling_rate, sampling_rate / hop
    described = _frame_descriptors(clip, mfcc, log_mel - log_mel.mean(), crossings, log_energy, pitch.f0)
    of_frames, of_voice = np.split(
        statistics(np.vstack([described, voice_descriptors(clip, pitch, level, mfcc)])), [len(described)]
    )
    functionals = np.concatenate(
        [
            of_frames.ravel(),
            _timing(pitch.f0, seconds),
            voice_functionals(of_voice),
            energy_contour(level),
            f0_contour(pitch.f0),
            rhythm(pitch.f0 > 0, level, frames_per_second, seconds),
            modulation(mel, frames_per_second),
        ]
    )
    return ClipFeatures(functionals.astype(np.float32), *transformed.mel_and_pitch)


def extract_sequence(samples: np.ndarray, sampling_rate: int) -> np.ndarray:
    """Measure only `ClipFeatures.sequence` of one clip; arguments and errors as of `extract_features`."""
    return np.hstack(_transformed(_checked(samples, sampling_rate), sampling_rate).mel_and_pitch)


def _transformed(samples: np.ndarray, sampling_rate: int) -> _Transformed:
    frame_length = frame_length_at(sampling_rate)
    hop = frame_length // 4
    frames = centred_frames(samples, frame_length, hop)
    clip = spectrum(frames, sampling_rate)
    pitch = fundamental_frequency(samples, sampling_rate, hop=hop)
    return _Transformed(frames, hop, clip, mel_power(clip), pitch)


def _checked(samples: np.ndarray, sampling_rate: int) -> np.ndarray:
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 1:
        raise ValueError(f"a clip is one row of samples, not an array of shape {samples.shape}")
    if samples.size == 0:
        raise ValueError("a clip without samples cannot be measured")
    if not np.isfinite(samples).all():
        raise ValueError("a clip with samples that are not finite cannot be measured")
    if sampling_rate < LOWEST_SAMPLING_RATE:
        raise ValueError(f"a sampling rate of {sampling_rate} Hz is too low; at least {LOWEST_SAMPLING_RATE}")
    return samples


def _frame_descriptors(
    clip: Spectrum,
    mfcc: np.ndarray,
    log_mel: np.ndarray,
    crossings: np.ndarray,
    log_energy: np.ndarray,
    f0: np.ndarray,
) -> np.ndarray:
    """One row for each of `_FRAME_DESCRIPTORS` and `_STEP_DESCRIPTORS`, float32 of shape (descriptors, frames)."""
    log_f0 = np.where(f0 > 0, np.log(np.maximum(f0, 1)), np.nan)
    rows = [
        mfcc.T,
        *(derivative.T for derivative in deltas(mfcc)),
        log_mel.T,
        chroma(clip).T,
        contrast(clip).T,
        *spectral_shape(clip),
        flatness(clip),
        crossings,
        log_energy,
        np.diff(log_energy, prepend=np.nan),
        log_f0,
        np.diff(log_f0, prepend=np.nan),
    ]
    return np.vstack(rows, dtype=np.float32)


def _timing(f0: np.ndarray, seconds: float) -> np.ndarray:
    voiced = f0 > 0
    segments = np.count_nonzero(voiced[1:] > voiced[:-1]) + int(voiced[0])
    return np.array([seconds, voiced.mean(), segments / seconds])


def _pairs(power: np.ndarray) -> np.ndarray:
    """Mean of every two neighbouring frames; an odd last one stays as it is."""
    starts = np.arange(0, len(power), 2)
    return (power[starts] + power[np.minimum(starts + 1, len(power) - 1)]) / 2
