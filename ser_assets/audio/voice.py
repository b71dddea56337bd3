"""Functionals of the voice: statistics over its voiced frames, over voiceless ones, and over those with formants."""

import numpy as np

from ser_assets.audio.formants import formants
from ser_assets.audio.functionals import VOICED_MFCC_COEFFICIENTS
from ser_assets.audio.pitch import Pitch
from ser_assets.audio.spectrum import Spectrum
from ser_assets.audio.statistics import statistics
from ser_assets.audio.voice_quality import (
    cepstral_peak_prominence,
    harmonics_to_noise,
    level_at,
    spectral_flux,
    spectral_tilt,
)

ACTIVE_BELOW_PEAK_DB = 40.0
FORMANT_STEP = 2
HARMONICS = 3


def voice_functionals(of: Spectrum, pitch: Pitch, level: np.ndarray, mfcc: np.ndarray) -> np.ndarray:
    """What `VOICE` names, float64 of shape (functionals,), 0 where a clip has no frames of that kind.

    Voiceless frames of the tilt, and all frames of `spectral_flux` and `cepstral_peak_prominence`, are those less than
    40 dB under the loudest. Formants are read in every other voiced frame, where there are all three; they, their
    bandwidths and the ratios between them are natural logarithms. A step size is the mean absolute difference of
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
    flux, prominence = spectral_flux(relative), cepstral_peak_prominence(relative)
    harmonicity = harmonics_to_noise(pitch.strength)
    heard, f0 = relative.at(voiced), pitch.f0[voiced]
    first, *others = level_at(heard, f0 * np.arange(1, HARMONICS + 1)[:, None])
    some = np.arange(0, len(f0), FORMANT_STEP)
    return np.concatenate(
        [
            statistics(np.vstack([tilt, flux, prominence, harmonicity])[:, voiced]).ravel(),
            statistics(tilt[:, active & ~voiced]).ravel(),
            statistics(np.stack([flux, prominence])[:, active]).ravel(),
            statistics(first - np.stack(others)).ravel(),
            statistics(_about_formants(heard.at(some), f0[some], first[some])).ravel(),
            *(_step_size(values, voiced) for values in (np.log(np.maximum(pitch.f0, 1)), level)),
            *(_moments(mfcc[frames, :VOICED_MFCC_COEFFICIENTS]) for frames in (voiced, ~voiced)),
        ]
    )


def _about_formants(of: Spectrum, f0: np.ndarray, first_harmonic: np.ndarray) -> np.ndarray:
    """Rows from `formant_1` to `level_formant_1_to_formant_3` over the voiced frames that have three formants."""
    frequency, bandwidth = formants(of)
    found = np.isfinite(frequency).all(axis=1)
    of, f0, frequency = of.at(found), f0[found], frequency[found].T
    # Between the harmonics there is nothing to hear: a formant is as strong as the harmonic nearest to it.
    levels = level_at(of, f0 * np.maximum(np.rint(frequency / f0), 1))
    log_frequency = np.log(frequency)
    return np.concatenate(
        [
            log_frequency,
            np.log(bandwidth[found].T),
            np.diff(log_frequency, axis=0),
            first_harmonic[found] - levels,
            levels[:1] - levels[2:],
        ]
    )


def _step_size(values: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    steps = np.abs(np.diff(values))[voiced[1:] & voiced[:-1]]
    return steps.mean(keepdims=True) if len(steps) else np.zeros(1)


def _moments(frames: np.ndarray) -> np.ndarray:
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)]) if len(frames) else np.zeros(2 * frames.shape[1])
