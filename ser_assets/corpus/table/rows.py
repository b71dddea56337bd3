"""The rows of a table with their values, checked: which columns there are, and which values are missing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.spelling import is_missing, plain
from ser_assets.corpus.table.columns import refuse_misleading, unused
from ser_assets.corpus.table.files import read_grids
from ser_assets.corpus.table.grid import NEEDED, OPTIONAL, Grid, Line, known_column

# A spreadsheet shows a long number so, and writes it so into a CSV file.
_SHORTENED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+")
_SHOWN = 60


class Row(NamedTuple):
    """One row: plain values, empty where they are missing, and where it stands.

    `problem` says why its values are not to be trusted. `missing` has what stands where a value is missing: `N/A`.
    """

    place: str
    values: Mapping[str, str]
    problem: str = ""
    missing: Mapping[str, str] = {}


class Rows(NamedTuple):
    """The rows of a table that hold something, and the headings of columns that are not read."""

    rows: Sequence[Row]
    unused: Sequence[str]


def read_table(path: Path) -> Rows:
    """Read a table.

    Raises:
        CorpusError: the table cannot be read, lacks a column, names one twice, or has one that misleads.
    """
    grid = _grid_with_columns(path, read_grids(path))
    if twice := {name: found for name, found in grid.columns.items() if len(found) > 1}:
        name, found = next(iter(twice.items()))
        places = " and ".join(str(position + 1) for position in found)
        raise CorpusError(f"{path} names the column {name} twice (columns {places}): rename or remove one of them")
    refuse_misleading(path, grid.header)
    return Rows(list(_rows(grid)), unused(grid.header))


def _rows(grid: Grid) -> Iterator[Row]:
    positions = {name: found[0] for name, found in grid.columns.items()}
    unnamed = tuple(grid.unnamed_after_known())
    for line in grid.lines:
        if line.problem:
            yield Row(line.place, {}, line.problem)
        elif any(field.strip() for field in line.fields):
            yield _row(line, positions, unnamed)


def _grid_with_columns(path: Path, grids: list[Grid]) -> Grid:
    """The one sheet that has the columns that a table needs."""
    fitting = [grid for grid in grids if not grid.missing]
    if len(fitting) > 1:
        titles = ", ".join(repr(grid.title) for grid in fitting)
        raise CorpusError(f"{path} has {len(fitting)} sheets with recordings ({titles}): keep one, or hide the others")
    if fitting:
        return fitting[0]
    closest = min(grids, key=lambda grid: len(grid.missing), default=Grid((), ()))
    sheets = f" in any of its sheets ({', '.join(repr(grid.title) for grid in grids)})" if len(grids) > 1 else ""
    found = ", ".join(filter(None, map(plain, closest.header)))
    detail = f"; it reads {found if len(found) <= _SHOWN else found[:_SHOWN] + '…'!r}" if found else ""
    raise CorpusError(
        f"{path} has no column {', '.join(closest.missing or NEEDED)}{sheets}: its first line should read "
        f"{','.join(NEEDED)}, and {', '.join(OPTIONAL)} may follow{detail}"
    )


def _row(line: Line, positions: Mapping[str, int], unnamed: tuple[int, ...]) -> Row:
    values, missing = {}, {}
    for name, position in positions.items():
        field = line.fields[position]
        # A path stays as it is written: a file may be called anything.
        value = field.strip() if name == "path" else plain(field)
        if is_missing(value):
            value, missing[name] = "", value
        values[name] = field if value and name == "path" else value
    problem = ""
    if all(known_column(values[name]) == name for name in NEEDED):
        problem = "repeats the header"
    if beyond := [field for position in unnamed if (field := line.fields[position].strip())]:
        problem = f"has {beyond[0][:_SHOWN]!r} in a column without a name: name it, or quote what has moved it there"
    for name in ("speaker", "take_id"):
        if _SHORTENED.fullmatch(values.get(name, "")):
            problem = f"has the {name} {values[name]}, a number that a spreadsheet has shortened: store it as text"
    return Row(line.place, values, problem, missing)
