"""The instance that `dagster.yaml` names: its history is in the data folder, and it has one daemon."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData

from ser_assets.environment import SettingsError, read_data_dir
from ser_assets.history.daemon_lock import DaemonRunningError, lock_for_this_process

FOLDER = "dagster"


class DataFolderInstance(dg.DagsterInstance):
    """A Dagster instance that keeps its history in the folder `dagster` of the data folder.

    Storage that `dagster.yaml` names, such as PostgreSQL, takes precedence. The process that reads `dagster.yaml`
    determines the folder once and passes its absolute path to the processes that it starts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            lock_for_this_process(Path(self.root_directory))
        except DaemonRunningError as error:
            raise click.ClickException(str(error)) from error

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """No settings in `dagster.yaml` beyond those of Dagster."""
        return {}

    @staticmethod
    def config_defaults(_: str) -> Mapping[str, ConfigurableClassData | None]:
        """Storage for everything that `dagster.yaml` does not place, instead of Dagster's own default folder."""
        try:
            folder = str(history_folder())
        except SettingsError as error:
            raise click.ClickException(str(error)) from error
        logs = ConfigurableClassData(
            "dagster._core.storage.local_compute_log_manager",
            "LocalComputeLogManager",
            json.dumps({"base_dir": str(Path(folder, "logs"))}),
        )
        return {**InstanceRef.config_defaults(folder), "compute_logs": logs}


def history_folder() -> Path:
    """Absolute path of the history in the present data folder.

    Raises:
        SettingsError: the settings name no usable folder.
    """
    return Path.cwd() / read_data_dir() / FOLDER
