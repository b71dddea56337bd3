"""The DuckDB file: who may open it when, and how rows replace other rows.

DuckDB lets one process at a time open a file that is written, readers included. Every process here takes the lock file
beside the database, opens it, does one short thing and closes it.
"""

import contextlib
import errno
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_assets.runtime.stopping import require_running
from ser_assets.storage.files import atomic_file, explain_full_disk, set_aside_if_possible
from ser_assets.storage.turns import Notices, TurnTimeoutError, turn

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

FILE_NAME = "ser.duckdb"
LOCK_SECONDS = 600.0
PAUSE_SECONDS = 0.2
SIGNS_OF_DAMAGE = (
    "Corrupt database file",
    "not a valid DuckDB",
    "Could not read enough bytes",
    "Failed to deserialize",
)
SIGNS_OF_NO_LOCKS = ("not supported", *map(os.strerror, (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)))
HOLDER = re.compile(r"held in (?P<program>.+) \(PID (?P<process>\d+)\)")


class WarehouseBusyError(TimeoutError):
    """Another program keeps the database open; the message names the file and the remedy."""


class LocksMissingError(OSError):
    """The file system of the database cannot lock files; the message names it and the remedy."""


class WarehouseDamagedError(OSError):
    """The database file was damaged, and has been set aside; the message names it and the remedy."""


@dataclass(frozen=True)
class Warehouse:
    """The tables of one corpus, in its folder."""

    folder: Path

    @property
    def path(self) -> Path:
        """The database file."""
        return self.folder / FILE_NAME

    @contextmanager
    def writing(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Open for writing, in one transaction: committed if the body ends well, otherwise rolled back."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with explain_full_disk(self.path), self._connection(read_only=False) as connection:
            connection.begin()
            try:
                yield connection
                require_running()
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Open for reading; the database must exist."""
        with self._connection(read_only=True) as connection:
            yield connection

    def query(self, sql: str, parameters: list[Any] | None = None) -> "pd.DataFrame":
        """Run a query and hand back its rows."""
        with self.reading() as connection:
            return connection.sql(sql, params=parameters or []).df()

    def query_arrow(self, sql: str, parameters: list[Any] | None = None) -> "pa.Table":
        """Run a query and hand back its rows as an Arrow table, lists as they are."""
        with self.reading() as connection:
            return connection.sql(sql, params=parameters or []).to_arrow_table()

    def query_if_there(self, table: str, sql: str, parameters: list[Any] | None = None) -> "pa.Table | None":
        """Run a query on a table, in one opening of the database; None where there is no such table."""
        if not self.path.exists():
            return None
        with self.reading() as connection:
            if not _exists(connection, table):
                return None
            return connection.sql(sql, params=parameters or []).to_arrow_table()

    def has_table(self, table: str) -> bool:
        """Whether the database exists and has the table."""
        if not self.path.exists():
            return False
        with self.reading() as connection:
            return _exists(connection, table)

    def verify(self) -> None:
        """Read all tables to the end; raises `WarehouseDamagedError` if the file is damaged."""
        if self.path.exists():
            with self.reading() as connection:
                for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    for _ in connection.sql(f'FROM "{table}"').to_arrow_reader():
                        pass

    def replace_rows(self, table: str, rows: "pa.Table", where: Mapping[str, str]) -> None:
        """Put `rows` in the place of the rows whose columns equal `where`; other rows stay."""
        with self.writing() as connection:
            replace_rows(connection, table, rows, where)

    @property
    def compaction_due(self) -> Path:
        """A file that is there as long as deleted rows may still be legible in the database."""
        return self.path.with_name(f"{FILE_NAME}.compact")

    def compact(self) -> None:
        """Write the database into a new file: deleted rows stay legible in the pages of the old one."""
        if not self.path.exists():
            self.compaction_due.unlink(missing_ok=True)
            return
        with self._connection(read_only=False) as connection, atomic_file(self.path) as part:
            name = connection.execute("SELECT current_database()").fetchall()[0][0]
            quoted = str(part).replace("'", "''")
            connection.execute(f"ATTACH '{quoted}' AS compacted")
            connection.execute(f"COPY FROM DATABASE {_quoted(name)} TO compacted")
            connection.execute("DETACH compacted")
        self.compaction_due.unlink(missing_ok=True)

    @contextmanager
    def _connection(self, *, read_only: bool) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Open the database when it is this process's turn; a second opening inside the body would wait for itself."""
        deadline = time.monotonic() + LOCK_SECONDS
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(turn(self.path, read_only=read_only, seconds=LOCK_SECONDS))
            except TurnTimeoutError as error:
                raise self._busy(str(error)) from error
            held.enter_context(self._damage_set_aside())
            connection = held.enter_context(contextlib.closing(self._connect(read_only, deadline)))
            yield connection

    @contextmanager
    def _damage_set_aside(self) -> Iterator[None]:
        """Set the database aside when it proves to be damaged: all of it can be made again."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            if not any(sign in str(error) for sign in SIGNS_OF_DAMAGE):
                raise
            # The journal goes first: it must never be replayed into a new database.
            journal = self.path.with_name(f"{self.path.name}.wal")
            if journal.exists():
                set_aside_if_possible(journal)
            aside = set_aside_if_possible(self.path)
            reason = str(error).partition("\n")[0]
            raise WarehouseDamagedError(
                f"{self.path} was damaged ({reason}) and {aside}: `ser-assets run` makes a new one"
            ) from error

    def _connect(self, read_only: bool, deadline: float) -> "duckdb.DuckDBPyConnection":
        """Wait for another program, which does not know of the lock file, to let go of the database."""
        import duckdb

        notices = Notices(str(self.path))
        while True:
            try:
                return duckdb.connect(self.path, read_only=read_only)
            except duckdb.IOException as error:
                reason = str(error)
                if "Could not set lock" not in reason:
                    raise
                if any(sign in reason for sign in SIGNS_OF_NO_LOCKS):
                    raise LocksMissingError(
                        f"the file system of {self.path} cannot lock files, and DuckDB needs that to write: name a "
                        "folder on a local disk with SER_DATA_DIR"
                    ) from error
                found = HOLDER.search(reason)
                holder = f"process {found['process']}: {found['program']}" if found else "another program"
                if time.monotonic() > deadline:
                    raise self._busy(holder) from error
                notices.tell(holder)
                time.sleep(PAUSE_SECONDS)

    def _busy(self, holder: str) -> WarehouseBusyError:
        return WarehouseBusyError(
            f"{self.path} has been in use for {LOCK_SECONDS:.0f} s by {holder}: close the program that holds it open"
        )


def replace_rows(
    connection: "duckdb.DuckDBPyConnection", table: str, rows: "pa.Table", where: Mapping[str, str]
) -> None:
    """Put `rows` in the place of the rows whose columns equal `where`, inside the caller's transaction.

    With nothing in `where` all rows go. The table takes the columns of `rows`: new ones are added, empty for other
    rows, and ones no longer there dropped.
    """
    connection.register("new_rows", rows)
    connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" AS FROM new_rows LIMIT 0')
    present, wanted = _types(connection, table), _types(connection, "new_rows")
    for name, kind in wanted.items():
        if name not in present:
            connection.execute(f'ALTER TABLE "{table}" ADD COLUMN {_quoted(name)} {kind}')
        elif kind != present[name]:
            connection.execute(f'ALTER TABLE "{table}" ALTER COLUMN {_quoted(name)} TYPE {kind}')
    for name in present:
        if name not in wanted:
            connection.execute(f'ALTER TABLE "{table}" DROP COLUMN {_quoted(name)}')
    condition = " AND ".join(f"{_quoted(name)} = ?" for name in where) or "true"
    connection.execute(f'DELETE FROM "{table}" WHERE {condition}', list(where.values()))
    connection.execute(f'INSERT INTO "{table}" BY NAME FROM new_rows')
    connection.unregister("new_rows")


def column_types(connection: "duckdb.DuckDBPyConnection") -> dict[str, dict[str, str]]:
    """DuckDB type of every column, by table and column."""
    types: dict[str, dict[str, str]] = {}
    stored = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()"
    for table, column, kind in connection.execute(stored).fetchall():
        types.setdefault(table, {})[column] = kind
    return types


def _quoted(name: str) -> str:
    """A column name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _exists(connection: "duckdb.DuckDBPyConnection", table: str) -> bool:
    return bool(connection.execute("FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall())


def _types(connection: "duckdb.DuckDBPyConnection", relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f'DESCRIBE FROM "{relation}"').fetchall()}
