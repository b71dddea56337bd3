"""The demo corpus: RAVDESS-shaped films of 24 synthetic actors, spoken by espeak-ng and written by moviepy as mp4."""

import shlex
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ser_assets.corpus.demo import espeak
from ser_assets.corpus.ravdess import ACTORS, Take, speech_takes
from ser_assets.runtime.workers import map_in_workers

SAMPLING_RATE = 48000
LEVEL_SPREAD_DB = 18.0
DEMO_COMMENT = "ser-assets demo corpus"
"""Stands in the metadata of every film, so that nobody takes it for a recording of a person."""

_WORDS_PER_MINUTE = 160
_LOUDEST_NEUTRAL_DB = -28.0
_ROOM_NOISE_DB = -42.0
_STRONG = 1.6
_FRAME_RATE = 12
_WIDTH, _HEIGHT = 128, 96
# Middle and side without substituted noise: only so are the two channels equal again after decoding.
_FFMPEG_OPTIONS = [
    *shlex.split("-f mp4 -pix_fmt yuv420p -b:a 96k -aac_coder fast -aac_ms 1 -aac_is 0 -aac_pns 0"),
    *("-metadata", f"comment={DEMO_COMMENT}"),
]


@dataclass(frozen=True)
class Manner:
    """How a take departs from the actor's plain way of speaking; zero everywhere is plain."""

    tempo: float
    """Speaking rate, per cent."""
    pitch: float
    """Mean pitch, semitones."""
    melody: float
    """Pitch range, per cent."""
    level: float
    """Loudness, dB."""
    pause: float
    """Pause between words, ms."""
    brightness: float
    """Spectral slope, dB an octave."""


# Directions after Banse & Scherer 1996 and Juslin & Laukka 2003; sizes so small that takes overlap as acted ones do.
MANNERS = {
    "neutral": Manner(0, 0, 0, 0, 0, 0),
    "calm": Manner(-7, -0.7, -15, -2, 6, -0.4),
    "happy": Manner(7, 2.2, 35, 2, -5, 0.5),
    "sad": Manner(-10, -0.8, -25, -3, 15, -0.7),
    "angry": Manner(5, 1.5, 25, 5, -5, 1.2),
    "fearful": Manner(14, 2.8, -15, 1, 5, 0.2),
    "disgust": Manner(-10, -1.2, 15, 0.5, 12, 0.5),
    "surprised": Manner(-1, 3.2, 60, 1.5, 0, 0),
}
_JITTER = Manner(5, 0.9, 18, 1.3, 5, 0.4)

# One a speaker: language and voice of espeak-ng, and the size of the head as a factor on all frequencies.
VOICES = {
    "01": ("en-us+m1", 1.00),
    "02": ("en-us+f1", 1.00),
    "03": ("en+m2", 0.97),
    "04": ("en+f2", 1.03),
    "05": ("en-us+m3", 1.04),
    "06": ("en-us+f3", 0.97),
    "07": ("en-gb-scotland+m4", 1.00),
    "08": ("en-gb-scotland+f4", 1.02),
    "09": ("en-us+m5", 0.95),
    "10": ("en-gb-x-rp+f5", 0.98),
    "11": ("en-gb-x-rp+m6", 1.03),
    "12": ("en-us+Annie", 0.95),
    "13": ("en-029+m7", 0.96),
    "14": ("en-029+aunty", 1.06),
    "15": ("en-us-nyc+adam", 1.05),
    "16": ("en-us-nyc+belinda", 0.94),
    "17": ("en+Michael", 0.98),
    "18": ("en+linda", 1.00),
    "19": ("en-gb-x-gbclan+pablo", 0.94),
    "20": ("en-gb-x-gbclan+shelby", 1.03),
    "21": ("en-us+klatt3", 1.02),
    "22": ("en-us+grandma", 0.97),
    "23": ("en-gb-x-gbcwmd+robert", 1.05),
    "24": ("en-gb-x-gbcwmd+steph", 1.04),
}


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
        progress: told (takes done, takes in all) after every take.

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
    manner = _manner(take, random)
    dry = espeak.speak(
        take.statement or "",
        voice,
        words_per_minute=round(_WORDS_PER_MINUTE * (1 + manner.tempo / 100)),
        pitch=round(np.clip(50 + 50 * manner.pitch / 12, 0, 99)),
        pitch_range=round(np.clip(50 * (1 + manner.melody / 100), 0, 99)),
        word_gap=round(max(0, 1 + manner.pause / 10)),
    )
    speech = _tilt(soxr.resample(dry, espeak.SAMPLING_RATE * size, SAMPLING_RATE), manner.brightness)
    neutral_db = _neutral_level_db(take.actor)
    speech *= 10 ** ((neutral_db + manner.level) / 20) / np.sqrt(np.mean(speech**2))
    before, after = (random.uniform(0.7, 1.1, size=2) * SAMPLING_RATE).astype(int)
    sound = np.pad(speech, (before, after))
    noise = _tilt(random.standard_normal(len(sound)), -3)
    sound += noise * 10 ** ((neutral_db + _ROOM_NOISE_DB) / 20) / noise.std()
    return sound.astype(np.float32)


def _manner(take: Take, random: np.random.Generator) -> Manner:
    """Draw a take's manner: the emotion's, as strongly as this actor shows it, and a jitter of its own."""
    expressiveness = np.random.default_rng(int(take.actor)).lognormal(sigma=0.35, size=len(astuple(_JITTER)))
    emotion = np.array(astuple(MANNERS[take.emotion])) * (_STRONG if take.intensity == "strong" else 1)
    jitter = random.standard_normal(expressiveness.size) * astuple(_JITTER)
    return Manner(*(emotion * expressiveness + jitter).tolist())


def _neutral_level_db(actor: str) -> float:
    """Spread the actors evenly over `LEVEL_SPREAD_DB`, neighbours far apart, so that few of them span it too."""
    step = ACTORS.index(actor) * 7 % len(ACTORS)
    return _LOUDEST_NEUTRAL_DB - LEVEL_SPREAD_DB * step / (len(ACTORS) - 1)


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
