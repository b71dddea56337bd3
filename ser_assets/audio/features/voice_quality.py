"""How a voice sounds, frame by frame: spectral tilt, harmonics against noise, and harmonics against each other.

The descriptors are those of eGeMAPS (Eyben et al. 2016, doi 10.1109/TAFFC.2015.2457417) and of openSMILE, in dB or in
dB per kHz. Time runs along the first axis: one number for each frame, shape (frames,).
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ser_assets.audio.features.spectrum import Spectrum, decibels

MOST_HARMONIC = 0.9999
LEAST_HARMONIC = 0.001
LOWEST_RAHMONIC_HZ = 65.0
HIGHEST_RAHMONIC_HZ = 500.0
CEPSTRUM_FLOOR_DB = -120.0


class Tilt(NamedTuple):
    """How a spectrum falls off; each of shape (frames,), ratios in dB and slopes in dB per kHz.

    `alpha_ratio` is the energy from 1 to 5 kHz over that from 50 Hz to 1 kHz, `hammarberg_index` the strongest bin
    under 2 kHz over the strongest from 2 to 5 kHz; a slope is that of the line fitted to the power in dB.
    """

    alpha_ratio: np.ndarray
    hammarberg_index: np.ndarray
    spectral_slope_0_to_500_hz: np.ndarray
    spectral_slope_500_to_1500_hz: np.ndarray
    spectral_slope_1500_to_5000_hz: np.ndarray


def spectral_tilt(of: Spectrum) -> Tilt:
    """Spectral tilt of each frame; what lies above half the sampling rate is left out."""
    at_2_khz, at_5_khz = np.searchsorted(of.frequencies, (2000, 5000))
    sums, lines = _tilt_weights(of.sampling_rate, of.frame_length)
    low, high = decibels(of.power @ sums).T
    strongest = of.log_power[:, :at_2_khz].max(axis=1) - of.log_power[:, at_2_khz:at_5_khz].max(axis=1)
    return Tilt(high - low, strongest, *(of.log_power @ lines).T)


def spectral_flux(of: Spectrum) -> np.ndarray:
    """Euclidean distance of each frame's magnitudes, made to sum to 1, from those of the frame before; 0 in the first.

    openSMILE's `cSpectral` flux of normalised spectra (Eyben 2015, "Real-time Speech and Music Classification by Large
    Audio Feature Space Extraction", section 2.2.5).
    """
    total = of.magnitude.sum(axis=1, keepdims=True)
    share = of.magnitude / np.where(total > 0, total, 1)
    change = np.diff(share, axis=0)
    return np.append(np.float32(0), np.sqrt(np.einsum("tb,tb->t", change, change)))


def harmonics_to_noise(strength: np.ndarray) -> np.ndarray:
    """Energy of the harmonics over that of the noise in dB, -30 to 40 (Boersma 1993, equation 4).

    `strength`: the autocorrelation r at the period, as `fundamental_frequency` hands it out; r / (1 - r) is the ratio.
    """
    harmonic = np.clip(strength, LEAST_HARMONIC, MOST_HARMONIC)
    return 10 * np.log10(harmonic / (1 - harmonic))


def cepstral_peak_prominence(of: Spectrum) -> np.ndarray:
    """How far the highest peak of the cepstrum stands out of its trend, in dB: much where there is a regular voice.

    The trend is a line fitted over quefrencies from 1/500 to 1/65 s, where the peak is looked for (Hillenbrand et al.
    1994, doi 10.1044/jshr.3704.769, without smoothing).
    """
    from scipy.fft import dct

    first, last = _quefrencies(of.sampling_rate)
    cepstra = dct(of.log_power, type=1, axis=1)[:, first:last] / np.float32(of.frame_length)
    level = 20 * np.log10(np.abs(cepstra).clip(10 ** (CEPSTRUM_FLOOR_DB / 20), np.inf))
    line = _lines(last - first)
    return np.max(level - (level @ line) @ line.T, axis=1)


def level_at(of: Spectrum, frequency: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Power in dB at frequencies of some frames, that of the strongest of the three bins about it.

    Args:
        of: the spectrum.
        frequency: in Hz, shape (frames,) or, several in a frame, (frequencies, frames); above half the sampling rate
            the last three bins are read.
        frames: their numbers, shape (frames,).

    Returns:
        Shape of `frequency`.
    """
    middle = np.rint(frequency / of.frequencies[1]).astype(np.intp)
    middle = np.minimum(np.maximum(middle, 1), len(of.frequencies) - 2)
    below, at, above = (of.magnitude[frames, middle + step] for step in (-1, 0, 1))
    return decibels(np.square(np.maximum(np.maximum(below, at), above)))


def _quefrencies(sampling_rate: int) -> tuple[int, int]:
    """First sample of the cepstrum where a voice may have its peak, and the one after the last."""
    return int(sampling_rate / HIGHEST_RAHMONIC_HZ) + 1, int(np.ceil(sampling_rate / LOWEST_RAHMONIC_HZ))


@cache
def _tilt_weights(sampling_rate: int, frame_length: int) -> tuple[np.ndarray, np.ndarray]:
    """What sums power under and above 1 kHz, shape (bins, 2), and what fits lines to three ranges, (bins, 3)."""
    kilohertz = np.fft.rfftfreq(frame_length, 1 / sampling_rate)[:, None] / 1000

    def within(*edges: float) -> np.ndarray:
        return np.hstack([(low <= kilohertz) & (kilohertz < high) for low, high in pairwise(edges)])

    fitted = within(0, 0.5, 1.5, 5)
    centred = fitted * (kilohertz - (fitted * kilohertz).sum(axis=0) / fitted.sum(axis=0))
    lines = centred / np.square(centred).sum(axis=0)
    return within(0.05, 1, 5).astype(np.float32), lines.astype(np.float32)


@cache
def _lines(count: int) -> np.ndarray:
    """Orthonormal basis of all lines over so many equally spaced points, float32 of shape (count, 2)."""
    return np.linalg.qr(np.vander(np.linspace(-1, 1, count), 2))[0].astype(np.float32)
