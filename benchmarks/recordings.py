"""Where the benchmarks on real recordings find them, and how they read one."""

import os
from pathlib import Path

import numpy as np

BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "ravdess"


def default_folder() -> Path:
    """The folder that SER_RAVDESS names, or `../shared/ravdess` beside the checkout."""
    return Path(os.environ.get("SER_RAVDESS", BESIDE_THE_CHECKOUT))


def speech_takes(folder: Path) -> list[Path]:
    """RAVDESS audio-only speech under a folder, FLAC or WAV, sorted by name; none if there is no such folder."""
    return sorted(path for path in folder.glob("Actor_*/03-01-*") if path.suffix in (".flac", ".wav"))


def trimmed(path: Path, sampling_rate: int) -> np.ndarray:
    """One recording as the platform measures it: mono float32 at the rate, without the silence at its ends."""
    import soundfile
    import soxr

    from ser_assets.audio.silence import trim

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return trim(soxr.resample(samples.mean(axis=1), rate, sampling_rate), sampling_rate).samples
