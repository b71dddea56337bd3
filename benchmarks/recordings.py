"""Where the benchmarks on real recordings find them, and how they read one."""

import os
from pathlib import Path

import numpy as np

from ser_assets.audio.decode import load_mono
from ser_assets.audio.silence import TrimMode, trim

BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "ravdess"


def default_folder() -> Path:
    """The folder that SER_RAVDESS names, or `../shared/ravdess` beside the checkout."""
    return Path(os.environ.get("SER_RAVDESS", BESIDE_THE_CHECKOUT))


def speech_takes(folder: Path) -> list[Path]:
    """RAVDESS audio-only speech under a folder, FLAC or WAV, sorted by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("Actor_*/03-01-*") if path.suffix in (".flac", ".wav"))


def trimmed(path: Path, sampling_rate: int, mode: TrimMode = "ends") -> np.ndarray:
    """One recording as the platform measures it: mono float32 at the rate, without its silence."""
    return trim(load_mono(path, sampling_rate), sampling_rate, mode=mode).samples
