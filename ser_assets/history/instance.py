"""The instance that `dagster.yaml` names: a history in the data folder, and one daemon for it."""

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

    Only what `dagster.yaml` leaves out is kept there; storage that it names, such as PostgreSQL, is used. The folder is
    found once, by the process that reads `dagster.yaml`; processes that it starts are given its whole path.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            lock_for_this_process(Path(self.root_directory))
        except DaemonRunningError as error:
            raise click.ClickException(str(error)) from error

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """The instance has no settings in `dagster.yaml` beside Dagster's."""
        return {}

    @staticmethod
    def config_defaults(_: str) -> Mapping[str, ConfigurableClassData | None]:
        """Where everything is stored that `dagster.yaml` gives no place, whatever folder Dagster itself would use."""
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
    """Whole path of the folder in the data folder of now.

    Raises:
        SettingsError: the settings name no folder that can be used.
    """
    return Path.cwd() / read_data_dir() / FOLDER
