"""Which of several audio tracks is decoded, and files whose names look like something else."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.audio.decoding.mono import to_mono
from ser_assets.rejections import Problem
from ser_assets_tests.factories.media import cut, encode, voice, write_wav

SPEAKER, OTHER = voice(1.0, hertz=110, seed=1), voice(1.0, hertz=240, seed=2)
SILENCE = np.zeros(48000, np.float32)
NONE_MARKED = ("-disposition:a:0", "0", "-disposition:a:1", "0")
SECOND_MARKED = ("-disposition:a:0", "0", "-disposition:a:1", "default")
FLAC, AAC = ("-c:a", "flac"), ("-c:a", "aac")


def sounds_like(path: Path, samples: np.ndarray) -> bool:
    decoded = to_mono(decode(path).samples)[: len(samples)]
    return bool(np.corrcoef(decoded, samples[: len(decoded)])[0, 1] > 0.95)


def track_of(path: Path) -> tuple[int, int]:
    recording = decode(path)
    return recording.track, recording.tracks


@pytest.mark.parametrize(
    ("name", "options"), [("a.mkv", FLAC), ("a.mp4", AAC), ("a.mov", AAC), ("a.webm", ("-c:a", "libopus"))]
)
def test_the_track_that_is_marked_as_default_is_taken(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    path = encode(tmp_path / name, [OTHER, SPEAKER], *options, *SECOND_MARKED)
    assert track_of(path) == (2, 2)
    assert sounds_like(path, SPEAKER)


def test_without_a_mark_the_first_is_taken(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [SPEAKER, OTHER], *FLAC, *NONE_MARKED)
    assert track_of(path) == (1, 2)
    assert sounds_like(path, SPEAKER)


def test_the_first_of_several_defaults_is_taken(tmp_path: Path) -> None:
    both = ("-disposition:a:0", "default", "-disposition:a:1", "default")
    assert track_of(encode(tmp_path / "a.mkv", [SPEAKER, OTHER], *FLAC, *both)) == (1, 2)


@pytest.mark.parametrize(("name", "options"), [("a.mkv", FLAC), ("a.mp4", AAC)])
def test_a_default_track_of_silence_gives_way_to_one_with_sound(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    click = SILENCE.copy()
    click[1000:1010] = 0.5
    for number, silent in enumerate((SILENCE, click)):
        path = encode(tmp_path / f"{number}{name}", [silent, SPEAKER], *options)
        assert track_of(path) == (2, 2)
        assert sounds_like(path, SPEAKER)


def test_where_all_tracks_are_silent_the_default_one_says_so(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", [SILENCE, SILENCE], *FLAC, *SECOND_MARKED)
    assert track_of(path) == (2, 2)


def test_a_track_that_nothing_can_decode_gives_way_to_the_next(tmp_path: Path) -> None:
    """Phones of Apple add a track in a format of their own to the one that all can play."""
    path = encode(tmp_path / "a.mkv", [OTHER, SPEAKER], *FLAC)
    content = path.read_bytes()
    assert content.count(b"A_FLAC") == 2
    path.write_bytes(content.replace(b"A_FLAC", b"A_NONE", 1))
    assert track_of(path) == (2, 2)
    assert sounds_like(path, SPEAKER)
    path.write_bytes(content.replace(b"A_FLAC", b"A_NONE"))
    with pytest.raises(DecodeError, match="no decoder") as refused:
        decode(path)
    assert refused.value.problem == Problem.NO_DECODER


def test_a_file_that_is_cut_short_is_not_saved_by_another_track(tmp_path: Path) -> None:
    path = cut(encode(tmp_path / "a.mkv", [SPEAKER, OTHER], *FLAC), 0.9)
    with pytest.raises(DecodeError) as refused:
        decode(path)
    assert refused.value.problem == Problem.CUT_SHORT


@pytest.mark.parametrize(("name", "codec"), [("a.mpg", "mp2"), ("a.ts", "aac")])
def test_a_track_that_begins_far_behind_the_picture_is_found(tmp_path: Path, name: str, codec: str) -> None:
    noise = "nullsrc=s=320x240:d=2,geq=random(1)*255:128:128,format=yuv420p[v]"
    film = ("-filter_complex", noise, "-map", "[v]", "-c:v", "mpeg2video", "-b:v", "8M")
    path = encode(tmp_path / name, voice(2.0), "-af", "asetpts=PTS+1/TB", *film, "-c:a", codec)
    assert abs(decode(path).seconds - 2.0) < 0.1


NAMES = [
    *("12:30.wav", "%d.wav", "%03d.wav", "a?b.wav", "a#b.wav", "-x.wav", "[1].wav", "*.wav", "a'b.wav"),
    *("concat:x.wav", "http:x.wav", "pipe:0", "file:x.wav", "data:x.wav", "a|b.wav", "a\\b.wav", "a\nb.wav"),
    "caf\udce9.wav",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shutil.copy(write_wav(tmp_path / "plain.wav", SPEAKER), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(decode(Path(name)).samples, decode(tmp_path / "plain.wav").samples)
    np.testing.assert_array_equal(decode(tmp_path / name).samples, decode(tmp_path / "plain.wav").samples)


@pytest.mark.parametrize(
    "content",
    ["ffconcat version 1.0\nfile plain.wav\n", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nplain.wav\n"],
    ids=["ffconcat", "m3u8"],
)
@pytest.mark.parametrize("name", ["list.wav", "list.m3u8", "list.ffconcat"])
def test_a_list_of_other_files_is_no_recording(tmp_path: Path, name: str, content: str) -> None:
    write_wav(tmp_path / "plain.wav", SPEAKER)
    (tmp_path / name).write_text(content)
    with pytest.raises(DecodeError):
        decode(tmp_path / name)
