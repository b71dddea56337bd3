"""What the benchmarks share: ways that take turns on the same items, medians and ratios, a table and JSON."""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from recordings import default_folder
from threadpoolctl import threadpool_limits

from ser_assets.runtime.worker_setup import keep_freed_memory

Item = TypeVar("Item")


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """Options of every benchmark: the folder of recordings, a short mode, a file for the figures."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=default_folder(), help="folder of real recordings")
    parser.add_argument("--short", action="store_true", help="only prove that it runs: few clips, the demo's voices")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    return parser


def in_turns(ways: Mapping[str, Callable[[Item], object]], items: Iterable[Item]) -> dict[str, list[float]]:
    """Seconds that each way takes on each item, one way after the other on every item, on one core.

    Each way is called once before, so that what it loads and caches does not count.
    """
    items = list(items)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    keep_freed_memory()
    with one_core():
        for way in ways.values():
            way(items[0])
        for item in items:
            for name, way in ways.items():
                seconds[name].append(seconds_of(partial(way, item)))
    return seconds


@contextmanager
def one_core() -> Iterator[None]:
    """Hold this process, and what it starts, to one core and its libraries to one thread."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, cores)


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds on the wall."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(seconds: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    """One row a way: median milliseconds, and the median of its ratios to the first way on the same item."""
    first = next(iter(seconds.values()))
    return [
        {
            "way": name,
            "median_ms": 1000 * float(np.median(taken)),
            "times_the_first": float(np.median(np.divide(taken, first))),
        }
        for name, taken in seconds.items()
    ]


def tell(headline: str, rows: Sequence[Mapping[str, Any]], path: Path | None) -> None:
    """Print the figures as a table, and write them as JSON where a path is given."""
    print(headline)
    print(pd.DataFrame(rows).round(3).to_string(index=False), flush=True)
    write_json({"headline": headline, "rows": list(rows)}, path)


def write_json(figures: object, path: Path | None) -> None:
    """Write figures where a path is given."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1))
