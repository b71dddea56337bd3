"""From an mp4 to one float32 channel at 22.05 kHz: this project, ffmpeg as a child process, and moviepy, in turns.

Run: `python benchmarks/decode.py [FOLDER] [--short] [--json FILE]` on the untouched films of FOLDER/clips_av, one core.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
import numpy as np
from moviepy import AudioFileClip
from recordings import demo_films
from timing import compared, in_turns, parser_of, tell

from ser_assets.audio.decoding.mono import load_mono

RATE = 22050
ROUNDS = 5
SHORT_FILMS = 3


def ours(film: Path) -> np.ndarray:
    """The project's own decoder."""
    return load_mono(film, RATE)


def by_ffmpeg(film: Path) -> np.ndarray:
    """Ffmpeg in a process of its own, its output read from a pipe."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(film)]
    command += ["-vn", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def by_moviepy(film: Path) -> np.ndarray:
    """As the notebooks do: moviepy's reader, then the mean of the channels."""
    with AudioFileClip(str(film), fps=RATE) as clip:
        return clip.to_soundarray(fps=RATE).mean(axis=1).astype(np.float32)


def main() -> None:
    """Decode every film in every way, print a table."""
    arguments = parser_of(__doc__).parse_args()
    with TemporaryDirectory() as folder:
        films = sorted((arguments.folder / "clips_av").glob("*.mp4"))
        if arguments.short:
            films = demo_films(Path(folder), SHORT_FILMS)
        if not films:
            raise SystemExit(f"no films in {arguments.folder / 'clips_av'}; name another folder, or try --short")
        ways = {"ours": ours, "ffmpeg": by_ffmpeg, "moviepy": by_moviepy}
        seconds = in_turns(ways, films * (1 if arguments.short else ROUNDS))
    tell(f"decode {len(films)} films to mono at {RATE} Hz, one core", compared(seconds), arguments.json)


if __name__ == "__main__":
    main()
