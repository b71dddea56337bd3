"""A recording is cut short where its container promised more, and only there."""

from pathlib import Path

import numpy as np
import pytest

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import cut, encode, voice, without_last_mark, write_mp4, write_wav

COMFORT_NOISE = ("-c:a", "libopencore_amrnb", "-dtx", "1")
FRONT = "-movflags +faststart"
FRAGMENTS = "-movflags frag_keyframe+empty_moov -frag_duration 500000"
# Name, sampling rate, options of ffmpeg.
PROMISE = [
    ("a.wav", 48000, ""),
    ("rf64.wav", 48000, "-rf64 always"),
    ("adpcm.wav", 44100, "-c:a adpcm_ima_wav"),
    ("a.w64", 48000, ""),
    ("a.aiff", 48000, ""),
    ("a.au", 48000, ""),
    ("a.caf", 48000, ""),
    ("a.flac", 48000, ""),
    ("a.wv", 48000, ""),
    ("a.tta", 48000, ""),
    ("a.mp4", 48000, FRONT),
    ("lossless.m4a", 48000, f"-c:a alac {FRONT}"),
    ("a.m4a", 48000, ""),
    ("fragments.mp4", 48000, FRAGMENTS),
    ("a.mkv", 48000, "-c:a flac"),
    ("a.webm", 48000, "-c:a libopus"),
    ("vorbis.webm", 48000, "-c:a libvorbis"),
    ("a.ogg", 48000, "-c:a libvorbis"),
    ("a.opus", 48000, "-c:a libopus"),
    ("a.oga", 48000, "-c:a flac"),
    ("a.mp3", 44100, ""),
    ("vbr.mp3", 44100, "-q:a 2"),
    ("a.avi", 44100, "-c:a libmp3lame"),
    ("pcm.avi", 44100, "-c:a pcm_s16le"),
    ("a.wma", 44100, ""),
]
GUESS = [
    ("without_xing.mp3", 44100, "-q:a 0 -write_xing 0"),
    ("a.aac", 44100, ""),
    ("a.amr", 8000, "-c:a libopencore_amrnb"),
    ("a.ac3", 48000, ""),
    ("a.ts", 44100, "-c:a aac"),
    ("a.mpg", 44100, "-c:a mp2"),
    ("a.mp2", 44100, ""),
    ("a.3gp", 8000, "-c:a libopencore_amrnb"),
    ("mp3.mka", 44100, "-c:a libmp3lame"),
    ("a.flv", 44100, "-c:a aac"),
]


@pytest.mark.parametrize("seconds", [0.5, 3.0])
@pytest.mark.parametrize(("name", "rate", "options"), PROMISE + GUESS)
def test_a_whole_file_is_not_cut_short(tmp_path: Path, name: str, rate: int, options: str, seconds: float) -> None:
    recording = decode(encode(tmp_path / name, voice(seconds, rate=rate), *options.split(), rate=rate))
    # Frames of a codec, and what it needs to start, add or take away a little.
    assert abs(recording.seconds - seconds) < 0.08


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize(("name", "rate", "options"), PROMISE)
def test_a_file_whose_end_is_missing_is_found(tmp_path: Path, name: str, rate: int, options: str, share: float) -> None:
    path = cut(encode(tmp_path / name, voice(3.0, rate=rate), *options.split(), rate=rate), share)
    with pytest.raises(DecodeError) as refused:
        decode(path)
    assert refused.value.problem in {Problem.CUT_SHORT, Problem.DAMAGED}


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_flac_that_ends_with_a_whole_frame_is_still_cut_short(tmp_path: Path, kept: int) -> None:
    path = encode(tmp_path / "a.flac", voice(3.0))
    content = path.read_bytes()
    frames = [at for at in range(len(content) - 1) if content[at : at + 2] == b"\xff\xf8"]
    path.write_bytes(content[: frames[-1 - kept]])
    with pytest.raises(DecodeError, match="cut short") as refused:
        decode(path)
    assert refused.value.problem == Problem.CUT_SHORT


def test_a_film_whose_picture_outlasts_the_sound_is_whole(tmp_path: Path) -> None:
    assert abs(decode(write_mp4(tmp_path / "a.mp4", voice(0.3))).seconds - 0.3) < 0.05


def test_an_ogg_file_without_its_last_mark_is_whole(tmp_path: Path) -> None:
    """Telegram on Android writes no end of stream."""
    path = encode(tmp_path / "a.opus", voice(2.0), "-c:a", "libopus")
    assert abs(decode(without_last_mark(path)).seconds - 2.0) < 0.05


@pytest.mark.parametrize("filling", [b"\0", b"\xa5"])
@pytest.mark.parametrize("at", [0.3, 0.4, 0.6])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.opus", "libopus"), ("a.ogg", "libvorbis"), ("a.oga", "flac"), ("a.webm", "libopus"), ("a.mka", "libvorbis")],
)
def test_damage_in_the_middle_is_found(tmp_path: Path, name: str, codec: str, at: float, filling: bytes) -> None:
    path = encode(tmp_path / name, voice(4.0), "-c:a", codec)
    content = bytearray(path.read_bytes())
    first, length = int(at * len(content)), int(0.15 * len(content))
    content[first : first + length] = filling * length
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"damaged|can be decoded|cannot be decoded"):
        decode(path)


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("name", "codec"), [("a.opus", "libopus"), ("a.ogg", "libvorbis"), ("a.oga", "flac")])
def test_one_flipped_bit_in_an_ogg_file_is_found(tmp_path: Path, name: str, codec: str, at: float) -> None:
    path = encode(tmp_path / name, voice(2.0), "-c:a", codec)
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(DecodeError):
        decode(path)


@pytest.mark.parametrize(("name", "codec"), [("a.opus", "libopus"), ("a.mp4", "aac"), ("a.mkv", "flac")])
def test_what_follows_a_whole_recording_does_not_make_it_short(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, voice(2.0), "-c:a", codec)
    path.write_bytes(path.read_bytes() + b"what some tool has added")
    assert abs(decode(path).seconds - 2.0) < 0.05


@pytest.mark.parametrize("declared", [0, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_promises_nothing(tmp_path: Path, declared: int) -> None:
    path = write_wav(tmp_path / "a.wav", voice(1.0))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = declared.to_bytes(4, "little")
    path.write_bytes(content)
    assert decode(path).seconds == 1.0


def test_a_webm_from_a_browser_promises_nothing(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.webm", voice(2.0), "-c:a", "libopus", "-live", "1")
    assert abs(decode(path).seconds - 2.0) < 0.05


@pytest.mark.parametrize("name", ["a.amr", "a.3gp"])
def test_comfort_noise_of_a_phone_is_decoded(tmp_path: Path, name: str) -> None:
    speech = np.concatenate([voice(1.0, rate=8000), np.zeros(16000, np.float32), voice(1.0, rate=8000)])
    path = encode(tmp_path / name, speech, *COMFORT_NOISE, rate=8000)
    recording = decode(path)
    assert abs(recording.seconds - 4.0) < 0.05
    assert np.abs(recording.samples[0, 12000:20000]).max() < 0.05 < np.abs(recording.samples[0, 26000:30000]).max()


def test_frames_without_data_are_decoded(tmp_path: Path) -> None:
    """What a phone sends in pauses: a description of the noise, then frames of one byte."""
    wide_speech, wide_noise, nothing = bytes([0x04]) + bytes(17), bytes([0x4C]) + bytes(5), bytes([0x7C])
    wide = tmp_path / "wide.awb"
    wide.write_bytes(b"#!AMR-WB\n" + wide_speech * 40 + (wide_noise + nothing * 7) * 6 + wide_speech * 40)
    assert decode(wide).seconds == pytest.approx(128 * 0.02)
    narrow = tmp_path / "narrow.amr"
    narrow.write_bytes(b"#!AMR\n" + (bytes([0x3C]) + bytes(31)) * 50 + nothing * 20)
    assert decode(narrow).seconds == pytest.approx(70 * 0.02)


def test_without_a_decoder_for_comfort_noise_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / "a.amr", 0.001 * voice(3.0, rate=8000), *COMFORT_NOISE, rate=8000)
    monkeypatch.setattr("ser_assets.audio.decoding.frames.OTHER_DECODERS", {})
    with pytest.raises(DecodeError, match="comfort noise") as refused:
        decode(path)
    assert refused.value.problem == Problem.NO_DECODER
    assert "Convert it" in refused.value.problem.remedy
