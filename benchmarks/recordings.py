"""Where the benchmarks find recordings, and how they read one."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ser_assets.audio.decoding.mono import load_mono
from ser_assets.audio.silence import TrimMode, trim
from ser_assets.corpus.demo.corpus import make_demo_corpus

BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "ravdess"
SEED = 42


def default_folder() -> Path:
    """The folder that SER_RAVDESS names, or `../shared/ravdess` beside the checkout."""
    return Path(os.environ.get("SER_RAVDESS", BESIDE_THE_CHECKOUT))


def speech_takes(folder: Path) -> list[Path]:
    """RAVDESS audio-only speech under a folder, FLAC or WAV, sorted by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("Actor_*/03-01-*") if path.suffix in (".flac", ".wav"))


def some(paths: Sequence[Path], count: int) -> list[Path]:
    """A seeded sample of so many paths, in their order."""
    if not paths:
        return []
    chosen = np.random.default_rng(SEED).choice(len(paths), min(count, len(paths)), replace=False)
    return [paths[index] for index in sorted(chosen)]


def demo_films(folder: Path, count: int) -> list[Path]:
    """So many films of the demo corpus, made in a folder: for a run that only proves that a benchmark runs."""
    make_demo_corpus(folder, ["01"], workers=1)
    return sorted(folder.rglob("*.mp4"))[:count]


def trimmed(path: Path, sampling_rate: int, mode: TrimMode = "ends") -> np.ndarray:
    """One recording as the platform measures it: mono float32 at the rate, without its silence."""
    return trim(load_mono(path, sampling_rate), sampling_rate, mode=mode).samples


def trimmed_clips(folder: Path, count: int, sampling_rate: int, *, short: bool) -> list[np.ndarray]:
    """A sample of the recordings as the platform measures them; two clips of the demo's voices in a short run.

    Raises:
        SystemExit: there are no recordings.
    """
    with TemporaryDirectory() as demo:
        takes = demo_films(Path(demo), 2) if short else some(speech_takes(folder), count)
        if not takes:
            raise SystemExit(f"no RAVDESS speech under {folder}; name its folder, set SER_RAVDESS, or try --short")
        return [trimmed(take, sampling_rate) for take in takes]
