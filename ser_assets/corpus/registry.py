"""The corpora that `SER_CORPUS` can name."""

from typing import Final

from ser_assets.corpus.ravdess import Ravdess
from ser_assets.corpus.table.corpus import Table

CORPORA: Final[dict[str, "type[Ravdess] | type[Table]"]] = {"ravdess": Ravdess, "table": Table}
"""Class of each corpus by the name in `SER_CORPUS`."""
