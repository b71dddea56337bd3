"""WAV files in all their forms: the sound that was written, or a reason."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import cut, voice, write_wav

RATE = 16000
SOUND = np.round(voice(1.0, rate=RATE) * 32767).astype("<i2")
PLAIN = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
BODY = SOUND.tobytes()


def chunk(name: bytes, content: bytes, declared: int | None = None) -> bytes:
    length = len(content) if declared is None else declared
    return name + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)


def riff(path: Path, *chunks: bytes, behind: bytes = b"") -> Path:
    inside = b"WAVE" + b"".join(chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(inside)) + inside + behind)
    return path


def assert_whole(path: Path) -> None:
    recording = decode(path)
    np.testing.assert_allclose(recording.samples, [SOUND / 32768], atol=1e-7)
    assert recording.sampling_rate == RATE


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_big_endian_wav_is_the_sound_of_the_little_endian_one(tmp_path: Path, subtype: str, channels: int) -> None:
    samples = np.stack([voice(rate=RATE, hertz=100 + 30 * number) for number in range(channels)])
    soundfile.write(tmp_path / "little.wav", samples.T, RATE, subtype=subtype)
    soundfile.write(tmp_path / "big.wav", samples.T, RATE, subtype=subtype, format="WAV", endian="BIG")
    assert (tmp_path / "big.wav").read_bytes()[:4] == b"RIFX"
    big, little = decode(tmp_path / "big.wav"), decode(tmp_path / "little.wav")
    np.testing.assert_array_equal(big.samples, little.samples)
    assert (big.codec, big.sampling_rate, big.container) == (little.codec, RATE, "wav")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_big_endian_wav_whose_end_is_missing_is_cut_short(tmp_path: Path, share: float) -> None:
    soundfile.write(tmp_path / "big.wav", voice(rate=RATE), RATE, subtype="PCM_16", format="WAV", endian="BIG")
    with pytest.raises(DecodeError, match="is cut short") as refused:
        decode(cut(tmp_path / "big.wav", share))
    assert refused.value.problem == Problem.CUT_SHORT


def test_a_big_endian_wav_of_three_minutes_is_too_long(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "big.wav", voice(180, rate=8000), 8000, format="WAV", endian="BIG")
    with pytest.raises(DecodeError, match="longer than 120 s"):
        decode(tmp_path / "big.wav")


@pytest.mark.parametrize("pieces", [2, 3, 7])
@pytest.mark.parametrize("between", [b"", chunk(b"LIST", b"INFOICMT\x03\0\0\0abc"), chunk(b"JUNK", bytes(500))])
def test_sound_in_several_pieces_is_joined(tmp_path: Path, pieces: int, between: bytes) -> None:
    parts = [part.tobytes() for part in np.array_split(SOUND, pieces)]
    path = riff(tmp_path / "a.wav", chunk(b"fmt ", PLAIN), between.join(chunk(b"data", part) for part in parts))
    assert_whole(path)


@pytest.mark.parametrize("valid_bits", [17, 20, 24, 31, 32])
def test_integers_of_32_bits_of_which_fewer_count_are_read_as_integers(tmp_path: Path, valid_bits: int) -> None:
    guid = struct.pack("<IHH", 1, 0, 16) + bytes.fromhex("800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 4 * RATE, 4, 32, 22, valid_bits, 4) + guid
    assert_whole(riff(tmp_path / "a.wav", chunk(b"fmt ", fmt), chunk(b"data", (SOUND.astype("<i4") << 16).tobytes())))


@pytest.mark.parametrize("valid_bits", [0, 32])
def test_floats_stay_floats(tmp_path: Path, valid_bits: int) -> None:
    guid = struct.pack("<IHH", 3, 0, 16) + bytes.fromhex("800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, RATE, 4 * RATE, 4, 32, 22, valid_bits, 4) + guid
    body = (SOUND / 32768).astype("<f4").tobytes()
    assert_whole(riff(tmp_path / "a.wav", chunk(b"fmt ", fmt), chunk(b"data", body)))


@pytest.mark.parametrize("declared", [100, 8000, 16000, 30000, len(BODY) - 1700])
def test_a_header_that_speaks_of_less_than_there_is_is_refused(tmp_path: Path, declared: int) -> None:
    path = riff(tmp_path / "a.wav", chunk(b"fmt ", PLAIN), chunk(b"data", BODY, declared))
    with pytest.raises(DecodeError, match=r"by its header, but 1.00 s are there") as refused:
        decode(path)
    assert refused.value.problem == Problem.HEADER
    assert "-ignore_length 1" in refused.value.problem.remedy


def test_the_remedy_brings_all_of_it(tmp_path: Path) -> None:
    import imageio_ffmpeg

    path = riff(tmp_path / "a.wav", chunk(b"fmt ", PLAIN), chunk(b"data", BODY, 8000))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ignore_length", "1", "-i", path, tmp_path / "new.wav"]
    subprocess.run(list(map(str, command)), check=True)
    assert_whole(tmp_path / "new.wav")


def test_two_wavs_in_one_file_are_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", voice())
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DecodeError, match=r"ends after 1.00 s by its header, and another WAV follows") as refused:
        decode(path)
    assert refused.value.problem == Problem.HEADER


@pytest.mark.parametrize(
    "behind",
    [
        b"what some tool has added",
        bytes(9000),
        b"TAG" + b"a title".ljust(125),
        b"ID3\4\0\0\0\0\x20\0" + b"a picture" * 450,
        b"APETAGEX" + b"a tag" * 900,
    ],
)
def test_padding_and_tags_behind_the_sound_are_no_sound(tmp_path: Path, behind: bytes) -> None:
    assert_whole(riff(tmp_path / "a.wav", chunk(b"fmt ", PLAIN), chunk(b"data", BODY), behind=behind))


@pytest.mark.parametrize("more", [chunk(b"LIST", b"INFO" + bytes(9000)), chunk(b"id3 ", b"ID3" + b"x" * 9001)])
@pytest.mark.parametrize("odd", [b"", b"\x07"])
def test_chunks_behind_the_sound_are_no_sound(tmp_path: Path, more: bytes, odd: bytes) -> None:
    path = riff(tmp_path / "a.wav", chunk(b"fmt ", PLAIN), chunk(b"data", BODY), chunk(b"note", odd * 3), more)
    assert_whole(path)


@pytest.mark.parametrize("content", [b"RIFX", b"RIFX\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata\xff\0\0\0", b"RIFF" * 999])
def test_what_is_hardly_a_wav_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(DecodeError):
        decode(tmp_path / "a.wav")
