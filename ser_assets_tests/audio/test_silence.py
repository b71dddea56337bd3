"""Silence is judged against the clip's own peak."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.audio.silence import is_silent, trim
from ser_assets_tests.media import voice

RATE = 22050


def test_the_ends_are_cut_and_the_middle_stays() -> None:
    clip = np.concatenate([voice(2.0, rate=RATE), voice(2.0, rate=RATE)])
    trimmed = trim(clip, RATE)
    assert 3.0 < len(trimmed.samples) / RATE < 3.4
    assert not trimmed.kept_whole


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
    assert trimmed.kept_whole
    np.testing.assert_array_equal(trimmed.samples, click)


@pytest.mark.parametrize("mode", ["ends", "everywhere"])
def test_digital_silence_stays_as_it_is(mode: str) -> None:
    silence = np.zeros(RATE, np.float32)
    np.testing.assert_array_equal(trim(silence, RATE, mode=mode).samples, silence)  # type: ignore[arg-type]


def test_a_steady_offset_is_silence_and_a_whisper_is_not() -> None:
    assert is_silent(np.full((2, RATE), 0.25, np.float32), RATE)
    assert is_silent(np.zeros((1, 0), np.float32), RATE)
    assert not is_silent(0.01 * voice(rate=RATE)[None, :], RATE)
