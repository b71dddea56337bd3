"""The DuckDB file: one process at a time, whole transactions, rows replaced by partition."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ser_assets.storage.tables import records
from ser_assets.storage.warehouse import Warehouse, WarehouseBusyError, WarehouseDamagedError


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "data")


def rows(actor: str, *values: int, column: str = "value") -> pa.Table:
    return pa.table({"actor": [actor] * len(values), column: pa.array(values, pa.int64())})


def test_rows_take_the_place_of_those_of_their_partition_and_no_other(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", rows("01", 1, 2), {"actor": "01"})
    warehouse.replace_rows("t", rows("02", 3), {"actor": "02"})
    warehouse.replace_rows("t", rows("01", 4), {"actor": "01"})
    assert records(warehouse, "t", "true ORDER BY actor") == [{"actor": "01", "value": 4}, {"actor": "02", "value": 3}]


def test_a_new_column_is_empty_for_other_partitions_and_an_old_one_goes(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", rows("01", 1), {"actor": "01"})
    warehouse.replace_rows("t", rows("02", 2, column="other"), {"actor": "02"})
    assert records(warehouse, "t", "true ORDER BY actor") == [
        {"actor": "01", "other": None},
        {"actor": "02", "other": 2},
    ]


def test_a_transaction_that_fails_changes_nothing_and_lets_others_in(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", rows("01", 1), {"actor": "01"})
    with pytest.raises(RuntimeError), warehouse.writing() as connection:
        connection.execute("DELETE FROM t")
        raise RuntimeError
    assert records(warehouse, "t", "true") == [{"actor": "01", "value": 1}]


def test_a_table_that_is_not_there_has_no_rows(warehouse: Warehouse) -> None:
    assert not warehouse.has_table("t")
    assert records(warehouse, "t", "true") == []
    assert not warehouse.path.exists()


def test_threads_and_processes_that_write_at_once_all_get_their_turn(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", rows("00", 0), {"actor": "00"})
    script = f"""
        import pyarrow as pa
        from pathlib import Path
        from ser_assets.storage.warehouse import Warehouse, WarehouseBusyError
        for value in range(5):
            table = pa.table({{"actor": ["99"], "value": pa.array([value], pa.int64())}})
            Warehouse(Path({str(warehouse.folder)!r})).replace_rows("t", table, {{"actor": "99"}})
    """
    other = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    threads = [
        threading.Thread(target=warehouse.replace_rows, args=("t", rows(f"{n:02d}", n), {"actor": f"{n:02d}"}))
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.wait() == 0
    assert len(records(warehouse, "t", "true")) == 10


def test_a_stranger_who_holds_the_database_open_is_waited_for(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.replace_rows("t", rows("01", 1), {"actor": "01"})
    ready = tmp_path / "ready"
    script = f"""
        import duckdb, pathlib, time
        with duckdb.connect({str(warehouse.path)!r}, read_only=True):
            pathlib.Path({str(ready)!r}).touch()
            time.sleep(1)
    """
    stranger = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    while not ready.exists():
        assert stranger.poll() is None
    warehouse.replace_rows("t", rows("01", 2), {"actor": "01"})
    assert stranger.wait() == 0
    assert records(warehouse, "t", "true") == [{"actor": "01", "value": 2}]


def test_a_file_that_is_no_database_is_told_at_once(warehouse: Warehouse) -> None:
    warehouse.folder.mkdir()
    warehouse.path.write_bytes(b"this is no database" * 500)
    with pytest.raises(WarehouseDamagedError, match=r"ser\.duckdb was damaged .* set aside as ser\.duckdb\.damaged-1"):
        warehouse.has_table("t")
    assert not warehouse.has_table("t")


def test_a_damaged_table_is_found_out_when_it_is_read_and_a_new_database_takes_its_place(warehouse: Warehouse) -> None:
    numbers = pa.table({"actor": ["01"] * 100_000, "value": np.random.default_rng(0).integers(1 << 62, size=100_000)})
    warehouse.replace_rows("t", numbers, {"actor": "01"})
    content = bytearray(warehouse.path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1000] = bytes(1000)
    warehouse.path.write_bytes(content)
    with pytest.raises(WarehouseDamagedError, match="set aside"):
        warehouse.query("SELECT sum(value) FROM t")
    warehouse.replace_rows("t", numbers, {"actor": "01"})
    assert len(warehouse.query("FROM t")) == 100_000


def test_a_database_that_is_not_there_is_told_at_once_whatever_the_folder_is_called(tmp_path: Path) -> None:
    (tmp_path / "block").mkdir()
    with pytest.raises(duckdb.IOException, match="does not exist"):
        Warehouse(tmp_path / "block").query("SELECT 1")


def test_columns_keep_their_order_and_follow_a_new_type(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", rows("01", 1), {"actor": "01"})
    wider = pa.table({"actor": ["02"], "value": [2.7], "b": [1], "a": [2], "c": [3]})
    warehouse.replace_rows("t", wider, {"actor": "02"})
    assert [list(row.values()) for row in records(warehouse, "t", "true ORDER BY actor")] == [
        ["01", 1.0, None, None, None],
        ["02", 2.7, 1, 2, 3],
    ]
    assert list(records(warehouse, "t", "true")[0]) == ["actor", "value", "b", "a", "c"]


def test_a_database_that_stays_in_use_is_named_with_the_remedy(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ser_assets.storage.warehouse.LOCK_SECONDS", 0.1)
    warehouse.replace_rows("t", rows("01", 1), {"actor": "01"})
    with warehouse.reading(), pytest.raises(WarehouseBusyError, match=r"ser\.duckdb .* close the program"):
        warehouse.query("FROM t")


def test_a_column_may_be_called_anything(warehouse: Warehouse) -> None:
    warehouse.replace_rows("t", pa.table({"actor": ["01"]}), {"actor": "01"})
    odd = 'p_so "neutral"'
    warehouse.replace_rows("t", pa.table({"actor": ["01"], odd: [1]}), {"actor": "01"})
    assert records(warehouse, "t", "true") == [{"actor": "01", odd: 1}]
    warehouse.replace_rows("t", pa.table({"actor": ["01"]}), {"actor": "01"})
    assert records(warehouse, "t", "true") == [{"actor": "01"}]
