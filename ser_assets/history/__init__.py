"""Dagster's history of runs: in the data folder, with one daemon; old runs removed, takes removed, backups."""

from ser_assets.history.instance import DataFolderInstance
from ser_assets.history.opening import HistoryError, history_warnings, open_history

__all__ = ["DataFolderInstance", "HistoryError", "history_warnings", "open_history"]
