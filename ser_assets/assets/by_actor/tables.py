"""From the files of an asset, one an actor, into DuckDB tables."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ser_assets.corpus.forgotten import refuse_forgotten
from ser_assets.storage.actor_files import ActorFiles, ClipsDamagedError
from ser_assets.storage.tables import records
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pyarrow as pa

TableRows = Callable[["pa.Table", str, str], "pa.Table"]
"""Rows of a table from those of a file, the name of the corpus and the recipe of the file."""


def fill_tables(
    asset: str,
    tables: Mapping[str, TableRows],
    warehouse: Warehouse,
    actor_files: ActorFiles,
    corpus: str,
    actors: Sequence[str],
) -> dict[str, Exception]:
    """Put what is stored of these actors into tables, all in one transaction, where it is not there already.

    An actor whose file proves to be damaged keeps the rows of before.

    DuckDB rewrites much of a table of 1700 columns at every transaction: one for all takes a fraction of one for each.

    Args:
        asset: whose files are read.
        tables: how the rows of each table are made; the first table states what is there already.
        warehouse: tables of the corpus.
        actor_files: files of the corpus.
        corpus: its name.
        actors: whose files are read.

    Returns:
        The error of each actor whose file is damaged.
    """
    in_tables: dict[str, dict[str, str]] = defaultdict(dict)
    first = next(iter(tables))
    for row in records(warehouse, first, "true", columns=["DISTINCT actor", "take_id", "input_fingerprint"]):
        in_tables[row["actor"]][row["take_id"]] = row["input_fingerprint"]
    new = [actor for actor in actors if actor_files.input_fingerprint(asset, actor) != in_tables[actor]]
    damaged: dict[str, Exception] = {}
    if not new:
        return damaged
    with warehouse.writing() as connection:
        for actor in new:
            try:
                rows, recipe = actor_files.rows(asset, actor), actor_files.recipe(asset, actor)
            except ClipsDamagedError as error:
                damaged[actor] = error
                continue
            refuse_forgotten(warehouse.folder, [actor])
            for table, rows_of in tables.items():
                replace_rows(connection, table, rows_of(rows, corpus, recipe), {"actor": actor})
    return damaged
