"""Opens the history of runs for the command `ser-assets`, and says what is wrong with the place."""

import os
import sys
import textwrap
from pathlib import Path

import click
import dagster as dg
from dagster._core.instance.ref import InstanceRef

import ser_assets
from ser_assets.environment import read_variable

REASON_SHOWN = 200


class HistoryError(OSError):
    """The history of runs cannot be opened; the message names the folder, the reason and the remedy."""


def open_history() -> dg.DagsterInstance:
    """Open the history that `DAGSTER_HOME` or the `dagster.yaml` in this folder names; without either, one in memory.

    What steps print is not captured: that would keep the progress bars from the terminal.

    Raises:
        HistoryError: it cannot be opened.
    """
    home = _home()
    if home is None:
        return dg.DagsterInstance.ephemeral()
    folder = str(home)
    no_capture = {"module": "dagster.core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    try:
        reference = InstanceRef.from_dir(folder, overrides={"compute_logs": no_capture})
        folder = reference.local_artifact_storage.base_dir
        _refuse_what_sqlite_cannot_open(folder)
        instance = dg.DagsterInstance.from_ref(reference)
        # Most of its tables are opened only when they are asked.
        instance.get_runs(limit=1)
    except (HistoryError, click.ClickException):
        raise
    except Exception as error:
        reason = textwrap.shorten(str(error), REASON_SHOWN) or type(error).__name__
        raise HistoryError(
            f"the history of Dagster in {folder} cannot be opened ({reason}): see to {home / 'dagster.yaml'} and to "
            "the right to write there, or name another folder with SER_DATA_DIR or DAGSTER_HOME"
        ) from error
    return instance


def history_warnings() -> list[str]:
    """Say, in a process of Dagster's own commands, that what happens here is not remembered, and where it would be."""
    if "dagster._cli" not in sys.modules or os.environ.get("DAGSTER_HOME") or Path("dagster.yaml").exists():
        return []
    ours = Path(ser_assets.__file__).resolve().parents[1]
    there = str(ours) if (ours / "dagster.yaml").exists() else "the folder of the dagster.yaml of ser-assets"
    warning = (
        f"{Path.cwd()} has no dagster.yaml, and DAGSTER_HOME is not set: the history of runs is thrown away when this "
        f"command ends; start in {there}, or name it with DAGSTER_HOME"
    )
    return [warning]


def _home() -> Path | None:
    named = read_variable("DAGSTER_HOME")
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


def _refuse_what_sqlite_cannot_open(folder: str) -> None:
    """Dagster writes the folder into an address, in which these begin something else."""
    if wrong := {"#", "?"} & set(folder):
        raise HistoryError(
            f"the history of Dagster cannot be in {folder}, for its path has {' and '.join(sorted(wrong))} in it: name "
            "another folder with SER_DATA_DIR or DAGSTER_HOME"
        )
