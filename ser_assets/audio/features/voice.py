"""Descriptors of the voice: of its voiced frames, of voiceless ones, and of those with formants."""

import numpy as np

from ser_assets.audio.features.formants import formants
from ser_assets.audio.features.names import VOICED_MFCC_COEFFICIENTS
from ser_assets.audio.features.pitch import Pitch
from ser_assets.audio.features.spectrum import Spectrum
from ser_assets.audio.features.voice_quality import (
    cepstral_peak_prominence,
    harmonics_to_noise,
    level_at,
    spectral_flux,
    spectral_tilt,
)

ACTIVE_BELOW_PEAK_DB = 40.0
FORMANT_STEP = 2
HARMONICS = 3
STEPS = 2


def voice_descriptors(of: Spectrum, pitch: Pitch, level: np.ndarray, mfcc: np.ndarray) -> np.ndarray:
    """What the statistics in `VOICE` are of, shape (descriptors, frames), NaN in frames that do not count.

    Voiceless frames of the tilt, and all frames of `spectral_flux` and `cepstral_peak_prominence`, are those less than
    40 dB under the loudest. Formants are read in every other voiced frame, where there are all three; they, their
    bandwidths and the ratios between them are natural logarithms. A step size is the absolute difference of
    neighbouring voiced frames.

    Args:
        of: spectrum of the clip; only its shape counts, not its level.
        pitch: of the same frames.
        level: of the same frames in dB, shape (frames,).
        mfcc: of the same frames, shape (frames, at least 20).
    """
    relative = of.normalised()
    voiced, active = pitch.f0 > 0, level > level.max() - ACTIVE_BELOW_PEAK_DB
    tilt = np.stack(spectral_tilt(relative))
    over_time = np.stack([spectral_flux(relative), cepstral_peak_prominence(relative)])
    tracks = np.where(voiced, [np.log(np.maximum(pitch.f0, 1)), level], np.nan)
    coefficients = mfcc[:, :VOICED_MFCC_COEFFICIENTS].T
    return np.vstack(
        [
            np.where(voiced, np.vstack([tilt, over_time, harmonics_to_noise(pitch.strength)]), np.nan),
            np.where(active & ~voiced, tilt, np.nan),
            np.where(active, over_time, np.nan),
            _about_harmonics(relative, pitch.f0),
            np.abs(np.diff(tracks, prepend=np.nan)),
            np.where(voiced, coefficients, np.nan),
            np.where(voiced, np.nan, coefficients),
        ]
    )


def voice_functionals(statistics: np.ndarray) -> np.ndarray:
    """What `VOICE` names, of the `statistics` of `voice_descriptors`: all seven, or means, or means and deviations."""
    mfcc = VOICED_MFCC_COEFFICIENTS
    described, steps, voiced, voiceless = np.split(statistics, [-2 * mfcc - STEPS, -2 * mfcc, -mfcc])
    return np.concatenate([described.ravel(), steps[:, 0], voiced[:, :2].T.ravel(), voiceless[:, :2].T.ravel()])


def _about_harmonics(of: Spectrum, f0: np.ndarray) -> np.ndarray:
    """Rows from `level_harmonic_1_to_harmonic_2` to `level_formant_1_to_formant_3`."""
    voiced = np.flatnonzero(f0)
    first, *others = level_at(of, f0[voiced] * np.arange(1, HARMONICS + 1)[:, None], voiced)
    frames, first_harmonic = voiced[::FORMANT_STEP], first[::FORMANT_STEP]
    frequency, bandwidth = formants(of.at(frames))
    found = np.isfinite(frequency).all(axis=1)
    frames, frequency = frames[found], frequency[found].T
    # Between the harmonics there is no energy: a formant is as strong as the harmonic nearest to it.
    levels = level_at(of, f0[frames] * np.maximum(np.rint(frequency / f0[frames]), 1), frames)
    log_frequency = np.log(frequency)
    of_formants = [
        log_frequency,
        np.log(bandwidth[found].T),
        np.diff(log_frequency, axis=0),
        first_harmonic[found] - levels,
        levels[:1] - levels[2:],
    ]
    return np.vstack([_placed(first - others, voiced, len(f0)), _placed(np.vstack(of_formants), frames, len(f0))])


def _placed(rows: np.ndarray, at: np.ndarray, frames: int) -> np.ndarray:
    """Rows over some frames as rows over all of them, NaN in the others."""
    placed = np.full((len(rows), frames), np.nan, np.float32)
    placed[:, at] = rows
    return placed
