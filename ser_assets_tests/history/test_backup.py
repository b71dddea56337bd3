"""A backup holds all of a data folder but recordings, and is restored whole or not at all."""

import io
import json
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from ser_assets.history import backup
from ser_assets.history.backup import LISTING, BackupError, back_up, restore
from ser_assets.storage.files import beside
from ser_assets.storage.warehouse import Warehouse

SCORES = pa.table({"model": ["cnn", "ensemble"], "value": [0.6, 0.7]})
IN_A_BACKUP = {
    "ravdess/ser.duckdb": None,
    "ravdess/mono_audio/actor_01.parquet": b"clips",
    "ravdess/models/champion/raw/model.onnx": b"\0\1" * 4000,
    "ravdess/forgotten.txt": b"Ann\n",
    "dagster/history/runs/index.db": None,
    "dagster/logs/1/compute_logs/a.out": b"",
}
NOT_IN_IT = {
    "raw/Actor_01/03-01-01-01-01-01-01.wav": b"audio_hash",
    "downloads/Video_Speech_Actor_01.zip.part": b"half",
    "README.md": b"words",
    "ravdess/ser.duckdb.lock": b"{}",
    "dagster/daemon.lock": b"{}",
    "ravdess/mono_audio/actor_02.parquet.damaged-1": b"damaged",
}


def written(folder: Path, files: dict[str, bytes | None]) -> None:
    for name, content in files.items():
        if content is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a little of everything."""
    folder = tmp_path / "data"
    written(folder, IN_A_BACKUP | NOT_IN_IT)
    written(folder, {str(beside(folder / "ravdess/models/cnn", "part").relative_to(folder)) + "/half": b"unfinished"})
    Warehouse(folder / "ravdess").replace_rows("scores", SCORES, {})
    index = folder / "dagster/history/runs/index.db"
    index.parent.mkdir(parents=True)
    with closing(sqlite3.connect(index)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE event_logs (event); ")
        connection.execute("INSERT INTO event_logs VALUES ('materialized')")
        connection.commit()
    return folder


@pytest.fixture
def archive(data: Path, tmp_path: Path) -> Path:
    back_up(data, tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def test_what_is_restored_is_what_was_there_without_recordings_and_leftovers(data: Path, archive: Path) -> None:
    other = data.parent / "other"
    assert restore(archive, other) == len(IN_A_BACKUP)
    assert names(other) == set(IN_A_BACKUP)
    for name, content in IN_A_BACKUP.items():
        if content is not None:
            assert (other / name).read_bytes() == content
    assert Warehouse(other / "ravdess").query_arrow("FROM scores ORDER BY model").equals(SCORES)
    assert events(other) == ["materialized"]


def events(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "dagster/history/runs/index.db")) as connection:
        return [event for (event,) in connection.execute("SELECT event FROM event_logs")]


def test_databases_in_use_are_copied_as_they_were_last_committed(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "dagster/history/runs/index.db", isolation_level=None)) as writer:
        writer.execute("INSERT INTO event_logs VALUES ('in the journal of writes')")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO event_logs VALUES ('not committed')")
        back_up(data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "other")
    assert events(tmp_path / "other") == ["materialized", "in the journal of writes"]


def test_the_tables_are_copied_when_whoever_writes_them_has_done(data: Path, tmp_path: Path) -> None:
    writes, may_end = threading.Event(), threading.Event()

    def write() -> None:
        with Warehouse(data / "ravdess").writing() as connection:
            connection.execute("DELETE FROM scores")
            writes.set()
            may_end.wait()
            connection.execute("INSERT INTO scores VALUES ('cnn', 0.9)")

    writer = threading.Thread(target=write)
    writer.start()
    writes.wait()
    maker = threading.Thread(target=back_up, args=(data, tmp_path / "backup.tar"))
    maker.start()
    maker.join(0.3)
    assert maker.is_alive()
    may_end.set()
    writer.join()
    maker.join()
    restore(tmp_path / "backup.tar", tmp_path / "other")
    restored = Warehouse(tmp_path / "other/ravdess")
    assert restored.query_arrow("FROM scores").to_pylist() == [{"model": "cnn", "value": 0.9}]


def test_a_folder_that_is_a_link_to_another_disk_is_followed(data: Path, tmp_path: Path) -> None:
    (data / "ravdess/models").rename(tmp_path / "large_disk")
    (data / "ravdess/models").symlink_to(tmp_path / "large_disk")
    back_up(data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "other")
    assert names(tmp_path / "other") == set(IN_A_BACKUP)


@pytest.mark.parametrize(
    ("target", "message"),
    [("backup.tar", "exists: name a new file"), ("data/ravdess/backup.tar", "in the data folder itself")],
)
def test_a_backup_overwrites_nothing_and_does_not_contain_itself(
    data: Path, archive: Path, tmp_path: Path, target: str, message: str
) -> None:
    content = archive.read_bytes()
    with pytest.raises(BackupError, match=message):
        back_up(data, tmp_path / target)
    assert archive.read_bytes() == content
    assert not (data / "ravdess/backup.tar").exists()


def test_a_data_folder_with_nothing_in_it_is_named(tmp_path: Path) -> None:
    written(tmp_path / "data", {"raw/a.wav": b""})
    with pytest.raises(BackupError, match=r"nothing to back up in .*data.*SER_DATA_DIR"):
        back_up(tmp_path / "data", tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_a_backup_that_is_interrupted_leaves_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "_add_listing", interrupt)
    with pytest.raises(KeyboardInterrupt):
        back_up(data, tmp_path / "backup.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_recordings_that_are_there_stay(archive: Path, tmp_path: Path) -> None:
    there = {"raw/Actor_01/a.wav": b"mine", "README.md": b"mine", "downloads/x.zip": b"mine"}
    written(tmp_path / "other", there)
    restore(archive, tmp_path / "other")
    assert names(tmp_path / "other") == {*IN_A_BACKUP, *there}
    assert (tmp_path / "other/README.md").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "name", ["ravdess/models/raw/cnn/model.onnx", "ravdess/ser.duckdb", "benchmarks/a.json", "dagster/x"]
)
def test_nothing_is_overwritten(archive: Path, tmp_path: Path, name: str) -> None:
    written(tmp_path / "other", {name: b"mine"})
    with pytest.raises(BackupError, match=rf"contains {name.split('/')[0]}, and nothing is overwritten"):
        restore(archive, tmp_path / "other")
    assert names(tmp_path / "other") == {name}


def truncated(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def empty(archive: Path) -> None:
    archive.write_bytes(b"")


def no_archive(archive: Path) -> None:
    archive.write_bytes(b"words" * 1000)


def flipped(archive: Path) -> None:
    content = archive.read_bytes()
    assert b"\0\1" * 4000 in content
    archive.write_bytes(content.replace(b"\0\1" * 4000, b"\0\1" * 3999 + b"\0\2"))


def of_something_else(archive: Path) -> None:
    rewritten(archive, {"a.txt": b"words"})


def with_a_broken_list(archive: Path) -> None:
    rewritten(archive, {LISTING: b"[]"})


def with_a_file_more(archive: Path) -> None:
    rewritten(archive, {"a.txt": b"words", LISTING: json.dumps({"files": {}}).encode()})


def rewritten(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w") as rewritten:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            rewritten.addfile(member, io.BytesIO(content))


DAMAGE: dict[Callable[[Path], None], str] = {
    truncated: "cannot be read as a backup",
    empty: "cannot be read as a backup",
    no_archive: "cannot be read as a backup",
    flipped: "model.onnx has changed since the backup was made",
    of_something_else: "its list is missing",
    with_a_broken_list: "cannot be read as a backup",
    with_a_file_more: "does not contain the files that it lists",
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.items(), ids=[each.__name__ for each in DAMAGE])
def test_a_damaged_backup_is_named_and_nothing_of_it_restored(
    archive: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(archive)
    with pytest.raises(BackupError, match=message):
        restore(archive, tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


def linked(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


UNSAFE = {
    "outside": tarfile.TarInfo("../outside"),
    "absolute": tarfile.TarInfo("/tmp/outside"),  # noqa: S108
    "outside in the middle": tarfile.TarInfo("models/../../outside"),
    "a link": linked("models", "/", tarfile.SYMTYPE),
    "a hard link": linked("models", "../outside", tarfile.LNKTYPE),
    "a device": linked("models", "", tarfile.CHRTYPE),
    "no name": tarfile.TarInfo("."),
}


@pytest.mark.parametrize("member", UNSAFE.values(), ids=UNSAFE)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(member)
        listed = json.dumps({"files": {member.name: "e3b0"}}).encode()
        about = tarfile.TarInfo(LISTING)
        about.size = len(listed)
        archive.addfile(about, io.BytesIO(listed))
    with pytest.raises(BackupError, match=r"is not a backup of ser-assets"):
        restore(tmp_path / "evil.tar", tmp_path / "deep/other")
    assert names(tmp_path) == {"evil.tar"}


@pytest.mark.parametrize("step", ["_write", "rename"])
def test_a_restore_that_is_interrupted_leaves_the_folder_as_it_was(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    written(tmp_path / "other", {"raw/a.wav": b"mine"})
    where, name = (backup, "_write") if step == "_write" else (Path, "rename")
    original, calls = getattr(where, name), []

    def second_fails(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(where, name, second_fails)
        with pytest.raises(KeyboardInterrupt):
            restore(archive, tmp_path / "other")
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["raw"]
    assert restore(archive, tmp_path / "other") == len(IN_A_BACKUP)
