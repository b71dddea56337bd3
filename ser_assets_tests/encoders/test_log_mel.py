"""Whisper's front end, compared with the published formula on librosa."""

import librosa
import numpy as np
import pytest

from ser_assets.encoders.log_mel import log_mel
from ser_assets_tests.factories.signals import spoken


def by_librosa(samples: np.ndarray, bands: int) -> np.ndarray:
    """`whisper.audio.log_mel_spectrogram` with librosa in place of torch."""
    power = np.abs(librosa.stft(samples, n_fft=400, hop_length=160, window="hann", pad_mode="reflect")) ** 2
    mel = librosa.filters.mel(sr=16000, n_fft=400, n_mels=bands) @ power[:, :-1]
    levels = np.log10(np.maximum(mel, 1e-10))
    return (np.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("samples", [16000, 31 * 160, 24000])
def test_it_is_the_published_formula(samples: int, bands: int) -> None:
    speech = spoken(2.0)[:samples]
    assert np.allclose(log_mel(speech, bands), by_librosa(speech, bands), atol=1e-4)


def test_louder_speech_gives_the_same_but_for_an_offset() -> None:
    speech = spoken(1.0)
    assert np.allclose(log_mel(2 * speech) - log_mel(speech), 2 * np.log10(2) / 4, atol=1e-4)


def test_silence_is_finite() -> None:
    assert np.isfinite(log_mel(np.zeros(16000, np.float32))).all()
