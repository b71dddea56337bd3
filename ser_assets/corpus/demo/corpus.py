"""The demo corpus: RAVDESS-shaped films of 24 synthetic actors, spoken by espeak-ng and written by moviepy as mp4."""

import shlex
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ser_assets.corpus.demo import espeak
from ser_assets.corpus.demo.voices import (
    VOICES,
    manner_of,
    neutral_level_db,
)
from ser_assets.corpus.ravdess import ACTORS, Take, speech_takes
from ser_assets.runtime.workers import map_in_workers

SAMPLING_RATE = 48000
DEMO_COMMENT = "ser-assets demo corpus"
"""Stands in the metadata of every film, so that it is not taken for a recording of a person."""

_WORDS_PER_MINUTE = 160
_ROOM_NOISE_DB = -42.0
_FRAME_RATE = 12
_WIDTH, _HEIGHT = 128, 96
# Middle and side without substituted noise: only so are the two channels equal again after decoding.
_FFMPEG_OPTIONS = [
    *shlex.split("-f mp4 -pix_fmt yuv420p -b:a 96k -aac_coder fast -aac_ms 1 -aac_is 0 -aac_pns 0"),
    *("-metadata", f"comment={DEMO_COMMENT}"),
]


def make_demo_corpus(
    destination: Path,
    actors: Sequence[str],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Film the 60 speech takes of each actor as `destination/Actor_NN/01-01-EE-II-SS-RR-AA.mp4`.

    H.264 and AAC at 48 kHz with two equal channels, as in RAVDESS. A whole file that is already there is left alone;
    the others appear under their names only when they are whole, and always with the same bytes.

    Args:
        destination: folder of the actors' folders, made if it is not there.
        actors: '01' to '24'.
        workers: processes to share the work among.
        progress: called with (takes done, takes in all) after every take.

    Returns:
        Number of files written.

    Raises:
        ValueError: an actor is unknown.
        espeak.EspeakError: the speech library is missing.
        OSError: a file could not be written.
    """
    takes = [take for actor in dict.fromkeys(actors) for take in speech_takes(actor)]
    film = partial(_film_if_missing, destination)
    return _count(map_in_workers(film, takes, workers), len(takes), progress)


def perform(take: Take) -> np.ndarray:
    """Speak a take: its sound depends on the take alone.

    Returns:
        float32 samples of shape (samples,) in -1 to 1 at `SAMPLING_RATE`; about 3 to 5 s, which begin and end with
        0.7 to 1.1 s of room noise.

    Raises:
        espeak.EspeakError: the speech library is missing.
    """
    import soxr

    voice, size = VOICES[take.actor]
    random = np.random.default_rng(int(take.take_id.replace("-", "")))
    manner = manner_of(take, random)
    dry = espeak.speak(
        take.statement or "",
        voice,
        words_per_minute=round(_WORDS_PER_MINUTE * (1 + manner.tempo / 100)),
        pitch=round(np.clip(50 + 50 * manner.pitch / 12, 0, 99)),
        pitch_range=round(np.clip(50 * (1 + manner.melody / 100), 0, 99)),
        word_gap=round(max(0, 1 + manner.pause / 10)),
    )
    speech = _tilt(soxr.resample(dry, espeak.SAMPLING_RATE * size, SAMPLING_RATE), manner.brightness)
    neutral_db = neutral_level_db(take.actor)
    speech *= 10 ** ((neutral_db + manner.level) / 20) / np.sqrt(np.mean(speech**2))
    before, after = (random.uniform(0.7, 1.1, size=2) * SAMPLING_RATE).astype(int)
    sound = np.pad(speech, (before, after))
    noise = _tilt(random.standard_normal(len(sound)), -3)
    sound += noise * 10 ** ((neutral_db + _ROOM_NOISE_DB) / 20) / noise.std()
    return sound.astype(np.float32)


def _tilt(samples: np.ndarray, decibel_per_octave: float) -> np.ndarray:
    """Tilt a spectrum about 1 kHz."""
    # A power of two: a transform of just this many samples may take ten times as long.
    size = 1 << (len(samples) - 1).bit_length()
    octaves = np.log2(np.clip(np.fft.rfftfreq(size, 1 / SAMPLING_RATE), 100, 10000) / 1000)
    spectrum = np.fft.rfft(samples, size) * 10 ** (decibel_per_octave * octaves / 20)
    return np.fft.irfft(spectrum, size)[: len(samples)]


def _count(filmed: Iterable[bool], takes: int, progress: Callable[[int, int], None] | None) -> int:
    written = 0
    for done, new in enumerate(filmed, start=1):
        written += new
        if progress:
            progress(done, takes)
    return written


def _film_if_missing(destination: Path, take: Take) -> bool:
    """Film one take unless its file is there and whole; tell whether it was filmed."""
    folder = destination / f"Actor_{take.actor}"
    path = folder / f"01-{take.take_id}.mp4"
    if _is_whole(path):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".filming-", dir=folder) as scratch:
        film = Path(scratch, "film")
        _film(take, film)
        # moviepy does not look at ffmpeg's exit status: a full disk would pass for success.
        if not _is_whole(film):
            raise OSError(f"ffmpeg wrote no whole film for {path}; is the disk full?")
        film.replace(path)
    return True


def _film(take: Take, path: Path) -> None:
    """Write picture and sound of a take as mp4, in one run of ffmpeg."""
    import soundfile
    from moviepy import VideoClip

    sound = perform(take)
    # Neither file carries an ending: what a killed process leaves behind is never taken for a recording.
    recording = path.with_name("sound")
    soundfile.write(recording, np.column_stack([sound, sound]), SAMPLING_RATE, subtype="PCM_16", format="WAV")
    VideoClip(_picture(take, sound), duration=len(sound) / SAMPLING_RATE).write_videofile(
        str(path),
        fps=_FRAME_RATE,
        codec="libx264",
        preset="ultrafast",
        audio=str(recording),
        audio_codec="aac",
        # One thread: libx264 writes the number of threads, by default that of the cores, into the file.
        threads=1,
        ffmpeg_params=_FFMPEG_OPTIONS,
        logger=None,
    )


def _picture(take: Take, sound: np.ndarray) -> Callable[[float], np.ndarray]:
    """Draw a face on the actor's own ground, whose mouth opens as loud as it speaks: a function of the second."""
    frames = np.array_split(sound, max(1, round(len(sound) / SAMPLING_RATE * _FRAME_RATE)))
    loudness = np.array([np.sqrt(np.mean(frame**2)) for frame in frames])
    opening = loudness / loudness.max()
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    hue = 2 * np.pi * ACTORS.index(take.actor) / len(ACTORS)
    ground = (120 + 80 * np.cos(hue + np.array([0, 2, 4]))).astype(np.uint8)

    def ellipse(row: float, column: float, height: float, width: float) -> np.ndarray:
        return ((y - row) / height) ** 2 + ((x - column) / width) ** 2 <= 1

    face = np.full((_HEIGHT, _WIDTH, 3), ground)
    face[ellipse(48, 64, 40, 30)] = (236, 200, 170)
    face[ellipse(38, 53, 4, 4) | ellipse(38, 75, 4, 4)] = (40, 30, 30)

    def draw(second: float) -> np.ndarray:
        frame = min(int(second * _FRAME_RATE), len(opening) - 1)
        image = face.copy()
        image[ellipse(66, 64, 2 + 12 * opening[frame], 12)] = (150, 40, 50)
        return image

    return draw


def _is_whole(path: Path) -> bool:
    """Tell whether a file opens as a film with picture and sound; ffmpeg writes what is needed for that last."""
    import av

    try:
        with av.open(str(path)) as container:
            return bool(container.streams.video and container.streams.audio)
    except (OSError, av.error.FFmpegError):
        return False
