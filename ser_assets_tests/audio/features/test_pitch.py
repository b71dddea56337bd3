"""Fundamental frequency: found where there is a voice, 0 where there is none, whatever the rate and the loudness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.audio.features.pitch import _best_sums, fundamental_frequency

RATE = 22050


def harmonics(f0: float | np.ndarray, seconds: float = 0.6, rate: int = RATE) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(f0, int(seconds * rate))) / rate
    return (0.1 * sum(np.sin(number * phase) / number for number in range(1, 9))).astype(np.float32)


def inner(track: np.ndarray) -> np.ndarray:
    """Frames whose window lies within the clip."""
    return track[4:-4]


@given(f0=st.floats(75, 750), rate=st.sampled_from([16000, 22050, 44100, 48000]), gain=st.floats(1e-4, 5))
@settings(max_examples=40, deadline=None)
def test_a_steady_voice_is_found_within_five_cents(f0, rate, gain):
    hop = 256 if rate < 32000 else 512
    track = inner(fundamental_frequency(gain * harmonics(f0, rate=rate), rate, hop=hop).f0)
    assert np.abs(1200 * np.log2(track / f0)).max() < 5


def test_a_glide_is_followed():
    f0 = np.geomspace(100, 400, RATE)
    track = inner(fundamental_frequency(harmonics(f0, seconds=1), RATE).f0)
    np.testing.assert_allclose(track, f0[::256][4:-4], rtol=0.01)


def test_a_voice_without_its_fundamental_is_still_heard_at_it():
    seconds = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 150 * number * seconds) for number in range(3, 8)).astype(np.float32)
    np.testing.assert_allclose(inner(fundamental_frequency(voice, RATE).f0), 150, rtol=0.003)


def test_the_pause_between_two_words_is_unvoiced():
    word, pause = harmonics(200), np.zeros(RATE // 2, np.float32)
    track = fundamental_frequency(np.concatenate([word, pause, word]), RATE).f0
    frames = len(pause) // 256
    middle = slice(len(word) // 256 + 4, len(word) // 256 + frames - 4)
    assert (track[middle] == 0).all()
    assert np.count_nonzero(track) == pytest.approx(2 * len(word) / 256, abs=8)


@pytest.mark.parametrize("seed", range(3))
def test_white_noise_is_unvoiced(seed):
    noise = np.random.default_rng(seed).standard_normal(RATE).astype(np.float32)
    assert np.mean(fundamental_frequency(noise, RATE).f0 > 0) < 0.05


def test_a_voice_in_noise_repeats_as_strongly_as_its_share_of_the_energy():
    voice = harmonics(200, seconds=1)
    hiss = np.random.default_rng(3).standard_normal(len(voice)).astype(np.float32)
    hiss *= np.sqrt(np.square(voice).mean() / np.square(hiss).mean() / 9)
    pure, mixed = (inner(fundamental_frequency(sound, RATE).strength) for sound in (voice, voice + hiss))
    assert np.median(pure) == pytest.approx(1, abs=0.002)
    assert np.median(mixed) == pytest.approx(0.9, abs=0.01)


def test_only_voiced_frames_have_a_strength():
    word = harmonics(200)
    pitch = fundamental_frequency(np.concatenate([word, np.zeros(RATE // 2, np.float32), word]), RATE)
    np.testing.assert_array_equal(pitch.strength > 0, pitch.f0 > 0)
    assert pitch.strength.max() <= 1


@pytest.mark.parametrize("samples", [1, 100, 1017, 1018, 5000])
def test_silence_of_any_length_is_unvoiced(samples):
    for track in fundamental_frequency(np.zeros(samples, np.float32), RATE):
        assert track.shape == (1 + samples // 256,)
        assert track.dtype == np.float32
        assert (track == 0).all()


def test_one_frame_is_enough():
    assert fundamental_frequency(harmonics(300)[:200], RATE).f0.shape == (1,)


@pytest.mark.parametrize(("floor", "ceiling"), [(0, 500), (-1, 500), (300, 200), (65, 6000)])
def test_a_range_without_a_voice_in_it_is_refused(floor, ceiling):
    with pytest.raises(ValueError, match="no voice to look for"):
        fundamental_frequency(harmonics(200), RATE, floor_hz=floor, ceiling_hz=ceiling)


def test_agrees_with_praat():
    parselmouth = pytest.importorskip("parselmouth")
    voice = harmonics(150 + 60 * np.sin(np.linspace(0, 12, RATE)), seconds=1)
    voice += 0.01 * np.random.default_rng(3).standard_normal(len(voice)).astype(np.float32)
    pitch = parselmouth.Sound(voice.astype(float), RATE).to_pitch_ac(pitch_floor=65, pitch_ceiling=800)
    ours = fundamental_frequency(voice, RATE).f0
    praat = np.interp(np.arange(len(ours)) * 256 / RATE, pitch.xs(), pitch.selected_array["frequency"])
    assert np.median(np.abs(1200 * np.log2(inner(ours) / inner(praat)))) < 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [1e-19, 1e-21, 1e-30, 1e-42])
def test_next_to_nothing_is_no_voice_and_no_trouble(level: float) -> None:
    clip = np.concatenate([harmonics(150, seconds=0.5), np.float32(level) * harmonics(200, seconds=0.5)])
    f0, strength = fundamental_frequency(clip, RATE)
    assert np.isfinite(strength).all()
    assert not f0[len(f0) // 2 + 5 :].any()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 7, 8, 150])
def test_the_best_sums_are_those_of_a_walk_step_by_step(steps):
    rng = np.random.default_rng(steps)
    first, gain = rng.normal(size=4), rng.normal(size=(4, 4, steps))
    walked = [first]
    for step in range(steps):
        walked.append((walked[-1][:, None] + gain[:, :, step]).max(axis=0))
    np.testing.assert_allclose(_best_sums(first, gain), np.transpose(walked))
