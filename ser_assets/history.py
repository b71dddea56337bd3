"""Dagster's history of runs: where it is, and what is wrong with the place."""

import os
import textwrap
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

REASON_SHOWN = 200


class HistoryError(OSError):
    """The history of runs cannot be opened; the message names the folder, the reason and the remedy."""


def open_history() -> dg.DagsterInstance:
    """Open the history of `DAGSTER_HOME`, or of the `dagster.yaml` in this folder; without either, one in memory.

    What steps print is not captured: that would keep the progress bars from the terminal.

    Raises:
        HistoryError: it cannot be opened.
    """
    home = _home()
    if home is None:
        return dg.DagsterInstance.ephemeral()
    _refuse_what_sqlite_cannot_open(home)
    no_capture = {"module": "dagster.core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    try:
        instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"compute_logs": no_capture}))
        # Most of its tables are opened only when they are asked.
        instance.get_runs(limit=1)
    except Exception as error:
        reason = textwrap.shorten(str(error), REASON_SHOWN) or type(error).__name__
        raise HistoryError(
            f"the history of Dagster in {home} cannot be opened ({reason}): see to {home / 'dagster.yaml'} and to the "
            "right to write there, or name another folder with DAGSTER_HOME"
        ) from error
    return instance


def _home() -> Path | None:
    named = os.environ.get("DAGSTER_HOME")
    if not named:
        return Path.cwd() if Path("dagster.yaml").exists() else None
    home = Path(os.path.expanduser(named))  # noqa: PTH111 - an unknown ~ stays as it is, and counts as relative
    remedy = "name a folder that exists by its whole path, or unset DAGSTER_HOME"
    if not home.is_absolute():
        raise HistoryError(f"DAGSTER_HOME={named} is not a whole path: {remedy} (here {home.absolute()})")
    if not home.exists():
        raise HistoryError(f"DAGSTER_HOME={named} is not there: {remedy} (`mkdir -p {home}` makes it)")
    if not home.is_dir():
        raise HistoryError(f"DAGSTER_HOME={named} is no folder: {remedy}")
    return home


def _refuse_what_sqlite_cannot_open(home: Path) -> None:
    """Dagster writes the folder into an address, in which these begin something else."""
    if wrong := {"#", "?"} & set(str(home)):
        raise HistoryError(
            f"the history of Dagster cannot be in {home}, for its path has {' and '.join(sorted(wrong))} in it: run in "
            "another folder, or name one with DAGSTER_HOME"
        )
