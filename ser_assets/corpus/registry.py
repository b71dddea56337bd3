"""The corpora that `SER_CORPUS` can name."""

from typing import Any, Final

from ser_assets.corpus.ravdess import Ravdess
from ser_assets.corpus.table.corpus import Table

TABLE: Final = "table"
"""Name in `SER_CORPUS` of a corpus that a table lists."""
CORPORA: Final[dict[str, type[Any]]] = {Ravdess.name: Ravdess, TABLE: Table}
"""Class of each corpus by the name in `SER_CORPUS`; all but `Table` are opened with the folder of recordings."""
