"""Writes are whole or not at all."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ser_assets.storage import files
from ser_assets.storage.files import (
    DiskFullError,
    atomic_file,
    atomic_folder,
    files_set_aside,
    quarantine,
    remove_leftovers,
)


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.txt"
    with atomic_file(target) as part:
        part.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"


def test_a_file_that_fails_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "b.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(target) as part:
        part.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for content in ("old", "new"):
        with atomic_folder(target) as part:
            (part / f"{content}.txt").write_text(content)
    assert [path.name for path in target.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_fails_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    with pytest.raises(RuntimeError), atomic_folder(target):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [target]


def test_a_damaged_file_is_never_put_over_another(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "a.db").write_text(content)
        quarantine(tmp_path / "a.db")
    assert (tmp_path / "a.db.damaged-1").read_text() == "first"
    assert (tmp_path / "a.db.damaged-2").read_text() == "second"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a small disk")
def test_a_full_disk_is_told_with_what_could_not_be_written_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=False)
    if made.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        target = tmp_path / "a.bin"
        target.write_bytes(b"old")
        with pytest.raises(DiskFullError, match=rf"to write {target}: free some"), atomic_file(target) as part:
            part.write_bytes(bytes(100_000))
        with pytest.raises(DiskFullError, match="model"), atomic_folder(tmp_path / "model") as folder:
            (folder / "weights").write_bytes(bytes(100_000))
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)


KILLED = """
import os, signal
from pathlib import Path
from ser_assets.storage import files
with files.atomic_file(Path("data/a.txt")) as part:
    part.write_text("half")
    with files.atomic_folder(Path("data/model")) as folder:
        (folder / "half.txt").touch()
        if {midway}:
            Path("data/model").rename(files.beside(Path("data/model"), "old"))
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("midway", [False, True])
def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path, midway: bool) -> None:
    (tmp_path / "data/model").mkdir(parents=True)
    (tmp_path / "data/model/whole.txt").touch()
    subprocess.run([sys.executable, "-c", KILLED.format(midway=midway)], cwd=tmp_path, check=False)
    with atomic_file(tmp_path / "data/mine.txt") as part:
        part.write_text("being written")
        remove_leftovers(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"data/mine.txt", "data/model/whole.txt"}


def test_what_another_process_of_this_number_left_is_swept_and_what_is_the_users_is_not(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    left = files.beside(tmp_path / "models/champion", "old")
    left.mkdir()
    users = tmp_path / "raw/.notes~mine~1~part"
    users.parent.mkdir()
    users.touch()
    remove_leftovers(tmp_path)
    assert (tmp_path / "models/champion").is_dir()
    assert not left.exists()
    assert users.exists()


def test_only_what_was_set_aside_here_is_told(tmp_path: Path) -> None:
    (tmp_path / "ser.duckdb").touch()
    aside = quarantine(tmp_path / "ser.duckdb")
    for name in ("raw/take.wav.damaged-1", "notes.damaged-by-me"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_set_aside(tmp_path) == [aside]


def test_sweeping_beside_runs_that_write_disturbs_nobody(tmp_path: Path) -> None:
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            with atomic_folder(tmp_path / "model") as part:
                (part / "inner").mkdir()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            remove_leftovers(tmp_path)
            files_set_aside(tmp_path)
    finally:
        ended.set()
        writer.join()
    assert (tmp_path / "model/inner").is_dir()


def test_of_two_things_that_find_the_disk_full_the_inner_one_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(DiskFullError, match=r"to write .*inner\.txt"),
        atomic_folder(tmp_path / "outer"),
        atomic_file(tmp_path / "inner.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
