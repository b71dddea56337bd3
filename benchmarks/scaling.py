"""How wall time and memory grow with takes and fall with workers: wav to features by the command of the README.

Run: `python benchmarks/scaling.py [FOLDER] [--short] [--json FILE]`. FOLDER holds recordings in Actor_NN folders.
Memory is that of all processes together, what they share counted once. The last rows run again on what is there.
"""

import itertools
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from platform_runs import new_folder, to_features
from recordings import demo_films, speech_takes
from timing import parser_of, tell

TAKES_OF_AN_ACTOR = 60
SIZES = (150, 300, 600, 1200)
SHORT_SIZES = (15, 30)
WORKERS = (1, 2)


def laid_out(folder: Path, actors: list[list[Path]], size: int) -> list[str]:
    """Link so many takes, of as few actors as have them and of all emotions alike; tell the actors."""
    chosen = actors[: -(-size // TAKES_OF_AN_ACTOR)]
    for takes in chosen:
        for index in np.linspace(0, len(takes) - 1, size // len(chosen)).round().astype(int):
            link = folder / takes[index].parent.name / takes[index].name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(takes[index].resolve())
    return sorted(path.name[-2:] for path in folder.iterdir())


def main() -> None:
    """Run every size with every number of workers, print a table."""
    arguments = parser_of(__doc__).parse_args()
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        takes = demo_films(folder / "demo", TAKES_OF_AN_ACTOR) if arguments.short else speech_takes(arguments.folder)
        by_actor = [list(group) for _, group in itertools.groupby(takes, key=lambda take: take.parent)]
        for size in SHORT_SIZES if arguments.short else SIZES:
            actors = laid_out(folder / f"{size} takes", by_actor, size)
            for workers in (count for count in WORKERS if count <= len(os.sched_getaffinity(0))):
                work = new_folder(folder / f"{size} takes, {workers} workers", folder / f"{size} takes")
                first = to_features(work, actors, workers)
                again = to_features(work, actors, workers)
                rows.append(
                    {
                        "takes": size,
                        "workers": workers,
                        "seconds": first.seconds,
                        "ms_a_take": 1000 * first.seconds / size,
                        "megabytes": first.megabytes,
                        "seconds_unchanged": again.seconds,
                    }
                )
    tell("recordings to features, as many cores as workers", rows, arguments.json)


if __name__ == "__main__":
    main()
