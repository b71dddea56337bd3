"""Small recordings for tests, written as real files."""

import subprocess
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from ser_assets.audio.decoding.stated_length import ogg_checksum

if TYPE_CHECKING:
    from av import Packet

RATE = 48000
# A PNG of one pixel, in the place of pictures that take long to draw.
A_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63600000000200"
    "0148afa4710000000049454e44ae426082"
)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Have no picture drawn of clips and scores, and reports made without any."""
    for name in ("clip_strip", "confusion_picture"):
        patch.setattr(f"ser_assets.reporting.figures.thumbnails.{name}", lambda *_: A_PICTURE)
    for name in ("missed_takes", "example_clips"):
        patch.setattr(f"ser_assets.reporting.collect.{name}", lambda *_: [])
    patch.setattr("ser_assets.reporting.content.all_pictures", lambda *_: [])


def voice(
    seconds: float = 1.0, hertz: float = 150.0, rate: int = RATE, level: float = 0.3, seed: int = 0
) -> np.ndarray:
    """Sing a vowel-like tone between two silences: harmonics that fall off, a vibrato, a little noise."""
    noise = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.02 * np.sin(2 * np.pi * 5 * time))) / rate
    tone = sum(np.sin(number * phase) / number for number in range(1, 12))
    envelope = np.where((time > 0.2 * seconds) & (time < 0.8 * seconds), 1.0, 1e-4)
    return (level * envelope * (tone / 2 + 0.01 * noise.standard_normal(len(time)))).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    """Write samples, shape (samples,) or (channels, samples), as WAV or FLAC by the ending of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if subtype == "PCM_16":  # libsndfile rounds floats otherwise in FLAC than in WAV
        samples = np.round(samples * 32767).astype(np.int16)
    soundfile.write(path, samples.T, rate, subtype=subtype)
    return path


def write_mp4(path: Path, samples: np.ndarray | None, rate: int = RATE) -> Path:
    """Write an mp4 with a plain picture and the samples as stereo AAC; without samples it has no audio stream."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=Fraction(10))
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="stereo") if samples is not None else None
        for _ in range(5):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(picture.encode())
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = rate, 0
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def write_sound(path: Path, samples: np.ndarray, codec: str, rate: int = RATE) -> Path:
    """Write mono samples with a codec of ffmpeg, in the container that the ending names."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        sound = container.add_stream(codec, rate=rate, layout="mono")
        whole = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        whole.sample_rate = rate
        for frame in (whole, None):
            for resampled in (
                av.AudioResampler(sound.format, "mono", rate, sound.frame_size or 960).resample(frame) if frame else ()
            ):
                container.mux(sound.encode(resampled))
        container.mux(sound.encode())
    return path


def encode(path: Path, tracks: np.ndarray | list[np.ndarray], *options: str, rate: int = RATE) -> Path:
    """Write mono samples, or several tracks of them, as the command ffmpeg does, with its options."""
    import imageio_ffmpeg

    path.parent.mkdir(parents=True, exist_ok=True)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-nostdin"]
    several = tracks if isinstance(tracks, list) else [tracks]
    with tempfile.TemporaryDirectory() as folder:
        for number, samples in enumerate(several):
            command += ["-i", str(write_wav(Path(folder) / f"{number}.wav", samples, rate))]
        for number in range(len(several)):
            command += ["-map", f"{number}:a"]
        subprocess.run([*command, *options, f"file:{path}"], check=True)
    return path


def remux(source: Path, target: Path, change: Callable[[int, "Packet"], object]) -> Path:
    """Copy the packets of a recording without decoding them; `change` may alter one, or leave it out by False."""
    import av

    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = read.streams.audio[0]
        copy = written.add_stream_from_template(stream)
        for number, packet in enumerate(read.demux(stream)):
            if packet.dts is not None and change(number, packet) is not False:
                packet.stream = copy
                written.mux(packet)
    return target


def cut(path: Path, share: float) -> Path:
    """Keep the first part of a file's bytes, a share from 0 to 1."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def without_last_mark(path: Path) -> Path:
    """Take the mark of the end from the last page of an Ogg file, and give the page the checksum that it has then."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b"OggS")
    content[at + 5] &= 0b011
    content[at + 22 : at + 26] = bytes(4)
    content[at + 22 : at + 26] = ogg_checksum(bytes(content[at:]))
    path.write_bytes(content)
    return path
