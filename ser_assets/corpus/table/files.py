"""What kind of file a table is, by its content and not by its ending, and how it is opened."""

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.table.cells import parquet_grid, workbook_grids
from ser_assets.corpus.table.delimited_text import csv_grid
from ser_assets.corpus.table.grid import NEEDED, Grid

MOST_BYTES = 1 << 30
_MOST_LAYERS = 3
_PARQUET_ENDINGS = {".parquet", ".pq"}
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = "save it as CSV (UTF-8), Excel or Parquet"

_OTHERS = {
    b"ARROW1": "an Arrow or Feather file",
    b"ORC": "an ORC file",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF document",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x04\x22\x4d\x18": "an LZ4 file",
    b"RIFF": "a recording",
    b"ID3": "a recording",
    b"fLaC": "a recording",
    b"version https://git-lfs": "a pointer of Git LFS (`git lfs pull` brings the file)",
    b"\t\x08\x10\x00": "a workbook of an Excel before 1997",
    b"<": "HTML or XML",
    b"{": "JSON",
    b"[": "JSON",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
}


def read_grids(path: Path) -> list[Grid]:
    """Open a table: CSV, Parquet, the sheets of a workbook, or any of them compressed.

    Raises:
        CorpusError: the file cannot be read, or is of another kind.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CorpusError(f"{path} is no file: set SER_CORPUS_TABLE to a table with columns {', '.join(NEEDED)}")
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise CorpusError(
            f"{path} cannot be read ({reason}): set SER_CORPUS_TABLE to a CSV, Excel or Parquet file with columns "
            f"{', '.join(NEEDED)}"
        ) from error
    content = _unpacked(path, content)
    if content.startswith(b"PAR1") or path.suffix.lower() in _PARQUET_ENDINGS:
        return [parquet_grid(path, content)]
    if content.startswith((_ZIP, _OLD_OFFICE)):
        return workbook_grids(path, content)
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n")
    if kind := next((kind for mark, kind in _OTHERS.items() if start.startswith(mark)), None):
        raise CorpusError(f"{path} is {kind}, and no table that can be read: {_SAVE_AS}")
    return [csv_grid(path, content)]


def _unpacked(path: Path, content: bytes) -> bytes:
    """The content without its compression, if it has any."""
    for _ in range(_MOST_LAYERS):
        unpack = next((opener for mark, opener in _COMPRESSED.items() if content.startswith(mark)), None)
        if unpack is None or (unpack is _open_zip and _is_document(path, content)):
            return content
        try:
            with unpack(io.BytesIO(content)) as file:
                content = file.read(MOST_BYTES + 1)
        except _DAMAGED as error:
            raise CorpusError(f"{path} cannot be unpacked ({error}): copy it again, or unpack it yourself") from error
        if len(content) > MOST_BYTES:
            raise CorpusError(f"{path} is larger than {MOST_BYTES >> 30} GiB unpacked, too large for a table")
    raise CorpusError(f"{path} is compressed more than {_MOST_LAYERS} times: unpack it yourself")


def _is_document(path: Path, content: bytes) -> bool:
    """Whether a zip file is a workbook rather than an archive with a table in it.

    Raises:
        CorpusError: it is a document of another program, or an archive without or with several files.
    """
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except _DAMAGED as error:
        raise CorpusError(f"{path} is a damaged zip file or workbook ({error}): copy it again") from error
    if any(name.endswith(".iwa") for name in names):
        raise CorpusError(f"{path} is a document of Apple Numbers: export it as CSV or Excel")
    if "[Content_Types].xml" in names or "mimetype" in names:
        return True
    inside = _members(names)
    if len(inside) != 1:
        detail = ", ".join(inside[:5]) or "none"
        raise CorpusError(f"{path} is a zip file of {len(inside)} files ({detail}): unpack it and name the table")
    return False


def _members(names: list[str]) -> list[str]:
    """Files of an archive, without what macOS adds to it."""
    return [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]


def _open_zip(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    return archive.open(_members(archive.namelist())[0])


def _open_zstd(file: IO[bytes]) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


_COMPRESSED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": _open_zstd,
    _ZIP: _open_zip,
}
# A zip file with a password raises a RuntimeError, one with an unknown method a NotImplementedError.
_DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)
