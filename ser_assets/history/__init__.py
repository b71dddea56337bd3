"""Dagster's history of runs: its place in the data folder, its one daemon, pruning, removal of takes, backups.

Assets and jobs do not belong here. Other packages call `open_history`; `dagster.yaml` names `DataFolderInstance`.
"""

from ser_assets.history.instance import DataFolderInstance
from ser_assets.history.opening import HistoryError, history_warnings, open_history

__all__ = ["DataFolderInstance", "HistoryError", "history_warnings", "open_history"]
