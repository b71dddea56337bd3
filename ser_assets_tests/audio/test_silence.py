"""Silence is measured against the clip itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.audio.decoding.mono import load_mono
from ser_assets.audio.silence import is_silent, trim
from ser_assets_tests.factories.media import voice

RATE = 22050


def test_the_ends_are_cut_and_the_middle_stays() -> None:
    clip = np.concatenate([voice(2.0, rate=RATE), voice(2.0, rate=RATE)])
    trimmed = trim(clip, RATE)
    assert 3.0 < len(trimmed.samples) / RATE < 3.4
    assert not trimmed.trim_skipped


def test_everywhere_cuts_the_pause_in_the_middle_too() -> None:
    clip = np.concatenate([voice(2.0, rate=RATE), voice(2.0, rate=RATE)])
    assert 2.2 < len(trim(clip, RATE, mode="everywhere").samples) / RATE < 2.7


@settings(deadline=None, max_examples=20)
@given(st.floats(1e-4, 1.0))
def test_a_quiet_clip_is_cut_where_a_loud_one_is(level: float) -> None:
    loud = voice(1.5, rate=RATE)
    assert len(trim(np.float32(level) * loud, RATE).samples) == len(trim(loud, RATE).samples)


def test_a_clip_that_would_become_too_short_is_kept_whole_and_marked() -> None:
    click = np.zeros(RATE, np.float32)
    click[5000:5100] = 0.5
    trimmed = trim(click, RATE, minimum_seconds=0.3)
    assert trimmed.trim_skipped
    np.testing.assert_array_equal(trimmed.samples, click)


@pytest.mark.parametrize("mode", ["ends", "everywhere"])
def test_digital_silence_stays_as_it_is(mode: str) -> None:
    silence = np.zeros(RATE, np.float32)
    np.testing.assert_array_equal(trim(silence, RATE, mode=mode).samples, silence)  # type: ignore[arg-type]


def test_a_steady_offset_is_silence_and_a_whisper_is_not() -> None:
    assert is_silent(np.full((2, RATE), 0.25, np.float32), RATE)
    assert is_silent(np.zeros((1, 0), np.float32), RATE)
    assert not is_silent(0.01 * voice(rate=RATE)[None, :], RATE)


@pytest.mark.parametrize("rate", [8000, 22050, 96000])
def test_clicks_are_silence_and_the_shortest_utterance_is_not(rate: int) -> None:
    clicks = np.zeros((2, rate), np.float32)
    clicks[:, [rate // 4, rate // 2]] = 0.9
    assert is_silent(clicks, rate)
    assert not is_silent(voice(0.1, rate=rate, level=0.01)[None, :], rate)


def speech(seconds: float = 2.5, level: float = 0.3, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Sing syllables, four in a second, each of another loudness, with the noise of breath in between."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    syllables = random.uniform(0.3, 1.0, int(seconds * 4) + 1)[(time * 4).astype(int)] * np.sin(np.pi * 4 * time) ** 2
    tone = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 12))
    return (level * (syllables * tone / 2 + 0.01 * random.standard_normal(len(time)))).astype(np.float32)


def quiet(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.zeros(int(seconds * rate), np.float32)


def beep(seconds: float = 0.4, rate: int = RATE) -> np.ndarray:
    return (0.9 * np.sin(2 * np.pi * 1000 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def slam(rate: int = RATE) -> np.ndarray:
    burst = np.random.default_rng(0).standard_normal(int(0.4 * rate)).clip(-1, 1)
    return (0.9 * burst * np.exp(-np.arange(len(burst)) / (0.05 * rate))).astype(np.float32)


def clicked(samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    """A click in the middle."""
    sound = samples.copy()
    middle = len(sound) // 2
    sound[middle : middle + rate // 250] += 0.9
    return sound


EVENTS = {
    "beep before": lambda sound, rate: np.concatenate([beep(rate=rate), quiet(0.2, rate), sound]),
    "beep after": lambda sound, rate: np.concatenate([sound, quiet(0.2, rate), beep(rate=rate)]),
    "long beep before": lambda sound, rate: np.concatenate([beep(1.2, rate), quiet(0.2, rate), sound]),
    "two beeps": lambda sound, rate: np.concatenate(
        [beep(rate=rate), quiet(0.2, rate), beep(rate=rate), quiet(0.3, rate), sound]
    ),
    "beeps around": lambda sound, rate: np.concatenate([beep(0.3, rate), sound, beep(0.3, rate)]),
    "click within": clicked,
    "door before": lambda sound, rate: np.concatenate([slam(rate), quiet(0.3, rate), sound]),
    "door after": lambda sound, rate: np.concatenate([sound, quiet(0.3, rate), slam(rate)]),
}


@pytest.mark.parametrize("rate", [16000, 22050])
@pytest.mark.parametrize("under_db", [25, 35, 45])
@pytest.mark.parametrize("event", EVENTS)
def test_a_short_loud_event_leaves_the_voice_as_long_as_it_is(event: str, under_db: int, rate: int) -> None:
    voiced = speech(level=0.9 * 10 ** (-under_db / 20), rate=rate)
    sound = EVENTS[event](voiced, rate)
    sound = sound + 1e-5 * np.random.default_rng(1).standard_normal(len(sound)).astype(np.float32)
    trimmed = trim(sound, rate)
    assert trimmed.loud_event
    assert not trimmed.trim_skipped
    # At both ends a syllable begins or dies away.
    assert len(trimmed.samples) > len(voiced) - 0.3 * rate
    everywhere = trim(sound, rate, mode="everywhere")
    assert everywhere.loud_event
    assert len(everywhere.samples) > 0.75 * len(voiced)


def test_silence_beside_a_loud_event_is_still_cut() -> None:
    sound = np.concatenate([quiet(1.0), beep(), quiet(0.2), speech(level=0.01), quiet(2.0)])
    trimmed = trim(sound, RATE)
    assert trimmed.loud_event
    assert 2.9 < len(trimmed.samples) / RATE < 3.3


NO_EVENTS = {
    "a shout among silence": np.concatenate([quiet(1.0), speech(0.5, 0.9), quiet(1.5)]),
    "a shout in a humming room": np.concatenate([quiet(1.0), speech(0.5, 0.9), quiet(1.5)])
    + 0.003 * np.sin(2 * np.pi * 50 * np.arange(3 * RATE) / RATE),
    "a shout in the noise of a room": np.concatenate([quiet(1.0), speech(0.5, 0.9), quiet(1.5)])
    + 0.003 * np.random.default_rng(2).standard_normal(3 * RATE),
    "a beep alone": np.concatenate([quiet(1.0), beep(), quiet(1.5)]),
    "loud speech after quiet speech": np.concatenate([speech(2.0, 0.01), quiet(0.2), speech(2.0, 0.9)]),
    "a steady vowel": voice(3.0, rate=RATE),
}


@pytest.mark.parametrize("mode", ["ends", "everywhere"])
@pytest.mark.parametrize("name", NO_EVENTS)
def test_all_else_is_cut_where_librosa_cuts(name: str, mode: str) -> None:
    from librosa.effects import split

    sound = NO_EVENTS[name].astype(np.float32)
    trimmed = trim(sound, RATE, mode=mode)  # type: ignore[arg-type]
    assert not trimmed.loud_event
    parts = split(sound, top_db=30)
    if mode == "ends":
        parts = [(parts[0][0], parts[-1][1])]
    np.testing.assert_array_equal(trimmed.samples, np.concatenate([sound[start:stop] for start, stop in parts]))


@pytest.mark.parametrize("gain_db", [-60, -12, 12])
def test_an_event_is_found_at_any_gain(gain_db: int) -> None:
    sound = np.concatenate([beep(), quiet(0.2), speech(level=0.02)])
    louder = trim(np.float32(10 ** (gain_db / 20)) * sound, RATE)
    assert louder.loud_event
    assert len(louder.samples) == len(trim(sound, RATE).samples)


def test_no_real_take_has_a_loud_event(ravdess: Path) -> None:
    for path in sorted(ravdess.glob("Actor_*/*.flac"))[::40]:
        assert not trim(load_mono(path, RATE), RATE).loud_event
