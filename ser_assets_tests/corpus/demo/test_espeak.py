"""espeak-ng through ctypes: what it says, that it says the same again, and what it says when it cannot."""

from pathlib import Path

import espeakng_loader
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.corpus.demo import espeak

SENTENCE = "Kids are talking by the door"


def test_a_sentence_is_float32_sound_of_a_second_or_two() -> None:
    samples = espeak.speak(SENTENCE)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 1 < len(samples) / espeak.SAMPLING_RATE < 3
    assert 0.1 < np.abs(samples).max() < 1


@pytest.mark.parametrize("voice", ["en-us+f2", "en-us+klatt3", "en+f5"], ids=["flutters", "klatt noise", "breath"])
def test_a_voice_sounds_the_same_whatever_was_spoken_before(voice: str) -> None:
    first = espeak.speak(SENTENCE, voice)
    espeak.speak("Dogs are sitting", "en-gb-scotland+m4", words_per_minute=230, pitch=80)
    np.testing.assert_array_equal(espeak.speak(SENTENCE, voice), first)


@settings(max_examples=10, deadline=None)
@given(rate=st.integers(80, 450), pitch=st.integers(0, 99), pitch_range=st.integers(0, 99), gap=st.integers(0, 20))
def test_every_setting_in_range_gives_finite_sound_within_full_scale(
    rate: int, pitch: int, pitch_range: int, gap: int
) -> None:
    samples = espeak.speak("by the door", "en-us+f1", rate, pitch, pitch_range, gap)
    assert len(samples) > 0
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


def test_faster_is_shorter_and_gaps_are_longer() -> None:
    plain = len(espeak.speak(SENTENCE, words_per_minute=160))
    assert len(espeak.speak(SENTENCE, words_per_minute=240)) < plain
    assert len(espeak.speak(SENTENCE, words_per_minute=160, word_gap=10)) > plain


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(espeak.EspeakError, match="no voice 'xx-yy'"):
        espeak.speak(SENTENCE, "xx-yy")


def test_a_missing_library_is_reported_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "libespeak-ng.so"))
    with pytest.raises(espeak.EspeakError, match=r"cannot load espeak-ng .*reinstall the package espeakng-loader"):
        espeak.speak(SENTENCE)


def test_missing_data_are_reported_with_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_data() -> str:
        raise RuntimeError("data path not exists")

    monkeypatch.setattr(espeakng_loader, "get_data_path", no_data)
    with pytest.raises(espeak.EspeakError, match="reinstall the package espeakng-loader"):
        espeak.speak(SENTENCE)


def test_unreadable_data_are_reported_with_their_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(espeak.EspeakError, match="cannot read its data"):
        espeak.speak(SENTENCE)
    capfd.readouterr()


def test_a_data_path_too_long_for_espeak_is_no_trouble(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = espeak.speak("by the door")
    folder = tmp_path / ("long" * 60)
    folder.symlink_to(espeakng_loader.get_data_path())
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(folder))
    np.testing.assert_array_equal(espeak.speak("by the door"), expected)
