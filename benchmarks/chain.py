"""From mp4 to features: this project by its own command, and the notebook's way written with moviepy and librosa.

Run: `python benchmarks/chain.py [FOLDER] [--short] [--json FILE]` on 300 takes of 5 actors, everything on one core. The
films are made of the recordings by FOLDER/prepare.py. Ours are seconds of the whole command, start-up, pictures and
checks included; the ways by a WAV and by plain librosa are measured on every tenth take and scaled up.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import audiomentations
import librosa
import numpy as np
import plain_librosa
from moviepy import AudioFileClip, VideoFileClip
from platform_runs import new_folder, to_features
from recordings import demo_films
from timing import one_core, parser_of, seconds_of, tell

from ser_assets.audio.silence import trim
from ser_assets.corpus.ravdess import parse_name

RATE = 22050
ACTORS = ("01", "02", "03", "04", "05")
EVERY = 10
COPIES = (
    audiomentations.AddGaussianNoise(p=1.0),
    audiomentations.TimeStretch(min_rate=0.8, max_rate=1.25, leave_length_unchanged=False, p=1.0),
    audiomentations.PitchShift(p=1.0),
)
VOICES = (0.92, 1.09)


def sound_of(film: Path) -> np.ndarray:
    """The sound track by moviepy's audio reader."""
    with AudioFileClip(str(film), fps=RATE) as clip:
        return clip.to_soundarray(fps=RATE).mean(axis=1).astype(np.float32)


def sound_by_a_file(film: Path) -> np.ndarray:
    """The sound track as tutorials get it: moviepy opens the film and writes a WAV, librosa reads it."""
    with TemporaryDirectory() as folder, VideoFileClip(str(film)) as clip:
        wav = Path(folder) / "sound.wav"
        clip.audio.write_audiofile(wav, logger=None)
        return librosa.load(wav)[0]


def notebook_way(films: Sequence[Path], sound: Callable[[Path], np.ndarray]) -> np.ndarray:
    """Sound, silence cut everywhere, three copies of each neutral take, 26 means of each clip."""
    rows = []
    for film in films:
        samples = sound(film)
        pieces = librosa.effects.split(samples, top_db=20)
        clip = np.concatenate([samples[start:stop] for start, stop in pieces])
        neutral = parse_name(film.stem).emotion == "neutral"
        clips = [clip, *(augment(samples=clip, sample_rate=RATE) for augment in COPIES if neutral)]
        rows += [plain_librosa.notebook_means(each) for each in clips]
    return np.stack(rows)


def plain_way(films: Sequence[Path]) -> np.ndarray:
    """A take and its other voices, as the platform makes them, and the functionals by plain librosa calls."""
    rows = []
    for film in films:
        clip = trim(sound_of(film), RATE).samples
        voices = [librosa.resample(clip, orig_sr=RATE, target_sr=RATE / speed) for speed in VOICES]
        rows += [plain_librosa.functionals(each) for each in (clip, *voices)]
    return np.stack(rows)


def films_in(folder: Path, recordings: Path, short: bool) -> list[Path]:
    """The films to start from, in Actor_NN folders under `folder`."""
    if short:
        films = demo_films(folder, 60)
        for film in set(films) - set(films[::4]):
            film.unlink()
    else:
        actors = ",".join(str(int(actor)) for actor in ACTORS)
        script = [sys.executable, recordings / "prepare.py", folder, "--video", "--actors", actors]
        subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.rglob("*.mp4"))


def main() -> None:
    """Take the films to features in every way, print a table."""
    arguments = parser_of(__doc__).parse_args()
    with TemporaryDirectory() as folder:
        films = films_in(Path(folder) / "films", arguments.folder, arguments.short)
        actors = sorted({film.parent.name[-2:] for film in films})
        some = films[::EVERY]

        def ours(name: str, **settings: str) -> float:
            return to_features(new_folder(Path(folder) / name, Path(folder) / "films"), actors, 1, **settings).seconds

        def bare(way: Callable[[Sequence[Path]], object], chosen: Sequence[Path]) -> float:
            way(films[:1])
            with one_core():
                return seconds_of(lambda: way(chosen)) * len(films) / len(chosen)

        seconds = {
            "ours: 1685 functionals, each take in three voices": ours("voices"),
            "ours: 1685 functionals, copies that balance only": ours("alone", SER_SPEED_PERTURBATION="none"),
            "the notebook's 26, moviepy's audio reader": bare(partial(notebook_way, sound=sound_of), films),
            "the notebook's 26, moviepy by way of a WAV": bare(partial(notebook_way, sound=sound_by_a_file), some),
            "1431 of ours by plain librosa, in three voices": bare(plain_way, some),
        }
    first = next(iter(seconds.values()))
    rows: list[dict[str, Any]] = [
        {"way": way, "seconds": taken, "ms_a_take": 1000 * taken / len(films), "times_the_first": taken / first}
        for way, taken in seconds.items()
    ]
    tell(f"{len(films)} films of {len(actors)} actors to features, one core", rows, arguments.json)


if __name__ == "__main__":
    main()
