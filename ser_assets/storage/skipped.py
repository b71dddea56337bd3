"""What was requested and left out, and why: the one place that the terminal, the report and `scores` read.

Table `skipped`: the asset that left it out (`model`), what it is, and the reason.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ser_assets.storage.tables import SKIPPED, records
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa


class Skipped(NamedTuple):
    """Something that was requested and left out: `protocol random_split`, and why."""

    what: str
    reason: str

    @property
    def line(self) -> str:
        """What and why, in a line."""
        return f"{self.what}: {self.reason}"


def skipped_table(asset: str, skipped: Iterable[Skipped]) -> "pa.Table":
    """Rows of the table `skipped` for what an asset left out."""
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in ("model", *Skipped._fields)])
    return pa.Table.from_pylist([{"model": asset, **each._asdict()} for each in skipped], schema=schema)


def skipped_by(warehouse: Warehouse, assets: Sequence[str]) -> list[Skipped]:
    """Read what these assets left out; what several left out for one reason is there once."""
    rows = records(warehouse, SKIPPED, "list_contains(?, model) ORDER BY rowid", [list(assets)])
    return list(dict.fromkeys(Skipped(row["what"], row["reason"]) for row in rows))


def all_skipped(warehouse: Warehouse) -> list[Skipped]:
    """Read all that was left out when models and report were last made, once each."""
    rows = records(warehouse, SKIPPED, "true ORDER BY rowid")
    return list(dict.fromkeys(Skipped(row["what"], row["reason"]) for row in rows))
