"""Fundamental frequency: ours, librosa's yin and pyin, against Praat's `To Pitch (ac)` on the same clips.

Run: `python benchmarks/pitch_against_praat.py [FOLDER] [--clips 100] [--short] [--json FILE]` (extra `bench`).
All four take turns on every clip, on one core. Frames are 256 samples apart at 22.05 kHz; those that Praat's window
does not reach, at the ends of a clip, are left out.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import parselmouth
from recordings import default_folder, some, speech_takes, trimmed
from threadpoolctl import threadpool_limits
from timing import write_json

from ser_assets.audio.features.pitch import CEILING_HZ, FLOOR_HZ, fundamental_frequency

RATE = 22050
HOP = 256
GROSS_ERROR = 0.2
SEED = 42
SHORT_CLIPS = 5


def ours(samples: np.ndarray) -> np.ndarray:
    """The project's own tracker."""
    return fundamental_frequency(samples, RATE, hop=HOP).f0


def praat(samples: np.ndarray) -> np.ndarray:
    """Praat's autocorrelation method with its default costs, read at our frames; NaN where it has no frame."""
    sound = parselmouth.Sound(samples.astype(np.float64), RATE)
    pitch = sound.to_pitch_ac(time_step=HOP / RATE, pitch_floor=FLOOR_HZ, pitch_ceiling=CEILING_HZ)
    frames = np.arange(1 + len(samples) // HOP)
    nearest = np.rint((frames * HOP / RATE - pitch.x1) / pitch.dx).astype(int)
    reached = (nearest >= 0) & (nearest < pitch.nx)
    frequency = pitch.selected_array["frequency"]
    return np.where(reached, frequency[np.clip(nearest, 0, pitch.nx - 1)], np.nan)


def librosa_yin(samples: np.ndarray) -> np.ndarray:
    """YIN with librosa's defaults; it has no notion of unvoiced frames."""
    return librosa.yin(samples, fmin=FLOOR_HZ, fmax=CEILING_HZ, sr=RATE, hop_length=HOP)


def librosa_pyin(samples: np.ndarray) -> np.ndarray:
    """Probabilistic YIN with librosa's defaults."""
    frequency, _, _ = librosa.pyin(samples, fmin=FLOOR_HZ, fmax=CEILING_HZ, sr=RATE, hop_length=HOP)
    return np.nan_to_num(frequency)


TRACKERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "praat": praat,
    "ours": ours,
    "librosa.yin": librosa_yin,
    "librosa.pyin": librosa_pyin,
}


def recorded(paths: list[Path], count: int) -> Iterator[np.ndarray]:
    """A seeded sample of the recordings, trimmed."""
    return (trimmed(path, RATE) for path in some(paths, count))


def sung_tones(count: int) -> Iterator[np.ndarray]:
    """Gliding voices of ten harmonics with pauses, in a little noise: for a run without recordings."""
    generator = np.random.default_rng(SEED)
    seconds = np.arange(2 * RATE) / RATE
    for _ in range(count):
        f0 = generator.uniform(90, 350) * 2 ** (0.5 * np.sin(2 * np.pi * generator.uniform(0.5, 2) * seconds))
        phase = 2 * np.pi * np.cumsum(f0) / RATE
        voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 11))
        voiced = np.sin(2 * np.pi * 1.5 * seconds) > -0.5
        yield (0.2 * voice * voiced + 0.002 * generator.standard_normal(len(seconds))).astype(np.float32)


def compared(clips: Iterator[np.ndarray]) -> pd.DataFrame:
    """One row a tracker: agreement with Praat over all frames, and median milliseconds a clip."""
    tracks: dict[str, list[np.ndarray]] = {name: [] for name in TRACKERS}
    seconds: dict[str, list[float]] = {name: [] for name in TRACKERS}
    for clip in clips:
        for name, tracker in TRACKERS.items():
            if not tracks[name]:
                tracker(clip)
            start = time.perf_counter()
            tracks[name].append(tracker(clip))
            seconds[name].append(time.perf_counter() - start)
    reference = np.concatenate(tracks["praat"])
    rows = []
    for name in TRACKERS:
        track = np.concatenate(tracks[name])[~np.isnan(reference)]
        truth = reference[~np.isnan(reference)]
        both = (track > 0) & (truth > 0)
        ratio = track[both] / truth[both]
        rows.append(
            {
                "tracker": name,
                "gross_error": np.mean(np.abs(ratio - 1) > GROSS_ERROR),
                "voicing_disagreement": np.mean((track > 0) != (truth > 0)),
                "voiced": np.mean(track > 0),
                "median_cents": np.median(np.abs(1200 * np.log2(ratio))),
                "ms_per_clip": 1000 * np.median(seconds[name]),
                "times_ours": np.median(np.divide(seconds[name], seconds["ours"])),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    """Compare on real recordings; with --short on a few, or on synthetic voices where there are none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder())
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--short", action="store_true", help=f"{SHORT_CLIPS} clips, synthetic where none are recorded")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    paths = speech_takes(arguments.folder)
    if not paths and not arguments.short:
        parser.exit(
            1, f"no RAVDESS speech under {arguments.folder}; name its folder, set SER_RAVDESS, or try --short\n"
        )
    count = SHORT_CLIPS if arguments.short else arguments.clips
    with threadpool_limits(1):
        table = compared(recorded(paths, count) if paths else sung_tones(count))
    print(f"{count} {'recorded' if paths else 'synthetic'} clips, {FLOOR_HZ:.0f} to {CEILING_HZ:.0f} Hz")
    print(table.round(4).to_string(index=False))
    write_json(table.to_dict("records"), arguments.json)


if __name__ == "__main__":
    main()
