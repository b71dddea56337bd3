"""Spectra, descriptors and the notebook's means are librosa's, to one part in ten thousand."""

import librosa
import numpy as np
import pytest

from ser_assets.audio.features.descriptors import (
    contrast,
    flatness,
    root_mean_square,
    spectral_shape,
    zero_crossing_rate,
)
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
from ser_assets.baseline.features import MEANS, notebook_means, tuning

RATE = 22050
FRAME_LENGTH = 1024
HOP = 256
CLOSE = {"rtol": 1e-4}


def voice(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """A gliding voice of twenty harmonics, fading, in soft noise."""
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * (180 * time + 40 * time**2)
    harmonics = sum(np.sin(number * phase) / number for number in range(1, 21))
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.1 * harmonics * np.exp(-time) + 0.003 * noise).astype(np.float32)


def noise(seconds: float = 1.0) -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(int(seconds * RATE))).astype(np.float32)


def tone() -> np.ndarray:
    return np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)


@pytest.fixture(params=[voice, noise, tone], ids=lambda signal: signal.__name__)
def samples(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param()


@pytest.fixture
def clip(samples: np.ndarray) -> Spectrum:
    return spectrum(centred_frames(samples, FRAME_LENGTH, HOP), RATE)


def test_magnitudes_are_those_of_librosas_stft(samples, clip):
    expected = np.abs(librosa.stft(samples, n_fft=FRAME_LENGTH, hop_length=HOP)).T
    assert clip.magnitude.dtype == np.float32
    np.testing.assert_allclose(clip.magnitude, expected, rtol=1e-4, atol=1e-6 * expected.max())


def test_mel_power_is_librosas(clip):
    expected = librosa.feature.melspectrogram(S=clip.power.T, sr=RATE, n_mels=64).T
    np.testing.assert_allclose(mel_power(clip), expected, **CLOSE)


def test_mfcc_are_librosas(clip):
    log_mel = decibels(mel_power(clip), dynamic_range=80)
    expected = librosa.feature.mfcc(S=librosa.power_to_db(mel_power(clip).T), n_mfcc=30).T
    np.testing.assert_allclose(cepstrum(log_mel, 30), expected, rtol=1e-4, atol=1e-3)


def test_chroma_is_librosas(clip):
    expected = librosa.feature.chroma_stft(S=clip.power.T, sr=RATE, tuning=0.1).T
    np.testing.assert_allclose(chroma(clip, tuning=0.1), expected, rtol=1e-4, atol=1e-6)


def test_shape_flatness_and_contrast_are_librosas(clip):
    given = {"S": clip.magnitude.T, "sr": RATE}
    centroid, bandwidth, rolloff = spectral_shape(clip)
    np.testing.assert_allclose(centroid, librosa.feature.spectral_centroid(**given)[0], **CLOSE)
    np.testing.assert_allclose(bandwidth, librosa.feature.spectral_bandwidth(**given)[0], **CLOSE)
    np.testing.assert_allclose(rolloff, librosa.feature.spectral_rolloff(**given)[0], **CLOSE)
    np.testing.assert_allclose(flatness(clip), librosa.feature.spectral_flatness(S=given["S"])[0], **CLOSE)
    np.testing.assert_allclose(contrast(clip), librosa.feature.spectral_contrast(**given).T, rtol=1e-4, atol=1e-3)


def test_zero_crossings_and_rms_are_librosas(samples):
    given = {"frame_length": FRAME_LENGTH, "hop_length": HOP}
    expected = librosa.feature.zero_crossing_rate(samples, **given)[0]
    np.testing.assert_allclose(zero_crossing_rate(samples, FRAME_LENGTH, HOP), expected, **CLOSE)
    frames = centred_frames(samples, FRAME_LENGTH, HOP)
    np.testing.assert_allclose(root_mean_square(frames), librosa.feature.rms(y=samples, **given)[0], **CLOSE)


def test_deltas_are_librosas():
    rows = np.random.default_rng(2).standard_normal((40, 5)).astype(np.float32)
    for order, ours in enumerate(deltas(rows), start=1):
        expected = librosa.feature.delta(rows, order=order, axis=0)
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 8])
def test_deltas_of_a_short_clip_are_finite_and_those_of_a_constant_are_nothing(frames):
    slope, curvature = deltas(np.full((frames, 3), 7, np.float32))
    assert slope.shape == curvature.shape == (frames, 3)
    np.testing.assert_allclose([slope, curvature], 0, atol=1e-6)


def librosas_means(samples: np.ndarray, rate: int) -> np.ndarray:
    feature = librosa.feature
    given = {"y": samples, "sr": rate}
    frames = [
        feature.chroma_stft(**given),
        feature.rms(y=samples),
        feature.spectral_centroid(**given),
        feature.spectral_bandwidth(**given),
        feature.spectral_rolloff(**given),
        feature.zero_crossing_rate(samples),
    ]
    return np.array([values.mean() for values in frames] + list(feature.mfcc(**given).mean(axis=1)))


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_the_notebooks_means_are_librosas_defaults(rate):
    for samples in (voice(rate=rate), noise(), voice()[:3000]):
        ours, expected = notebook_means(samples, rate), librosas_means(samples, rate)
        assert ours.shape == (len(MEANS),)
        np.testing.assert_allclose(ours[:6], expected[:6], **CLOSE)
        # a coefficient near 0 is a sum of 128 terms of up to 100 dB that cancel
        np.testing.assert_allclose(ours[6:], expected[6:], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("cents", [-30, 0, 20])
def test_tuning_is_how_far_the_tones_lie_from_concert_pitch(cents):
    seconds = np.arange(RATE) / RATE
    tones = sum(np.sin(2 * np.pi * note * 2 ** (cents / 1200) * seconds) for note in (220, 440, 1760))
    clip = spectrum(centred_frames(tones.astype(np.float32), 2048, 512), RATE)
    assert tuning(clip) == librosa.estimate_tuning(S=clip.power.T, sr=RATE)
    assert abs(tuning(clip) - cents / 100) < 0.1


def test_silence_has_no_tuning_and_no_location():
    silence = spectrum(centred_frames(np.zeros(RATE, np.float32), 2048, 512), RATE)
    assert tuning(silence) == 0
    assert all((values == 0).all() for values in spectral_shape(silence))
    assert (contrast(silence) == 0).all()
    assert (decibels(silence.power) == -100).all()


@pytest.mark.parametrize(
    ("rate", "length"), [(8000, 512), (16000, 1024), (22050, 1024), (32000, 2048), (44100, 2048), (48000, 2048)]
)
def test_a_frame_is_about_46_ms_at_every_rate(rate, length):
    assert frame_length_at(rate) == length
