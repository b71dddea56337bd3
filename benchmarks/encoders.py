"""What an embedding costs: milliseconds a clip on one core, by encoder and precision, beside the functionals.

Run: `python benchmarks/encoders.py [--whisper NAME=MODEL …] [--encoder FILE.onnx …] [--short] [--json FILE]`. MODEL is
what `encoders.whisper_weights.read_whisper` reads: it is built in 32-bit floats and in 8-bit integers.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from timing import write_json

from ser_assets.audio.features.extract import extract_features
from ser_assets.corpus.demo.corpus import SAMPLING_RATE, perform
from ser_assets.corpus.ravdess import speech_takes
from ser_assets.encoders.choice import EMBEDDED_FILE
from ser_assets.encoders.encoder import Encoder
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets.encoders.whisper_weights import read_whisper

CLIP_SECONDS = (1, 3, 10)
RUNS = 21


def spoken(seconds: int) -> np.ndarray:
    """Speech of the demo corpus of this length."""
    clip = perform(speech_takes("01")[0])
    return np.tile(clip, 1 + seconds * SAMPLING_RATE // len(clip))[: seconds * SAMPLING_RATE]


def median_milliseconds(work: Callable[[], object], runs: int) -> float:
    """Median processor time of some work on one core, after a first run."""
    with threadpool_limits(1):
        work()
        times = []
        for _ in range(runs):
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
    return 1000 * float(np.median(times))


def built(name: str, model: Path, folder: Path) -> dict[str, Path]:
    """Encoder files of a Whisper model, in both precisions."""
    weights = read_whisper(model)
    files = {}
    for precision, int8 in (("fp32", False), ("int8", True)):
        path = folder / f"{name}_{precision}.onnx"
        path.write_bytes(whisper_onnx(weights, {"encoder": name}, int8=int8))
        files[f"{name} {precision}"] = path
    return files


def main() -> None:
    """Time each encoder and the functionals on clips of each length, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whisper", nargs="*", default=[], metavar="NAME=MODEL")
    parser.add_argument("--encoder", nargs="*", type=Path, default=[])
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    runs, lengths = (1, CLIP_SECONDS[:1]) if arguments.short else (RUNS, CLIP_SECONDS)
    clips = {seconds: spoken(seconds) for seconds in lengths}
    rows = []
    with TemporaryDirectory() as folder:
        files = {"embedded (whisper-tiny.en int8)": EMBEDDED_FILE, **{path.stem: path for path in arguments.encoder}}
        for pair in arguments.whisper:
            name, _, model = pair.partition("=")
            files |= built(name, Path(model), Path(folder))
        for name, path in files.items():
            encoder = Encoder(path)
            costs = {
                f"{seconds}_s_clip_ms": median_milliseconds(lambda e=encoder, c=clip: e.embed(c, SAMPLING_RATE), runs)
                for seconds, clip in clips.items()
            }
            opening = median_milliseconds(lambda p=path: Encoder(p), min(runs, 5))
            rows.append({"what": name, "megabytes": encoder.size / 1e6, "open_ms": opening, **costs})
    functionals = {
        f"{seconds}_s_clip_ms": median_milliseconds(lambda c=clip: extract_features(c, SAMPLING_RATE), runs)
        for seconds, clip in clips.items()
    }
    rows.append({"what": "functionals and mel sequence", **functionals})
    print(f"medians of {runs} runs, processor time of one core")
    print(pd.DataFrame(rows).round(1).to_string(index=False))
    write_json(rows, arguments.json)


if __name__ == "__main__":
    main()
