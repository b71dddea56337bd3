"""Tables whose cells have types: Parquet files and workbooks. Their cells become text, whole numbers without `.0`."""

import io
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.table.grid import Grid, Line, known_column

# A float tells whole numbers apart up to here; Excel itself rounds after 15 digits.
_EXACT = 10**15
_MOST_CELLS = 10_000_000
_USED = re.compile(rb'<dimension ref="[A-Z]+\d+:([A-Z]{1,3})(\d+)"')


def parquet_grid(path: Path, content: bytes) -> Grid:
    """Read the known columns of a Parquet file; rows count from 1.

    Raises:
        CorpusError: the file cannot be read, or there is no text in its cells.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        names = file.schema_arrow.names
        known = [name for name in names if known_column(name)]
        if len(set(known)) < len(known):
            return Grid(names, ())
        columns = [column.to_pylist() for column in file.read(columns=known).columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} is no Parquet file that can be read ({error})") from error
    header = [*known, *(name for name in names if name not in known)]
    rows = zip(*columns, strict=True)
    return Grid(header, _lines(path, rows, set(range(len(known))), lambda number: f"row {number} of {path.name}"))


def workbook_grids(path: Path, content: bytes) -> list[Grid]:
    """Read the sheets of an Excel or OpenDocument workbook that are not hidden; rows count as the program shows them.

    Raises:
        CorpusError: the workbook cannot be read, or is protected by a password.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

    grids = []
    # The library takes memory for all cells up to the last one, and aborts the process where there is none left.
    if cell := _farthest_cell(content):
        raise CorpusError(f"{path} has a sheet that reaches to cell {cell}: delete the cells beyond the table")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for sheet in book.sheets_metadata:
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
                cells = book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
                grids.append(_sheet_grid(path, sheet.name, cells))
    except PasswordError as error:
        raise CorpusError(f"{path} is a workbook that a password protects: save it without, or as CSV") from error
    except CalamineError as error:
        raise CorpusError(f"{path} is no workbook that can be read ({error}): save it as CSV in UTF-8") from error
    return grids


def _farthest_cell(content: bytes) -> str:
    """The last cell of a sheet that is too large; empty where none is, or where it is unknown."""
    # A damaged file is refused by the library that reads it.
    damaged = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError)
    with suppress(*damaged), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                with archive.open(name) as sheet:
                    used = _USED.search(sheet.read(4096))
                if used and _column(used[1]) * int(used[2]) > _MOST_CELLS:
                    return (used[1] + used[2]).decode()
    return ""


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _sheet_grid(path: Path, title: str, cells: list[list]) -> Grid:
    filled = ((number, row) for number, row in enumerate(cells, start=1) if any(cell != "" for cell in row))
    first, header = next(filled, (0, []))
    names = [str(cell) for cell in header]
    known = {position for position, name in enumerate(names) if known_column(name)}
    lines = _lines(path, iter(cells[first:]), known, lambda number: f"row {first + number} of {path.name}")
    return Grid(names, lines, title)


def _lines(path: Path, rows: Iterator, known: set[int], place_of: Callable[[int], str]) -> Iterator[Line]:
    """The rows as text; what stands in other than the known columns is of any type."""
    for number, cells in enumerate(rows, start=1):
        place = place_of(number)
        try:
            fields = [_text(cell) if position in known else str(cell) for position, cell in enumerate(cells)]
        except TypeError as error:
            raise CorpusError(f"{path}: {error} in {place}, where text should be") from error
        except OverflowError as error:
            yield Line(place, (), str(error))
            continue
        yield Line(place, fields)


def _text(cell: object) -> str:
    """The text of a cell; empty where it holds nothing.

    Raises:
        TypeError: a cell holds what cannot be a label; the message is its type.
        OverflowError: a cell holds a number whose last digits are lost.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        if math.isnan(cell):
            return ""
        if abs(cell) >= _EXACT:
            raise OverflowError(f"holds a number that has lost its last digits ({cell:g}): store it as text")
    if isinstance(cell, float | Decimal):
        return str(int(cell)) if cell % 1 == 0 else str(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(cell, bool | int | date | time | timedelta):
        return str(cell)
    raise TypeError(type(cell).__name__)
