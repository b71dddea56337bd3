"""One training at a time in a data folder, whoever started it: the models and what is made from them wait their turn.

The pool `training` has Dagster queue the runs that it launches. This lock also holds where the instance has no such
limit, and for runs that a shell starts.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import dagster as dg

from ser_assets.settings import Settings
from ser_assets.storage.turns import process_that_holds, turn

Given = ParamSpec("Given")
Made = TypeVar("Made")

POOL: Final = "training"
FILE_NAME: Final = "training"
WEEK_SECONDS: Final = 7 * 24 * 3600.0

_held: dict[Path, ExitStack] = {}
_runs: list[None] = []


@contextmanager
def training_turn(context: dg.AssetExecutionContext, settings: Settings) -> Iterator[None]:
    """Wait until no other run trains on this data folder; log what this run waits for.

    The turn lasts to the end of the body, or to the end of the run inside `kept_until_the_run_ends`.
    """
    folder = settings.data_dir.absolute()
    if folder not in _held:
        with ExitStack() as stack:
            folder.mkdir(parents=True, exist_ok=True)
            lock = turn(
                folder / FILE_NAME,
                read_only=False,
                seconds=WEEK_SECONDS,
                what=f"another training in {folder}",
                about=f"run {context.run_id}",
                warn=context.log.warning,
            )
            stack.enter_context(lock)
            _held[folder] = stack.pop_all()
    try:
        yield
    finally:
        if not _runs:
            _release()


@contextmanager
def kept_until_the_run_ends() -> Iterator[None]:
    """Keep a turn that an asset takes inside the body until the body ends: models and report belong together."""
    _runs.append(None)
    try:
        yield
    finally:
        _runs.pop()
        if not _runs:
            _release()


def in_training_turn(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Have an asset that trains, or uses what was trained, wait for its turn; `settings` is one of its resources."""

    @functools.wraps(function)
    def step(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        context, settings = args[0], kwargs["settings"]
        with training_turn(context, settings):  # type: ignore[arg-type]
            return function(*args, **kwargs)

    return step


def other_training(data_dir: Path) -> str:
    """Name the process and run that train on a data folder now; empty where none does."""
    return process_that_holds(data_dir.absolute() / FILE_NAME)


def _release() -> None:
    while _held:
        with contextlib.suppress(OSError):
            _held.popitem()[1].close()
