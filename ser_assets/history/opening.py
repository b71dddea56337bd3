"""Opens the history of runs for the command `ser-assets`, with clear errors about its folder."""

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

    The output of steps is not captured, because that would hide the progress bars.

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
        _require_sqlite_path(folder)
        instance = dg.DagsterInstance.from_ref(reference)
        # Most tables are opened on the first query only.
        instance.get_runs(limit=1)
    except (HistoryError, click.ClickException):
        raise
    except Exception as error:
        reason = textwrap.shorten(str(error), REASON_SHOWN) or type(error).__name__
        raise HistoryError(
            f"the history of Dagster in {folder} cannot be opened ({reason}): check {home / 'dagster.yaml'} and the "
            "permission to write there, or name another folder with SER_DATA_DIR or DAGSTER_HOME"
        ) from error
    return instance


def history_warnings() -> list[str]:
    """Warn, in a process of Dagster's own commands, that its history is discarded, and where it would be stored."""
    if "dagster._cli" not in sys.modules or os.environ.get("DAGSTER_HOME") or Path("dagster.yaml").exists():
        return []
    ours = Path(ser_assets.__file__).resolve().parents[1]
    there = str(ours) if (ours / "dagster.yaml").exists() else "the folder of the dagster.yaml of ser-assets"
    warning = (
        f"{Path.cwd()} has no dagster.yaml, and DAGSTER_HOME is not set: the history of runs is discarded when this "
        f"command ends; start in {there}, or name it with DAGSTER_HOME"
    )
    return [warning]


def _home() -> Path | None:
    named = read_variable("DAGSTER_HOME")
    if not named:
        return Path.cwd() if Path("dagster.yaml").exists() else None
    home = Path(os.path.expanduser(named))  # noqa: PTH111 - an unknown ~ stays as it is and is rejected as relative
    remedy = "name an existing folder by its absolute path, or unset DAGSTER_HOME"
    if not home.is_absolute():
        raise HistoryError(f"DAGSTER_HOME={named} is not an absolute path: {remedy} (here {home.absolute()})")
    if not home.exists():
        raise HistoryError(f"DAGSTER_HOME={named} does not exist: {remedy} (`mkdir -p {home}` makes it)")
    if not home.is_dir():
        raise HistoryError(f"DAGSTER_HOME={named} is not a folder: {remedy}")
    return home


def _require_sqlite_path(folder: str) -> None:
    """Reject characters that have a meaning in the URL into which Dagster writes the folder."""
    if wrong := {"#", "?"} & set(folder):
        raise HistoryError(
            f"the history of Dagster cannot be in {folder}, because its path contains {' and '.join(sorted(wrong))}: "
            "name another folder with SER_DATA_DIR or DAGSTER_HOME"
        )
