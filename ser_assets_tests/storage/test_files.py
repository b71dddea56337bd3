"""Writes are whole or not at all."""

from pathlib import Path

import pytest

from ser_assets.storage.files import whole_file, whole_folder


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b.txt"
    with whole_file(target) as part:
        part.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"


def test_a_file_that_fails_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "b.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as part:
        part.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for content in ("old", "new"):
        with whole_folder(target) as part:
            (part / f"{content}.txt").write_text(content)
    assert [path.name for path in target.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_fails_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    with pytest.raises(RuntimeError), whole_folder(target):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == [target]
