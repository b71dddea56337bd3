"""The functionals as one would write them with plain librosa calls, one call a descriptor, each from the samples.

What librosa has no call for is left out (harmonicity, cepstral peaks, harmonics, modulation, rhythm), so that this does
less than the project does.
"""

from collections.abc import Callable

import librosa
import numpy as np
import scipy.fft

from ser_assets.audio.features.names import PERCENTILES

RATE = 22050
FRAME = 1024
HOP = 256
FLOOR_HZ, CEILING_HZ = 65.0, 800.0

Pitch = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def by_pyin(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F0, and which frames are voiced, by the one tracker of librosa that tells."""
    f0, voiced, _ = librosa.pyin(samples, fmin=FLOOR_HZ, fmax=CEILING_HZ, sr=RATE, hop_length=HOP)
    return np.nan_to_num(f0), voiced


def by_yin(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F0 by librosa's faster tracker, which takes every frame for voiced."""
    f0 = librosa.yin(samples, fmin=FLOOR_HZ, fmax=CEILING_HZ, sr=RATE, hop_length=HOP)
    return f0, np.ones(len(f0), bool)


def functionals(samples: np.ndarray, pitch: Pitch = by_pyin) -> np.ndarray:
    """Statistics over frames of all descriptors that librosa has, and the notebook's 26 means."""
    feature, spectral = librosa.feature, {"y": samples, "sr": RATE, "n_fft": FRAME, "hop_length": HOP}
    waveform = {"frame_length": FRAME, "hop_length": HOP}
    mel = librosa.power_to_db(feature.melspectrogram(n_mels=64, **spectral))
    mfcc = feature.mfcc(n_mfcc=30, n_mels=64, **spectral)
    energy = librosa.amplitude_to_db(feature.rms(y=samples, **waveform))
    f0, voiced = pitch(samples)
    log_f0 = np.log(np.maximum(f0, 1))[voiced[: len(f0)]]
    descriptors = [
        mfcc,
        feature.delta(mfcc),
        feature.delta(mfcc, order=2),
        mel - mel.mean(),
        feature.chroma_stft(tuning=0.0, **spectral),
        feature.spectral_contrast(**spectral),
        feature.spectral_centroid(**spectral),
        feature.spectral_bandwidth(**spectral),
        feature.spectral_rolloff(**spectral),
        feature.spectral_flatness(y=samples, n_fft=FRAME, hop_length=HOP),
        feature.zero_crossing_rate(samples, **waveform),
        energy,
        np.diff(energy),
        log_f0[None],
        np.diff(log_f0)[None],
        formants(samples, voiced),
    ]
    heard = mfcc[:20, : len(voiced)]
    return np.concatenate(
        [
            *(statistics(rows) for rows in descriptors),
            *(each for frames in (voiced, ~voiced) for each in moments(heard[:, frames])),
            scipy.fft.dct(np.interp(np.linspace(0, 1, 64), np.linspace(0, 1, energy.size), energy[0]))[1:10],
            notebook_means(samples),
        ]
    )


def formants(samples: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Logarithms of the three lowest formants and their bandwidths in every other voiced frame, shape (6, frames)."""
    sound = librosa.resample(librosa.effects.preemphasis(samples), orig_sr=RATE, target_sr=10500)
    frames = librosa.util.frame(np.pad(sound, 256), frame_length=512, hop_length=122)
    found = []
    for frame in np.flatnonzero(voiced[: frames.shape[1]])[::2]:
        poles = np.roots(librosa.lpc(frames[:, frame] * np.hanning(512) + 1e-9, order=10))
        poles = poles[poles.imag > 0]
        frequency, bandwidth = np.angle(poles) * 10500 / (2 * np.pi), -np.log(np.abs(poles)) * 10500 / np.pi
        lowest = np.argsort(frequency)[:3]
        if len(lowest) == 3:
            found.append(np.log(np.maximum(np.concatenate([frequency[lowest], bandwidth[lowest]]), 1)))
    return np.array(found).T if found else np.zeros((6, 1))


def statistics(rows: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and percentiles over frames."""
    rows = rows if rows.shape[-1] else np.zeros((len(rows), 1))
    return np.concatenate([rows.mean(-1), rows.std(-1), *(np.percentile(rows, each, axis=-1) for each in PERCENTILES)])


def moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over frames."""
    return (rows.mean(1), rows.std(1)) if rows.shape[1] else (np.zeros(len(rows)), np.zeros(len(rows)))


def notebook_means(samples: np.ndarray) -> np.ndarray:
    """The notebook's 26 means, one librosa call each."""
    feature = librosa.feature
    calls = (feature.chroma_stft, feature.spectral_centroid, feature.spectral_bandwidth, feature.spectral_rolloff)
    means = [np.mean(call(y=samples, sr=RATE)) for call in calls]
    means += [np.mean(feature.rms(y=samples)), np.mean(feature.zero_crossing_rate(samples))]
    return np.array([*means, *feature.mfcc(y=samples, sr=RATE).mean(axis=1)])
