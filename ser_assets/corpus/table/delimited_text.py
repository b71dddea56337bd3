"""Text tables: their encoding, their delimiter, and rows that do not have the fields of the header."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.table.grid import NEEDED, Grid, Line

if TYPE_CHECKING:
    import _csv

_DELIMITERS = ",;\t|"
_ROWS_TO_COMPARE = 200
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "'|'"}
_LINE_END = re.compile(r"\r\n|\r|\n")
# Excel writes and obeys this first line.
_EXCEL_DELIMITER = re.compile(r'"?sep=([^"\s]|\t)"?(?:\r\n|\r|\n)', re.IGNORECASE)
_FILE_NAME = re.compile(r"\.\w{1,5}$")
# UTF-32 first: its mark begins like that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def csv_grid(path: Path, content: bytes) -> Grid:
    """Read a text table; a row with another number of fields than the header comes with that as its problem.

    Raises:
        CorpusError: the text cannot be decoded, or its quotes cannot be read.
    """
    text = _decoded(path, content)
    if named := _EXCEL_DELIMITER.match(text):
        # A line without text in its place: lines are counted as an editor counts them.
        delimiter, text = named[1], "\n" + text[named.end() :]
    else:
        delimiter = max(_DELIMITERS, key=lambda each: _consistency(text, each))
    rows = _rows(path, text, delimiter)
    _, header = next(rows, (0, []))
    return Grid(header, _lines(path, rows, len(header), delimiter, _LINE_END.split(text)))


def _decoded(path: Path, content: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        name = encoding.removesuffix("-sig").upper()
        raise CorpusError(f"{path} is not {name} in line {line} ({error.reason}): save it as UTF-8") from error
    if "\0" in text.partition("\n")[0]:
        raise CorpusError(f"{path} is no text table: there are NUL bytes in its first line; save it as UTF-8")
    return text


def _consistency(text: str, delimiter: str) -> tuple[int, int]:
    """How well a delimiter fits: the needed columns that it finds, and the rows with as many fields as the header."""
    rows: list[list[str]] = []
    # An open quote raises its own error, with its line, when the whole table is read.
    with suppress(csv.Error):
        rows.extend(islice(filter(_holds_something, _reader(text, delimiter, strict=False)), _ROWS_TO_COMPARE))
    if not rows:
        return 0, 0
    header, *others = rows
    return len(NEEDED) - len(Grid(header, ()).missing), sum(len(row) == len(header) for row in others)


def _reader(text: str, delimiter: str, *, strict: bool = True) -> "_csv.Reader":
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict, skipinitialspace=True)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its first line."""
    reader = _reader(text, delimiter)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            unclosed = "unexpected end" in str(error) or "field limit" in str(error)
            reason = "a quote is opened there and never closed" if unclosed else f"its quotes cannot be read, {error}"
            raise CorpusError(
                f"{path}, line {number}: {reason}; close it, or write a quote inside a field as two"
            ) from error
        if _holds_something(row):
            yield number, row


def _lines(
    path: Path, rows: Iterator[tuple[int, list[str]]], width: int, delimiter: str, written: list[str]
) -> Iterator[Line]:
    for number, row in rows:
        problem = ""
        if swallowed := _row_inside(row, width, delimiter, written, number):
            problem = f"holds line {swallowed} too, which looks like a row: is a quote not closed?"
        elif len(row) != width:
            detail = _NAMES.get(delimiter, repr(delimiter))
            remedy = f"quote a field that holds {detail}" if len(row) > width else f"put {detail} between all fields"
            problem = f"has {len(row)} field{'' if len(row) == 1 else 's'} and the header {width}: {remedy}"
        yield Line(f"line {number} of {path.name}", row, problem)


def _row_inside(row: list[str], width: int, delimiter: str, written: list[str], first: int) -> int:
    """The number of a line inside a row of several lines that is itself like a row; 0 where there is none."""
    more = sum(len(_LINE_END.findall(field)) for field in row)
    for number in range(first + 1, first + more + 1):
        fields = written[number - 1].split(delimiter)
        if len(fields) == width and any(_FILE_NAME.search(field.strip(' "')) for field in fields):
            return number
    return 0


def _holds_something(row: list[str]) -> bool:
    return any(field.strip() for field in row)
