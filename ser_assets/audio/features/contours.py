"""The course of a clip: the shapes of its loudness and of its melody, and its rhythm of voice and pause."""

import numpy as np

from ser_assets.audio.features.names import ENERGY_COSINES, F0_CONTOUR, F0_COSINES
from ser_assets.audio.features.summarise import percentiles

POINTS = 64
FEWEST_VOICED_FRAMES = 4
PAUSE_BELOW_PEAK_DB = 30.0
ENERGY_PEAK_BELOW_HIGHEST_DB = 25.0
SMOOTHING_SECONDS = 0.035


def energy_contour(level: np.ndarray) -> np.ndarray:
    """Shape of the loudness: how much of each half-cosine of 1 to 9 half-periods a clip is in it.

    Args:
        level: of each frame in dB, shape (frames,).

    Returns:
        The numbers that `ENERGY_CONTOUR` names, in dB: an orthonormal DCT-II of the level at 64 moments.
    """
    return _cosines(level, ENERGY_COSINES)


def f0_contour(f0: np.ndarray) -> np.ndarray:
    """Shape of the melody, as natural logarithms of ratios to its own mean.

    Args:
        f0: of each frame in Hz, 0 without voice, shape (frames,).

    Returns:
        The numbers that `F0_CONTOUR` names, all 0 for under 4 voiced frames. Cosines, fifths and peak are of the
        melody drawn on through voiceless frames; the range is from its 10th to its 90th percentile in voiced frames,
        rise and fall are mean steps up and down from frame to frame, the position counts from 0 to 1.
    """
    voiced = np.flatnonzero(f0)
    if len(voiced) < FEWEST_VOICED_FRAMES:
        return np.zeros(len(F0_CONTOUR))
    log_f0 = np.log(f0[voiced].astype(np.float64))
    log_f0 -= log_f0.mean()
    melody = np.interp(np.arange(len(f0)), voiced, log_f0)
    steps = np.diff(log_f0)[np.diff(voiced) == 1]
    fifth = -(-len(melody) // 5)
    low, high = percentiles(np.sort(log_f0)[None], (10, 90), len(log_f0))[0]
    return np.array(
        [
            *_cosines(melody, F0_COSINES),
            high - low,
            _mean(steps[steps > 0]),
            _mean(steps[steps < 0]),
            _mean(steps > 0),
            melody[:fifth].mean(),
            melody[-fifth:].mean(),
            melody.argmax() / len(melody),
            melody.max(),
        ]
    )


def rhythm(voiced: np.ndarray, level: np.ndarray, frames_per_second: float, seconds: float) -> np.ndarray:
    """How long voice, voicelessness and pauses last, and how often they and the peaks of loudness come.

    Peaks of the smoothed level stand for syllables (Mermelstein 1975, doi 10.1121/1.380738, looks for the dips between
    them). A pause is 30 dB under the loudest frame.

    Args:
        voiced: shape (frames,), bool.
        level: of each frame in dB, shape (frames,).
        frames_per_second: of both.
        seconds: length of the clip.

    Returns:
        The numbers that `RHYTHM` names; those of segments that never come are 0.
    """
    spoken, silent, pause = (
        _runs(mask) / frames_per_second for mask in (voiced, ~voiced, level < level.max() - PAUSE_BELOW_PEAK_DB)
    )
    return np.array(
        [
            *(_mean(spoken), _spread(spoken)),
            *(_mean(silent), _spread(silent), len(silent) / seconds),
            *(_mean(pause), _spread(pause), len(pause) / seconds),
            _peaks(level, frames_per_second) / seconds,
        ]
    )


def _cosines(values: np.ndarray, count: int) -> np.ndarray:
    """Coefficients 1 to `count` of the orthonormal DCT-II of values read at `POINTS` moments."""
    from scipy.fft import dct

    moments = np.linspace(0, len(values) - 1, POINTS)
    return dct(np.interp(moments, np.arange(len(values)), values), norm="ortho")[1 : count + 1]


def _runs(mask: np.ndarray) -> np.ndarray:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges[1::2] - edges[::2]


def _peaks(level: np.ndarray, frames_per_second: float) -> int:
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(level, SMOOTHING_SECONDS * frames_per_second)
    at, before, after = smooth[1:-1], smooth[:-2], smooth[2:]
    high = at > smooth.max() - ENERGY_PEAK_BELOW_HIGHEST_DB
    return int(np.count_nonzero((at > before) & (at >= after) & high))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _spread(values: np.ndarray) -> float:
    return float(values.std()) if len(values) else 0.0
