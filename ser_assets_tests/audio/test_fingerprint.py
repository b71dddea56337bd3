"""The same sound in another coding has nearly the same fingerprint, and another sound has another."""

from pathlib import Path

import numpy as np
import pytest

from ser_assets.audio.decoding.channels import channel_likeness
from ser_assets.audio.decoding.decode import decode
from ser_assets.audio.decoding.dropouts import abrupt_silence
from ser_assets.audio.decoding.mono import resample, to_mono
from ser_assets.audio.fingerprint import alike, fingerprint
from ser_assets_tests.factories.media import encode, voice
from ser_assets_tests.factories.signals import spoken

RATE = 16000


def print_of(path: Path) -> str:
    recording = decode(path)
    return fingerprint(to_mono(recording.samples), recording.sampling_rate)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", "-c:a libmp3lame -b:a 128k"),
        ("a.m4a", "-c:a aac"),
        ("a.ogg", "-c:a libvorbis"),
        ("a.opus", "-c:a libopus -b:a 64k"),
        ("a.wav", "-ar 8000"),
        ("b.wav", "-ar 44100"),
        ("c.wav", "-af volume=-6dB"),
        ("d.wav", "-af volume=-20dB -c:a pcm_s24le"),
        ("e.wav", "-ss 0.02"),
        ("f.wav", "-ss 0.07"),
        ("g.wav", "-c:a pcm_alaw"),
        ("h.flac", "-ac 2"),
    ],
)
def test_another_coding_rate_level_or_start_is_the_same_sound(tmp_path: Path, name: str, options: str) -> None:
    sound = spoken(2.0, seed=1)
    copy = print_of(encode(tmp_path / name, sound, *options.split(), rate=RATE))
    assert alike([fingerprint(sound, RATE), copy], [2.0, 2.0]) == [(0, 1)]


def test_other_sounds_are_not_alike() -> None:
    sounds = [spoken(2.0, seed=seed) for seed in range(40)]
    assert alike([fingerprint(sound, RATE) for sound in sounds], [2.0] * 40) == []


def test_every_pair_is_named_once_by_its_positions() -> None:
    prints = [fingerprint(spoken(2.0, seed=seed), RATE) for seed in (3, 1, 2, 1, 3, 3)]
    lengths = [2.0, 2.04, 2.01, 1.98, 2.02, 2.0]
    assert alike(prints, lengths) == [(0, 4), (0, 5), (1, 3), (4, 5)]


def test_sounds_of_other_lengths_are_not_compared() -> None:
    own = fingerprint(spoken(2.0, seed=1), RATE)
    assert alike([own, own], [2.0, 2.3]) == []


@pytest.mark.parametrize("sound", [np.zeros(RATE, np.float32), np.ones(100, np.float32), spoken(2.0)[:4000]])
def test_silence_and_what_is_too_short_is_like_nothing(sound: np.ndarray) -> None:
    own = fingerprint(sound, RATE)
    assert alike([own, own], [len(sound) / RATE] * 2) == []


@pytest.mark.parametrize("hertz", [100, 150, 230])
def test_tones_that_repeat_themselves_are_not_compared(hertz: float) -> None:
    assert fingerprint(voice(2.0, hertz, RATE), RATE) == ""


def test_nothing_is_like_nothing() -> None:
    assert alike([], []) == []


def two(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.stack([left, right]).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_two_voices_on_two_channels_have_nothing_in_common(rate: int) -> None:
    left, right = (resample(spoken(2.0, seed=seed), RATE, rate) for seed in (1, 2))
    assert (channel_likeness(two(left, right), rate) or 1) < 0.3
    assert (channel_likeness(two(left, 0.2 * right + 0.05 * left), rate) or 1) < 0.3


@pytest.mark.parametrize("delay", [0, 40, 250])
@pytest.mark.parametrize("level", [1.0, 0.3, -0.6])
def test_one_voice_before_two_microphones_has_much_in_common(delay: int, level: float) -> None:
    voice = spoken(2.0, seed=1)
    noise = 0.05 * np.random.default_rng(0).standard_normal((2, len(voice))) * np.abs(voice).mean()
    channels = two(voice, level * np.roll(voice, delay)) + noise
    assert (channel_likeness(channels, RATE) or 0) > 0.8


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_one_channel_with_sound_says_nothing_of_likeness(channels: int) -> None:
    samples = np.zeros((channels, RATE), np.float32)
    samples[0] = spoken(1.0)
    assert channel_likeness(samples, RATE) is None


def test_of_six_channels_the_two_loudest_count() -> None:
    samples = np.zeros((6, RATE), np.float32)
    samples[[1, 4]] = spoken(1.0, seed=1), spoken(1.0, seed=2)
    assert (channel_likeness(samples, RATE) or 1) < 0.3


def steady(seconds: float) -> np.ndarray:
    """A tone that never pauses, as 16 bit integers make it."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.round(32767 * 0.3 * np.sin(2 * np.pi * 150 * time + 1)).astype(np.float32)[None] / 32768


@pytest.mark.parametrize(("first", "last"), [(0.0, 0.3), (0.4, 0.6), (0.7, 1.0), (0.2, 0.27)])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_zeros_of_a_download_are_found_wherever_they_are(first: float, last: float, value: float) -> None:
    """Bytes of zero are -1 in unsigned samples of 8 bits."""
    samples = steady(1.0)
    samples[:, int(first * RATE) : int(last * RATE)] = value
    assert abrupt_silence(samples, RATE) == pytest.approx(last - first, abs=0.002)


def test_a_pause_in_one_of_two_channels_is_no_hole() -> None:
    samples = np.vstack([steady(1.0), steady(1.0)])
    samples[1, 4000:8000] = 0
    assert abrupt_silence(samples, RATE) == 0
    samples[0, 4000:8000] = 0
    assert abrupt_silence(samples, RATE) == pytest.approx(0.25, abs=0.002)


@pytest.mark.parametrize("fade", [0.005, 0.02, 0.1])
@pytest.mark.parametrize("end", ["both", "head", "tail"])
def test_silence_behind_a_fade_is_no_hole(fade: float, end: str) -> None:
    samples = steady(1.0)
    ramp = np.linspace(0, 1, int(fade * RATE), dtype=np.float32)
    if end != "tail":
        samples[:, :4000] = 0
        samples[:, 4000 : 4000 + len(ramp)] *= ramp
    if end != "head":
        samples[:, -4000:] = 0
        samples[:, -4000 - len(ramp) : -4000] *= ramp[::-1]
    assert abrupt_silence(samples, RATE) == 0


def test_a_gate_that_closes_below_the_voice_makes_no_hole() -> None:
    samples = steady(1.0)
    samples[:, 6000:12000] *= 0.03
    samples[:, 8000:10000] = 0
    assert abrupt_silence(samples, RATE) == 0


@pytest.mark.parametrize("samples", [np.zeros((1, RATE)), np.zeros((2, 1)), np.zeros((1, 0)), np.ones((1, RATE))])
def test_what_never_changes_has_no_hole(samples: np.ndarray) -> None:
    assert abrupt_silence(samples.astype(np.float32), RATE) == 0


def test_a_click_of_zeros_is_too_short_to_count() -> None:
    samples = steady(1.0)
    samples[:, 4000:4700] = 0
    assert abrupt_silence(samples, RATE) == 0
