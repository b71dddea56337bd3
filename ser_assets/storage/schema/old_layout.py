"""Recognises a database with the tables of an earlier layout, which is rebuilt and not converted."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

_OLD_TABLES: Final = frozenset({"held_out", "leak_proof"})
_OLD_COLUMN: Final = ("raw_videos", "recording")


class OldLayoutError(ValueError):
    """A data folder was made by an earlier version; the message says how to rebuild it."""


def refuse_old_layout(connection: "duckdb.DuckDBPyConnection", path: object) -> None:
    """Raise OldLayoutError if the database has a table or a column that no longer exists.

    Args:
        connection: to the database.
        path: of the database, for the message.
    """
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    table, column = _OLD_COLUMN
    # `duckdb_columns()` would list the 1,700 columns of `features` whenever the database is opened.
    columns = connection.execute(f"DESCRIBE {table}").fetchall() if table in tables else []
    old = sorted(_OLD_TABLES & tables) + [f"{table}.{name}" for name, *_ in columns if name == column]
    if old:
        raise OldLayoutError(
            f"{path} has the tables of an earlier version (such as {old[0]}): move everything but the folder of "
            "recordings (raw) out of the data folder, then give `ser-assets run`"
        )
