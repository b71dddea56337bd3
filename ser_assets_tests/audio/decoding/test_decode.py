"""Any container to one float32 channel."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.audio.decoding.mono import load_mono, resample, to_mono
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import RATE, voice, write_mp4, write_wav


def test_a_16_bit_wav_comes_back_sample_by_sample(tmp_path: Path) -> None:
    samples = np.round(voice() * 32767) / 32768
    recording = decode(write_wav(tmp_path / "a.wav", voice()))
    np.testing.assert_allclose(recording.samples[0], samples, atol=1e-7)
    assert recording.samples.dtype == np.float32
    assert (recording.sampling_rate, recording.seconds) == (RATE, 1.0)


def test_the_sound_of_an_mp4_is_that_which_went_in(tmp_path: Path) -> None:
    recording = decode(write_mp4(tmp_path / "a.mp4", voice()))
    assert (recording.codec, recording.channels) == ("aac", 2)
    heard = to_mono(recording.samples)[: len(voice())]
    assert np.corrcoef(heard, voice()[: len(heard)])[0, 1] > 0.99


def test_equal_channels_mix_to_themselves() -> None:
    np.testing.assert_allclose(to_mono(np.stack([voice(), voice()])), voice(), atol=1e-7)


def test_channels_in_opposite_phase_do_not_cancel() -> None:
    mixed = to_mono(np.stack([voice(), -0.9 * voice()]))
    np.testing.assert_array_equal(mixed, voice())


@pytest.mark.parametrize("level", [-0.99, -0.9, -0.8, -0.6, -0.3])
@pytest.mark.parametrize("louder", [0, 1])
def test_channels_that_cancel_in_part_give_the_louder_one(level: float, louder: int) -> None:
    channels = np.stack([voice(), level * voice()][:: 1 - 2 * louder])
    np.testing.assert_array_equal(to_mono(channels), voice())


@pytest.mark.parametrize(
    "levels", [(1, 0), (0, 1), (1, 0.5), (1, 1), (0.2, 1), (1, 0, 0), (0, 0, 1, 0, 0, 0), (0.5, 0.5, 1, 0, 0.2, 0.2)]
)
def test_mute_and_weaker_channels_leave_the_mean(levels: tuple[float, ...]) -> None:
    channels = np.stack([level * voice() for level in levels]).astype(np.float32)
    np.testing.assert_array_equal(to_mono(channels), channels.mean(axis=0, dtype=np.float32))


def test_two_sounds_that_have_nothing_in_common_leave_the_mean() -> None:
    channels = np.stack([voice(hertz=110), voice(hertz=230)])
    np.testing.assert_array_equal(to_mono(channels), channels.mean(axis=0, dtype=np.float32))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
def test_a_recording_of_any_rate_comes_out_at_the_rate_asked_for(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "a.wav", voice(rate=rate), rate)
    samples = load_mono(path, 16000)
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16000) <= 1


def test_resampling_keeps_a_tone_where_it_was() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(resample(tone, 48000, 22050)))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize("content", [b"", b"not a recording", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(DecodeError):
        decode(path)


@pytest.mark.parametrize(
    ("content", "reason", "problem"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:c6f9\nsize 72862\n",
            "git-lfs pointer",
            Problem.POINTER,
        ),
        (b"version https://git-lfs.github.com/spec/v1\r\next-0-a sha256:c6\r\n", "git-lfs pointer", Problem.POINTER),
        (b"version https://hawser.github.com/spec/v1\noid sha256:c6f9\n", "git-lfs pointer", Problem.POINTER),
        (b"/annex/objects/SHA256E-s72862--c6f94b.wav\n", "git-annex pointer", Problem.POINTER),
        (b"\n<!DOCTYPE html><title>404</title>", "is a web page", Problem.DAMAGED),
        (b"\xef\xbb\xbf<HTML lang=en>", "is a web page", Problem.DAMAGED),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "page of XML", Problem.DAMAGED),
    ],
)
@pytest.mark.parametrize("ending", ["wav", "mp4"])
def test_what_stands_in_the_place_of_a_recording_is_refused_by_its_name(
    tmp_path: Path, content: bytes, reason: str, problem: Problem, ending: str
) -> None:
    (tmp_path / f"a.{ending}").write_bytes(content)
    with pytest.raises(DecodeError, match=reason) as refused:
        decode(tmp_path / f"a.{ending}")
    assert refused.value.problem == problem


def test_the_remedy_of_a_pointer_is_to_pull() -> None:
    assert "git lfs pull" in Problem.POINTER.remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="No such file"):
        decode(tmp_path / "a.wav")


def test_samples_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    samples = voice()
    samples[100] = np.nan
    with pytest.raises(DecodeError, match="not finite"):
        decode(write_wav(tmp_path / "a.wav", samples, subtype="FLOAT"))


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="no audio stream"):
        decode(write_mp4(tmp_path / "a.mp4", None))


def test_the_mp4_and_the_flac_of_a_real_take_sound_alike(ravdess: Path) -> None:
    video = load_mono(ravdess / "clips_av/01-01-01-01-01-01-01.mp4", 16000)
    audio = load_mono(ravdess / "Actor_01/03-01-01-01-01-01-01.flac", 16000)
    size = min(len(video), len(audio))
    likeness = np.fft.irfft(np.fft.rfft(video[:size]) * np.conj(np.fft.rfft(audio[:size])))
    assert likeness.max() / (np.linalg.norm(video[:size]) * np.linalg.norm(audio[:size])) > 0.9


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_samples_of_every_format_come_back_at_full_scale_one(tmp_path: Path, subtype: str, channels: int) -> None:
    sound = np.stack([(0.9 - 0.1 * number) * voice(0.1) for number in range(channels)])
    path = write_wav(tmp_path / "sound.wav", sound, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float64", always_2d=True)
    samples = decode(path).samples
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples, expected.T, atol=1e-7)


def test_samples_in_a_format_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 1, 8000, 64000, 8, 64, b"data", 800)
    (tmp_path / "a.wav").write_bytes(header + bytes(800))
    with pytest.raises(DecodeError, match="cannot be decoded"):
        decode(tmp_path / "a.wav")


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize(
    ("first", "before", "after"),
    [
        (chunk(b"JUNK", bytes(28)), b"", b""),
        (b"", chunk(b"LIST", b"\1\2\3\4" * 98291), b""),
        (b"", b"", chunk(b"LIST", b"INFO" + b"\x7f" * 4000)),
        (chunk(b"JUNK", bytes(92)), chunk(b"bext", b"x" * 602), chunk(b"id3 ", b"y" * 333)),
    ],
    ids=["junk first (Audition)", "a long list before (Zoom R24)", "a list after (Sound Forge)", "all of them"],
)
def test_other_chunks_of_a_wav_are_neither_sound_nor_missing(
    tmp_path: Path, first: bytes, before: bytes, after: bytes, odd: bool
) -> None:
    samples = np.round(127 * voice(0.5, rate=8000)).astype(np.int8)[: 3999 if odd else 4000]
    header = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8))
    sound = chunk(b"data", (samples.astype(np.int16) + 128).astype(np.uint8).tobytes())
    content = b"WAVE" + first + header + before + sound + after
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)
    decoded = decode(path).samples[0]
    np.testing.assert_array_equal(decoded[: len(samples)], samples.astype(np.float32) / 128)
    assert len(decoded) == len(samples)
