"""Gaps in the timestamps become silence; jitter and timestamps that are wrong do not."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.audio.decoding.timeline import Frame, gaps_before, joined
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import encode, remux, voice

if TYPE_CHECKING:
    from av import Packet

FRAME = 960
RATE = 48000


def gaps(starts: np.ndarray) -> np.ndarray:
    return gaps_before(starts, np.full(len(starts), FRAME), RATE)


def regular(frames: int) -> np.ndarray:
    return np.arange(frames) * FRAME / RATE


def test_a_pause_is_as_long_as_the_timestamps_say() -> None:
    starts = regular(50)
    starts[20:] += 0.5
    starts[40:] += FRAME / RATE
    found = gaps(starts)
    assert found[20] == RATE // 2
    assert found[40] == FRAME
    assert np.count_nonzero(found) == 2


def test_no_silence_precedes_a_track_that_starts_late() -> None:
    assert not gaps(regular(50) + 1.2).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_jitter_is_no_gap(seed: int) -> None:
    jitter = np.random.default_rng(seed).uniform(-0.015, 0.015, 200)
    assert not gaps(regular(200) + jitter).any()


def test_a_frame_that_is_late_alone_is_no_gap() -> None:
    starts = regular(50)
    starts[20:23] += [0.3, 0.2, 0.1]
    assert not gaps(starts).any()


@pytest.mark.parametrize("factor", [0.5, 1.05, 2.0, 48.0])
def test_timestamps_in_a_wrong_unit_leave_the_sound_as_it_is(factor: float) -> None:
    assert not gaps(regular(50) * factor).any()


def test_timestamps_that_jump_back_insert_nothing() -> None:
    starts = regular(50)
    starts[25:] -= starts[25]
    assert not gaps(starts).any()


def test_frames_without_timestamps_are_passed_over() -> None:
    starts = regular(50)
    starts[30:] += 0.5
    starts[[0, 10, 30, 49]] = np.nan
    found = gaps(starts)
    assert found.sum() == RATE // 2
    assert found[31] == RATE // 2
    assert not gaps(np.full(50, np.nan)).any()


@pytest.mark.parametrize(("dtype", "silence"), [(np.uint8, 128), (np.int16, 0), (np.float32, 0)])
def test_silence_is_the_middle_of_the_sample_format(dtype: type, silence: int) -> None:
    frames = [Frame(np.full((2, FRAME), 7, dtype), RATE, start) for start in (0.0, 0.02, 0.1, 0.12, 0.14)]
    sound = joined(frames)
    assert sound.dtype == dtype
    assert sound.shape == (2, int(0.16 * RATE))
    assert (sound[:, 2 * FRAME : 5 * FRAME] == silence).all()
    assert (sound[:, 5 * FRAME :] == 7).all()


def test_a_pause_longer_than_any_utterance_is_refused_before_memory_is_taken() -> None:
    frames = [Frame(np.zeros((1, FRAME), np.float32), RATE, start) for start in (0.0, 0.02, 0.04, 1e9)]
    with pytest.raises(DecodeError, match="pauses in timestamps") as refused:
        joined(frames)
    assert refused.value.problem == Problem.TOO_LONG


def test_sound_that_changes_its_rate_midway_is_refused() -> None:
    half = np.zeros((1, 10), np.float32)
    with pytest.raises(DecodeError, match="changes its sampling rate"):
        joined([Frame(half, 44100, 0.0), Frame(half, 48000, 0.1)])


def without(first: float, last: float) -> "Callable[[int, Packet], object]":
    return lambda _, packet: not first <= float(packet.pts * packet.time_base) < last


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.webm", "libopus"), ("a.mkv", "flac"), ("a.m4a", "aac"), ("a.mka", "libmp3lame"), ("pcm.mkv", "pcm_s16le")],
)
def test_packets_that_were_left_out_are_silence_and_the_voice_stays_in_its_place(
    tmp_path: Path, name: str, codec: str
) -> None:
    whole = encode(tmp_path / name, voice(3.0), "-c:a", codec)
    paused = remux(whole, tmp_path / f"paused_{name}", without(1.0, 2.0))
    before, after = decode(whole), decode(paused)
    assert abs(after.seconds - before.seconds) < 0.03
    middle = after.samples[0, int(1.2 * RATE) : int(1.8 * RATE)]
    assert not middle.any()
    # Matroska counts in milliseconds.
    last_before, last_after = (np.flatnonzero(np.abs(each.samples[0]) > 0.1)[-1] for each in (before, after))
    assert abs(last_before - last_after) <= 0.002 * RATE


def test_a_late_track_gives_the_samples_of_one_that_starts_at_once(tmp_path: Path) -> None:
    def later(_: int, packet: "Packet") -> None:
        packet.pts += int(1.2 / packet.time_base)
        packet.dts = packet.pts

    whole = encode(tmp_path / "a.webm", voice(2.0), "-c:a", "libvorbis")
    late = remux(whole, tmp_path / "late.webm", later)
    np.testing.assert_array_equal(decode(late).samples, decode(whole).samples)


def test_an_hour_between_two_packets_is_too_long(tmp_path: Path) -> None:
    def later(number: int, packet: "Packet") -> None:
        packet.pts += int(3600 * (number > 50) / packet.time_base)
        packet.dts = packet.pts

    whole = encode(tmp_path / "a.webm", voice(2.0), "-c:a", "libopus")
    with pytest.raises(DecodeError, match="longer than 120 s") as refused:
        decode(remux(whole, tmp_path / "late.webm", later))
    assert refused.value.problem == Problem.TOO_LONG


def test_timestamps_that_tremble_change_no_sample(tmp_path: Path) -> None:
    random = np.random.default_rng(0)

    def tremble(_: int, packet: "Packet") -> None:
        packet.pts = packet.dts = max(0, packet.pts + int(random.integers(-9, 10)))

    whole = encode(tmp_path / "a.webm", voice(2.0), "-c:a", "libopus")
    trembling = remux(whole, tmp_path / "b.webm", tremble)
    np.testing.assert_array_equal(decode(trembling).samples, decode(whole).samples)
