"""A table is recognised by its content: read, whatever its ending, or refused by its right name."""

import bz2
import datetime
import gzip
import io
import lzma
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.table import files
from ser_assets_tests.factories.corpus_tables import LABELS, ROWS, labels, left_out, table

CELLS = [["path", "speaker", "emotion"], ["a.wav", "Ann", "joy"], ["b.wav", "Bob", "fear"]]


def workbook(*sheets: Sequence[Sequence[object]], hidden: Sequence[int] = (), first_row: int = 0) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "yyyy-mm-dd"}) as book:
        for number, rows in enumerate(sheets):
            sheet = book.add_worksheet(f"Sheet {number}")
            for row, cells in enumerate(rows, start=first_row):
                sheet.write_row(row, 0, cells)
            if number in hidden:
                sheet.hide()
    return content.getvalue()


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inside in files.items():
            archive.writestr(name, inside)
    return content.getvalue()


def opendocument(rows: Sequence[Sequence[str]]) -> bytes:
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "manifest")
    )
    sheet = f'<table:table table:name="S">{cells}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    return zipped(
        **{
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"<office:document-content {spaces}>{body}</office:document-content>".encode(),
            "META-INF/manifest.xml": f"<manifest:manifest {spaces}/>".encode(),
        }
    )


def parquet(columns: dict[str, object]) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(columns), content)
    return content.getvalue()


def zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PARQUET = {"path": ["a.wav", "b.wav"], "speaker": ["Ann", "Bob"], "emotion": ["joy", "fear"]}


@pytest.mark.parametrize("name", ["voices.csv", "voices.dat", "voices"])
@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode("utf-16"),
        ROWS.encode("utf-32"),
        ROWS.replace("\n", "\r").encode(),
        workbook(CELLS),
        workbook([["notes"]], [], CELLS),
        workbook(CELLS, CELLS, hidden=[1]),
        workbook(CELLS, first_row=4),
        opendocument(CELLS),
        parquet(PARQUET),
        gzip.compress(ROWS.encode()),
        bz2.compress(ROWS.encode()),
        lzma.compress(ROWS.encode()),
        zstandard(ROWS.encode()),
        zipped(**{"corpus/voices.csv": ROWS.encode(), "__MACOSX/._voices.csv": b"?"}),
        gzip.compress(workbook(CELLS)),
    ],
    ids=lambda content: repr(content[:4]),
)
def test_a_table_is_read_whatever_its_ending(tmp_path: Path, content: bytes, name: str) -> None:
    assert labels(table(tmp_path, content, name)) == LABELS


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'[{"path": "a.wav"}]', "is JSON"),
        (b"\xef\xbb\xbf <html><table>", "is HTML or XML"),
        (b"ARROW1\0\0", "is an Arrow or Feather file"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"%PDF-1.7", "is a PDF"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        (b"RIFF\0\0\0\0WAVE", "is a recording"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is no workbook that can be read"),
        (zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<x/>"}), "is no workbook"),
        (zipped(**{"Index/Document.iwa": b"?"}), "is a document of Apple Numbers"),
        (zipped(**{"a.csv": b"a", "b.csv": b"b"}), r"is a zip file of 2 files \(a.csv, b.csv\)"),
        (ROWS.encode("utf-16-le"), "is no text table: there are NUL bytes in its first line"),
        (gzip.compress(ROWS.encode())[:-9], "cannot be unpacked"),
        (zstandard(ROWS.encode())[:-3], "cannot be unpacked"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"")))), "is compressed more than 3 times"),
        (workbook(CELLS)[:-30], "is a damaged zip file or workbook"),
        (workbook(CELLS, CELLS), r"has 2 sheets with recordings \('Sheet 0', 'Sheet 1'\)"),
        (workbook([["who"]], []), r"has no column path, speaker, emotion in any of its sheets .*; it reads 'who'"),
        (parquet({**PARQUET, " Path": ["a", "b"]}), "names the column path twice"),
        (parquet({"path": ["a"], "speaker": ["b"], "emotion": [["joy", "fear"]]}), "list in row 1"),
        ("path,speaker,emotion\na.wav,Ann,joy\nb.wav,Zoë,joy\n".encode("latin-1"), "is not UTF-8 in line 3"),
    ],
    # Archives hold the time at which they were made: processes that share the tests would disagree about names.
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_no_table_is_refused_by_its_right_name(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(CorpusError, match=rf"voices\.csv:? {told}"):
        _ = table(tmp_path, content).actors


def test_a_workbook_with_a_cell_far_out_is_refused_before_it_takes_all_memory(tmp_path: Path) -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(CELLS):
            sheet.write_row(row, 0, cells)
        sheet.write(1048575, 16383, "?")
    with pytest.raises(CorpusError, match="reaches to cell XFD1048576"):
        _ = table(tmp_path, content.getvalue(), "voices.xlsx").actors


def test_what_unpacks_to_more_than_any_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 20)
    with pytest.raises(CorpusError, match="too large for a table"):
        _ = table(tmp_path, gzip.compress(ROWS.encode())).actors


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], object]) -> None:
    from ser_assets.corpus.table.corpus import Table

    make(tmp_path / "voices.csv")
    with pytest.raises(CorpusError, match=r"voices\.csv is no file: set SER_CORPUS_TABLE"):
        _ = Table(tmp_path / "voices.csv").actors


def test_cells_of_a_workbook_become_what_a_person_would_write(tmp_path: Path) -> None:
    rows = [
        *CELLS,
        ["c.wav", 1, 2.0],
        [],
        ["d.wav", 10, "#N/A"],
        ["e.wav", 2.5, datetime.date(2020, 1, 2)],
        ["f.wav", 123456789012345678, "joy"],
        ["g.wav", None, "joy"],
    ]
    voices = table(tmp_path, workbook(rows), "voices.xlsx")
    assert voices.actors == ("1", "2.5", "10", "Ann", "Bob")
    with_numbers = [["telephone", *rows[0]], *([10.0**17, *row] for row in rows[1:3])]
    assert labels(table(tmp_path, workbook(with_numbers))) == LABELS
    assert voices.emotions == ("2", "2020-01-02", "fear", "joy")
    assert left_out(voices) == {
        "row 6 of voices.xlsx": "has no emotion ('#N/A')",
        "row 8 of voices.xlsx": "holds a number that has lost its last digits (1.23457e+17): store it as text",
        "row 9 of voices.xlsx": "has no speaker",
    }


@pytest.mark.parametrize(
    ("emotions", "read"),
    [
        ([1.0, 2.0, float("nan"), None], ["1", "2"]),
        ([1, 2, None, None], ["1", "2"]),
        (pa.array(["joy", "Joy", None, "nan"]).dictionary_encode(), ["joy", "joy"]),
        (pa.array(["joy", "fear", "NULL", None], pa.large_string()), ["joy", "fear"]),
        (pa.array([1, 2, None, None], pa.decimal128(5, 2)), ["1", "2"]),
        (
            [datetime.datetime(2020, 1, 2), datetime.datetime(2020, 1, 2, 3), None, None],
            ["2020-01-02", "2020-01-02 03:00:00"],
        ),
        ([True, False, None, None], ["true", "false"]),
    ],
)
def test_cells_of_any_type_are_labels_and_nulls_are_missing(tmp_path: Path, emotions: object, read: list[str]) -> None:
    columns = {
        "other": [[1], [], None, [2]],
        "emotion": emotions,
        "path": list("abcd"),
        "Speaker": [7.0, 7.0, 7.0, 7.0],
    }
    voices = table(tmp_path, parquet(columns), "voices.parquet")
    assert labels(voices) == [("a", "7", read[0]), ("b", "7", read[1])]
    assert {place: reason[:14] for place, reason in left_out(voices).items()} == {
        "row 3 of voices.parquet": "has no emotion",
        "row 4 of voices.parquet": "has no emotion",
    }
