"""Dagster's history of runs: it goes with the data folder, one daemon serves it, and old runs can be removed."""

from ser_assets.history.instance import DataFolderInstance
from ser_assets.history.opening import HistoryError, history_warnings, open_history

__all__ = ["DataFolderInstance", "HistoryError", "history_warnings", "open_history"]
