"""What a declaration of a table consists of, and how a stored table is compared with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column, or a family of columns of one type.

    Attributes:
        name: of the column; a family has a part in angle brackets, such as `p_<emotion>`.
        type: as DuckDB names it.
        description: what it holds.
        unit: of its numbers; empty without one.
    """

    name: str
    type: str
    description: str
    unit: str = ""

    @property
    def is_family(self) -> bool:
        """Whether it stands for any number of columns."""
        return "<" in self.name

    def holds(self, name: str) -> bool:
        """Whether a stored column of this name belongs here."""
        return bool(re.fullmatch(re.sub(r"<\w+>", ".+", self.name), name))


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: of the table.
        filled_by: assets that fill it; `models` stands for every model of the catalogue.
        row: what a row is.
        columns: its columns.
    """

    name: str
    filled_by: tuple[str, ...]
    row: str
    columns: tuple[Column, ...]


def deviations(table: Table, stored: Mapping[str, str]) -> list[str]:
    """Compare a stored table with its declaration.

    Args:
        table: the declaration.
        stored: DuckDB type of each stored column, by name.

    Returns:
        One phrase for each column that is missing, undeclared, or of another type; none if all is as declared.

    Examples:
        >>> scores = Table("scores", ("metrics_report",), "one score", (Column("value", "DOUBLE", "the score"),))
        >>> deviations(scores, {"value": "DOUBLE"})
        []
        >>> deviations(scores, {"value": "VARCHAR", "uar": "DOUBLE"})
        ['value is VARCHAR, not DOUBLE', 'uar is not declared']
    """
    found = []
    single = {column.name: column for column in table.columns if not column.is_family}
    families = [column for column in table.columns if column.is_family]
    found += [f"{name} is missing" for name in single if name not in stored]
    for name, kind in stored.items():
        column = single.get(name) or next((family for family in families if family.holds(name)), None)
        if column is None:
            found.append(f"{name} is not declared")
        elif kind != column.type:
            found.append(f"{name} is {kind}, not {column.type}")
    return found
