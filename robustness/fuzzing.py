"""Mutated recordings through the inventory, in a child process with limits of time and memory.

`python -m robustness.fuzzing --count 5000` takes real recordings (those of SER_RAVDESS) and prints what became of
them. Mutations that crash or hang the child are kept in `--keep`.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotInTimeError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SECONDS_A_RECORDING = 20.0
MOST_BYTES = 3 << 30
HEADER_BYTES = 400
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)


@dataclass
class Outcomes:
    """What became of mutations: how many were accepted, rejected by problem, and which broke the child."""

    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    without_reason: list[str] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)

    @property
    def broken_promises(self) -> list[str]:
        """Mutations that were neither accepted with finite samples nor rejected with a reason."""
        return [*self.without_reason, *self.not_finite]

    def __str__(self) -> str:
        rejected = ", ".join(f"{count} {problem}" for problem, count in self.rejected.most_common())
        return (
            f"{self.accepted} accepted with finite samples; "
            f"{self.rejected.total()} rejected with a reason ({rejected}); "
            f"{len(self.crashed)} crashed the child, {len(self.hung)} hung it; "
            f"{len(self.broken_promises)} without reason or with samples that are not finite"
        )


def mutated(content: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """Damage a recording in one of six ways; half of the time near its beginning, where the structure is."""
    data = bytearray(content)
    reach = min(HEADER_BYTES, len(data)) if random.random() < 0.5 else len(data)
    position = int(random.integers(reach))
    size = int(random.integers(1, max(2, len(data) // 8)))
    match int(random.integers(6)):
        case 0:
            for place in random.integers(reach, size=int(random.integers(1, 20))):
                data[place] ^= int(random.integers(1, 256))
        case 1:
            for place in range(position, min(position + 4, len(data))):
                data[place] = EXTREMES[int(random.integers(len(EXTREMES)))]
        case 2:
            del data[int(random.integers(len(data))) :]
        case 3:
            data[position : position + size] = bytes(len(data[position : position + size]))
        case 4:
            data[position:position] = data[position : position + size]
        case _:
            data[position : position + size] = other[position : position + size]
    return bytes(data)


def look_at(path: Path) -> tuple[str, str, bool]:
    """Status, problem or reason that is missing, and whether the samples are finite; in the child."""
    from ser_assets.audio.decoding.mono import load_mono
    from ser_assets.corpus.interface import Entry, Take
    from ser_assets.corpus.inventory import InspectionTask, inspect_recording

    row = inspect_recording(InspectionTask(Entry(path, path.name, "01", Take("a take", "01", "happy"))))
    if row.status == "rejected":
        return row.status, str(row.problem) if row.reason else "", True
    return row.status, "", bool(np.isfinite(load_mono(path, 22050)).all())


def fuzz(sources: Sequence[Path], count: int, seed: int = 0, keep: Path | None = None) -> Iterator[Outcomes]:
    """Send mutations of recordings through the inventory; hands out the outcomes so far, after each."""
    random = np.random.default_rng(seed)
    contents = [(path, path.read_bytes()) for path in sources]
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as folder:
        child = _child()
        for number in range(count):
            path, content = contents[number % len(contents)]
            _, other = contents[int(random.integers(len(contents)))]
            case = Path(folder) / f"{number}{path.suffix}"
            case.write_bytes(mutated(content, other, random))
            try:
                status, problem, finite = child.submit(look_at, case).result(SECONDS_A_RECORDING)
            except (BrokenProcessPool, NotInTimeError) as error:
                broken = outcomes.crashed if isinstance(error, BrokenProcessPool) else outcomes.hung
                broken.append(case.name)
                _end(child)
                child = _child()
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / case.name).write_bytes(case.read_bytes())
            else:
                _count(outcomes, case.name, status, problem, finite=finite)
            case.unlink()
            yield outcomes
        _end(child)


def _count(outcomes: Outcomes, name: str, status: str, problem: str, *, finite: bool) -> None:
    if status == "rejected":
        if problem:
            outcomes.rejected[problem] += 1
        else:
            outcomes.without_reason.append(name)
    elif finite:
        outcomes.accepted += 1
    else:
        outcomes.not_finite.append(name)


def _child() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_limit_memory)


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def _end(child: ProcessPoolExecutor) -> None:
    for process in list((child._processes or {}).values()):
        process.kill()
    child.shutdown(wait=True, cancel_futures=True)


def _sources() -> list[Path]:
    """Six flac, the same as wav, and the five original films with sound."""
    import soundfile

    from ser_assets_tests.conftest import real_recordings

    folder = real_recordings()
    if folder is None:
        sys.exit("no real recordings: set SER_RAVDESS to the folder that holds Actor_01, Actor_02, …")
    flac = sorted(folder.glob("Actor_*/*.flac"))[::200]
    beside = Path(tempfile.mkdtemp())
    wav = [beside / f"{path.stem}.wav" for path in flac]
    for source, target in zip(flac, wav, strict=True):
        samples, rate = soundfile.read(source, dtype="int16")
        soundfile.write(target, samples, rate, subtype="PCM_16")
    return [*flac, *wav, *sorted((folder / "clips_av").glob("01-*.mp4"))]


def main() -> None:
    """Print what becomes of mutations of real recordings."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for those that crash or hang the child")
    arguments = parser.parse_args()
    begun = time.monotonic()
    outcomes = Outcomes()
    for done, outcomes in enumerate(fuzz(_sources(), arguments.count, arguments.seed, arguments.keep), start=1):
        if done % 500 == 0:
            print(f"{done}: {outcomes}", flush=True)
    print(f"{arguments.count} mutations in {time.monotonic() - begun:.0f} s: {outcomes}")
    print("crashed", outcomes.crashed, "hung", outcomes.hung, "broken promises", outcomes.broken_promises)
    sys.exit(1 if outcomes.broken_promises else 0)


if __name__ == "__main__":
    main()
