"""Who opens the database when, where locks are missing too; a process that waits says for which."""

import errno
import fcntl
import json
import logging
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ser_assets.storage import turns
from ser_assets.storage.turns import TurnTimeoutError, turn
from ser_assets.storage.warehouse import LocksMissingError, Warehouse, WarehouseBusyError

NO_FLOCK = [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK]
ROW = pa.table({"a": [1]})


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setattr(turns, "FIRST_NOTICE_SECONDS", 0.2)
    monkeypatch.setattr(turns, "NEXT_NOTICE_SECONDS", 0.2)
    warehouse = Warehouse(tmp_path / "data")
    warehouse.replace_rows("t", ROW, {})
    return warehouse


def without_flock(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def missing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", missing)


@contextmanager
def another_process(
    warehouse: Warehouse, before: str = "", opened: str = "Warehouse(Path(sys.argv[1])).reading()"
) -> Iterator[int]:
    """Run a process that opens the database, and hold it open while the body runs; its number."""
    script = f"""
        import errno, fcntl, os, sys, duckdb
        from pathlib import Path
        from ser_assets.storage.warehouse import Warehouse
        {before}
        with {opened}:
            print("open", flush=True)
            sys.stdin.readline()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(warehouse.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        try:
            yield other.pid
        finally:
            other.kill()


MISSING = "def no(*_): raise OSError(errno.ENOSYS, 'Function not implemented')\n        fcntl.flock = no"
FOREIGN = "duckdb.connect(sys.argv[1] + '/ser.duckdb', read_only=True)"


@pytest.mark.parametrize(
    ("before", "opened"),
    [("", None), (MISSING, None), ("", FOREIGN)],
    ids=["flock", "no flock", "a program that knows of no lock file"],
)
def test_whoever_waits_is_shown_for_which_process_again_and_again(
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    before: str,
    opened: str | None,
) -> None:
    monkeypatch.setattr("ser_assets.storage.warehouse.LOCK_SECONDS", 1.5)
    if before:
        without_flock(monkeypatch, errno.ENOSYS)
    held = another_process(warehouse, before, *([opened] if opened else []))
    with held as process, caplog.at_level(logging.WARNING), pytest.raises(WarehouseBusyError, match=rf"ss {process}\b"):
        warehouse.replace_rows("t", ROW, {})
    told = [record.message for record in caplog.records if "waiting for" in record.message]
    assert len(told) >= 2
    assert all(f"process {process}" in message and "ser.duckdb" in message for message in told)
    if not opened:
        assert all(
            re.search(rf"on {re.escape(socket.gethostname())} since 2\d{{3}}-.*: -c ", message) for message in told
        )
    warehouse.replace_rows("t", ROW, {})


@pytest.mark.parametrize("number", NO_FLOCK, ids=os.strerror)
def test_where_flock_is_missing_a_lock_file_from_elsewhere_holds_up_no_command(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lock = warehouse.path.with_name("ser.duckdb.lock")
    assert lock.exists()
    without_flock(monkeypatch, number)
    for content in (
        "",
        "12345\nanother-host\n",
        json.dumps({"process": 1, "host": "elsewhere", "since": "", "command": ""}),
    ):
        lock.write_text(content)
        warehouse.replace_rows("t", ROW, {})
        assert len(warehouse.query("FROM t")) == 1
    assert sorted(path.name for path in warehouse.folder.iterdir()) == ["ser.duckdb", "ser.duckdb.lock"]


def test_where_flock_is_missing_a_lock_that_a_killed_process_left_is_taken_away(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_flock(monkeypatch, errno.ENOSYS)
    with another_process(warehouse, MISSING):
        assert warehouse.path.with_name("ser.duckdb.in-use").exists()
    assert warehouse.path.with_name("ser.duckdb.in-use").exists()
    monkeypatch.setattr("ser_assets.storage.warehouse.LOCK_SECONDS", 30)
    warehouse.replace_rows("t", ROW, {})


def test_where_flock_is_missing_a_lock_of_another_machine_is_told_with_the_file_to_remove(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_flock(monkeypatch, errno.ENOSYS)
    marker = warehouse.path.with_name("ser.duckdb.in-use")
    marker.write_text("4711\nanother-host\n")
    monkeypatch.setattr("ser_assets.storage.warehouse.LOCK_SECONDS", 0.3)
    with pytest.raises(WarehouseBusyError, match=rf"if it has ended, remove {marker}"):
        warehouse.query("FROM t")


def test_another_error_of_flock_is_raised_at_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    without_flock(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        warehouse.query("FROM t")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS], ids=os.strerror)
def test_whoever_may_not_write_the_lock_file_reads_and_does_not_write(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    opened = os.open

    def refuse(path: object, flags: int, *rest: int, **more: int) -> int:
        if ".lock" in str(path) and flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert len(warehouse.query("FROM t")) == 1
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        warehouse.replace_rows("t", ROW, {})
    warehouse.path.with_name("ser.duckdb.lock").unlink()
    assert len(warehouse.query("FROM t")) == 1


def test_a_reader_without_the_lock_file_still_waits_for_whoever_writes(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ser_assets.storage.warehouse.LOCK_SECONDS", 0.5)
    monkeypatch.setattr(
        turns, "_acquired", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "Permission denied"))
    )
    held = another_process(warehouse, opened="Warehouse(Path(sys.argv[1])).writing()")
    with held as process, pytest.raises(WarehouseBusyError, match=rf"process {process}\b"):
        warehouse.query("FROM t")
    assert len(warehouse.query("FROM t")) == 1


@pytest.mark.parametrize(
    "reason",
    [
        "File locks are not supported for this file system, cannot open the file in read-write mode.",
        os.strerror(errno.ENOLCK),
        os.strerror(errno.ENOSYS),
    ],
)
def test_a_file_system_on_which_duckdb_cannot_lock_is_refused_at_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise duckdb.IOException(f'IO Error: Could not set lock on file "x": {reason}')

    monkeypatch.setattr(duckdb, "connect", refuse)
    with pytest.raises(LocksMissingError, match=r"cannot lock files.*local disk with SER_DATA_DIR"):
        warehouse.replace_rows("t", ROW, {})


def test_the_lock_file_names_its_holder_while_it_is_held_only(warehouse: Warehouse) -> None:
    lock = warehouse.path.with_name("ser.duckdb.lock")
    with warehouse.reading():
        assert json.loads(lock.read_text())["process"] == os.getpid()
    assert lock.read_text() == ""
    with pytest.raises(RuntimeError), warehouse.reading():
        raise RuntimeError
    assert lock.read_text() == ""


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"process": "x"}', "null", "\ufffd"])
def test_a_holder_that_is_unknown_is_named_as_such(tmp_path: Path, content: str) -> None:
    database = tmp_path / "ser.duckdb"
    with turn(database, read_only=False, seconds=1):
        database.with_name("ser.duckdb.lock").write_text(content)
        with pytest.raises(TurnTimeoutError, match="an unknown process"):
            turn(database, read_only=False, seconds=0).__enter__()
