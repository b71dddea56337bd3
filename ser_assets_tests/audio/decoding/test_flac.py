"""A FLAC whose sound is not the one that was written is refused, whatever ffmpeg makes of it."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.audio.decoding.flac import StreamInfo, broken_word, stream_info
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import encode, voice, write_wav


def flipped(path: Path, at: float, length: int = 1) -> Path:
    """Flip a bit in each of some bytes, from a share of the file on."""
    content = bytearray(path.read_bytes())
    first = int(at * len(content))
    content[first : first + length] = bytes(byte ^ 0x40 for byte in content[first : first + length])
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("length", [1, 20, 300])
@pytest.mark.parametrize("at", [0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
def test_a_flipped_bit_is_found(tmp_path: Path, at: float, length: int) -> None:
    path = flipped(write_wav(tmp_path / "a.flac", voice(2.0)), at, length)
    with pytest.raises(DecodeError) as refused:
        decode(path)
    assert refused.value.problem in {Problem.DAMAGED, Problem.CUT_SHORT}


@pytest.mark.parametrize("name", ["a.mka", "a.mp4"])
def test_a_flipped_bit_is_found_in_other_containers_that_know_the_checksum(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / name, voice(2.0), "-c:a", "flac")
    assert decode(path).seconds == 2.0
    with pytest.raises(DecodeError, match="MD5"):
        decode(flipped(path, 0.5))


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_whole_files_of_all_widths_and_channels_are_accepted(tmp_path: Path, subtype: str, channels: int) -> None:
    samples = np.stack([voice(hertz=100 + 20 * number) for number in range(channels)])
    soundfile.write(tmp_path / "a.flac", samples.T, 48000, subtype=subtype)
    assert decode(tmp_path / "a.flac").samples.shape == samples.shape


@pytest.mark.parametrize("bits", [12, 20])
def test_samples_of_other_widths_have_their_checksum_too(tmp_path: Path, bits: int) -> None:
    encoded = encode(tmp_path / "a.flac", voice(), "-sample_fmt", "s32", "-bits_per_raw_sample", str(bits))
    assert decode(encoded).seconds == 1.0


def test_a_file_that_knows_neither_number_nor_checksum_is_accepted(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.flac", voice())
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:42] = bytes(20)
    path.write_bytes(content)
    assert decode(path).seconds == 1.0


@pytest.mark.parametrize("more", [-1, 1, 4096])
def test_another_number_of_samples_than_promised_is_damage(tmp_path: Path, more: int) -> None:
    path = write_wav(tmp_path / "a.flac", voice())
    content = bytearray(path.read_bytes())
    content[22:26] = (48000 + more).to_bytes(4)
    path.write_bytes(content)
    with pytest.raises(DecodeError, match="can be decoded"):
        decode(path)


def test_a_part_of_a_stream_in_another_container_is_no_damage() -> None:
    frame = np.arange(100, dtype=np.int16)[None]
    info = StreamInfo(bits=16, samples=200, md5=b"x" * 16)
    assert broken_word(info, [frame], counts=False) == ""
    assert "100 of 200 samples" in broken_word(info, [frame], counts=True)


@pytest.mark.parametrize("header", [b"", b"too short"])
def test_a_stream_without_the_block_says_nothing(header: bytes) -> None:
    assert stream_info(header) is None
