"""Archives that are what they should be, and archives that mean harm."""

import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from ser_assets.corpus.zenodo.archives import DownloadError
from ser_assets.corpus.zenodo.unpacking import _write, unpack
from ser_assets_tests.factories.zenodo_server import zipped

FIRST, SECOND = "Actor_01/01-01-01-01-01-01-01.mp4", "Actor_01/01-01-01-01-01-02-01.mp4"
GOOD = {FIRST: b"first" * 100, SECOND: b"second" * 100}
ENOUGH = 10_000


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "Speech.zip"


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_come_out_under_their_names_with_their_sizes(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped(GOOD, zipfile.ZIP_DEFLATED))
    assert unpack(archive, list(GOOD), raw, ENOUGH) == {FIRST: 500, SECOND: 600}
    assert {name: (raw / name).read_bytes() for name in files_under(raw)} == GOOD
    assert [folder.name for folder in raw.iterdir()] == ["Actor_01"]


def test_what_was_not_asked_for_stays_packed(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped({"Actor_01/": b"", **GOOD, "Actor_01/virus.exe": b"x", "__MACOSX/._x": b"x"}))
    unpack(archive, [SECOND], raw, ENOUGH)
    assert files_under(raw) == [SECOND]


def a_link() -> zipfile.ZipInfo:
    link = zipfile.ZipInfo("Actor_01/link.mp4")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return link


@pytest.mark.parametrize(
    "harmful",
    ["../x.mp4", "Actor_01/../../x.mp4", "/tmp/x.mp4", "..\\x.mp4", "C:\\x.mp4", "C:x.mp4", "\\\\host\\x", a_link()],  # noqa: S108
    ids=str,
)
def test_an_archive_that_wants_out_of_its_folder_is_not_unpacked(
    archive: Path, raw: Path, harmful: str | zipfile.ZipInfo
) -> None:
    archive.write_bytes(zipped({**GOOD, harmful: b"/etc/passwd"}))
    with pytest.raises(DownloadError, match=r"Speech.zip cannot be unpacked .* leads out of the folder"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == []
    assert files_under(archive.parent) == ["Speech.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_not_trusted(archive: Path, raw: Path) -> None:
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(FIRST, b"one")
        file.writestr(FIRST, b"other")
    with pytest.raises(DownloadError, match="in it twice"):
        unpack(archive, [FIRST], raw, ENOUGH)


def test_a_bomb_is_not_unpacked(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped({**GOOD, SECOND: b"\0" * 1_000_000}, zipfile.ZIP_DEFLATED))
    assert archive.stat().st_size < ENOUGH
    with pytest.raises(DownloadError, match="bytes that unpack to 1000500, more than 10000"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == []


def test_a_bomb_that_says_it_is_small_is_not_unpacked(archive: Path, raw: Path) -> None:
    content = zipped({SECOND: b"\0" * 1_000_000}, zipfile.ZIP_DEFLATED)
    archive.write_bytes(content.replace(struct.pack("<I", 1_000_000), struct.pack("<I", 100)))
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        unpack(archive, [SECOND], raw, ENOUGH)
    assert files_under(raw) == []


def test_more_than_a_file_says_that_it_holds_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(zipfile.BadZipFile, match="larger than it says"):
        _write(io.BytesIO(b"x" * 101), tmp_path / "file", 100, lambda: None)
    assert (tmp_path / "file").stat().st_size == 0


def test_one_file_with_a_wrong_checksum_keeps_all_from_appearing(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped(GOOD).replace(b"second", b"secomd", 1))
    with pytest.raises(DownloadError, match=r"Speech.zip cannot be unpacked .*Bad CRC.*: delete it and download again"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == []


@pytest.mark.parametrize("content", [b"", b"<html>", zipped(GOOD)[:-30]], ids=["empty", "a page", "cut short"])
def test_what_is_no_zip_is_told(archive: Path, raw: Path, content: bytes) -> None:
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match=r"Speech.zip cannot be unpacked"):
        unpack(archive, list(GOOD), raw, ENOUGH)


def test_an_encrypted_archive_is_told(archive: Path, raw: Path) -> None:
    content = bytearray(zipped(GOOD))
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(header) + flags] |= 1
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match="encrypted"):
        unpack(archive, list(GOOD), raw, ENOUGH)


def test_recordings_that_are_not_in_it_are_told(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped({FIRST: b"x"}))
    with pytest.raises(DownloadError, match=f"1 recordings are not in it, {SECOND} among them"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == []


def test_a_file_that_is_there_is_not_replaced(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped(GOOD))
    (raw / SECOND).parent.mkdir(parents=True)
    (raw / SECOND).write_bytes(b"mine")
    with pytest.raises(DownloadError, match=f"{SECOND}: is not the recording of RAVDESS.* move it away"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert (raw / SECOND).read_bytes() == b"mine"
    assert files_under(raw) == [SECOND]


def test_a_link_that_leads_nowhere_is_not_replaced(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped(GOOD))
    (raw / SECOND).parent.mkdir(parents=True)
    (raw / SECOND).symlink_to("a disk that is not mounted")
    with pytest.raises(DownloadError, match=f"{SECOND}: is not the recording of RAVDESS"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert (raw / SECOND).is_symlink()


@pytest.mark.parametrize("where", ["", "Actor_01"], ids=["raw", "actor"])
@pytest.mark.parametrize("is_link", [False, True], ids=["file", "link that leads nowhere"])
def test_what_is_in_the_way_of_a_folder_is_named_and_left_alone(
    archive: Path, raw: Path, where: str, is_link: bool
) -> None:
    archive.write_bytes(zipped(GOOD))
    in_the_way = raw / where
    in_the_way.parent.mkdir(exist_ok=True)
    if is_link:
        in_the_way.symlink_to("a disk that is not mounted")
    else:
        in_the_way.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=f"{in_the_way}: is not a folder.* move it away and download again"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert in_the_way.is_symlink() == is_link
    assert in_the_way.is_file() != is_link


def test_a_link_to_a_folder_is_one(archive: Path, raw: Path) -> None:
    archive.write_bytes(zipped(GOOD))
    elsewhere = archive.parent / "elsewhere"
    elsewhere.mkdir()
    raw.mkdir()
    (raw / "Actor_01").symlink_to(elsewhere)
    unpack(archive, list(GOOD), raw, ENOUGH)
    assert len(list(elsewhere.iterdir())) == 2


def test_a_full_disk_is_told_before_anything_is_written(
    archive: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write_bytes(zipped(GOOD))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2000, 1000, 1000))
    with pytest.raises(DownloadError, match=r"raw needs 1.1 kB, and 1.0 kB are free on its disk: make room"):
        unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == []


def test_whoever_stops_it_leaves_nothing_half_done(archive: Path, raw: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    archive.write_bytes(zipped(GOOD))
    with pytest.raises(InterruptedError):
        unpack(archive, list(GOOD), raw, ENOUGH, stop)
    assert list(raw.iterdir()) == []


def test_what_a_killed_process_left_is_swept_away(archive: Path, raw: Path) -> None:
    (raw / ".unpacking-Speech").mkdir(parents=True)
    (raw / ".unpacking-Speech" / "0.part").write_bytes(b"half")
    archive.write_bytes(zipped(GOOD))
    unpack(archive, list(GOOD), raw, ENOUGH)
    assert files_under(raw) == sorted(GOOD)
