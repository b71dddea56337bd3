"""Recognises a database with the tables of an earlier layout, which is rebuilt and not converted."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

_OLD: Final = """
    SELECT table_name FROM duckdb_columns() WHERE database_name = current_database() AND (
        table_name IN ('held_out', 'leak_proof') OR (table_name = 'raw_videos' AND column_name = 'recording')
    ) LIMIT 1
"""


class OldLayoutError(ValueError):
    """A data folder was made by an earlier version; the message says how to rebuild it."""


def refuse_old_layout(connection: "duckdb.DuckDBPyConnection", path: object) -> None:
    """Raise OldLayoutError if the database has a table or a column that no longer exists.

    Args:
        connection: to the database.
        path: of the database, for the message.
    """
    if found := connection.execute(_OLD).fetchall():
        raise OldLayoutError(
            f"{path} has the tables of an earlier version (such as {found[0][0]}): move everything but the folder of "
            "recordings (raw) out of the data folder, then give `ser-assets run`"
        )
