"""Paths of a table find their files in any Unicode form, and never another file."""

import unicodedata
from pathlib import Path

import pytest

from ser_assets.corpus.duplicates import settle_all
from ser_assets.corpus.inventory import InspectionTask, inspect_recording
from ser_assets.corpus.table.file_search import FileSearch, NotAFileError
from ser_assets_tests.factories.corpus_tables import HEADER, labels, left_out, table
from ser_assets_tests.factories.media import voice, write_wav


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(
    "name", ["été.wav", "Çağrı/ñ/été 1.wav", "한국어/감정.wav", "タダ/ガ.wav", "Ω/Å.wav", "Việt/ệ.wav"]
)
@pytest.mark.parametrize("absolute", [False, True])
def test_a_file_is_found_in_either_form(tmp_path: Path, name: str, absolute: bool) -> None:
    start = f"{tmp_path}/" if absolute else ""
    for folder, on_disk, in_table in (("a", nfd(name), nfc(name)), ("b", nfc(name), nfd(name))):
        there = touch(tmp_path / folder / on_disk)
        assert FileSearch(tmp_path).find(f"{start}{folder}/{in_table}") == there


def test_the_exact_name_goes_before_its_other_form(tmp_path: Path) -> None:
    composed, decomposed = touch(tmp_path / nfc("é.wav")), touch(tmp_path / nfd("é.wav"))
    assert FileSearch(tmp_path).find(nfc("é.wav")) == composed
    assert FileSearch(tmp_path).find(nfd("é.wav")) == decomposed


def test_a_file_is_found_in_the_folder_that_has_it_of_two_with_one_name(tmp_path: Path) -> None:
    touch(tmp_path / nfc("é") / "other.wav")
    there = touch(tmp_path / nfd("é") / "a.wav")
    assert FileSearch(tmp_path).find(nfc("é") + "/a.wav") == there


def test_two_files_that_match_alike_are_are_rejected(tmp_path: Path) -> None:
    for folder in (nfc("é"), nfd("é")):
        touch(tmp_path / folder / nfd("ü.wav"))
    voices = table(tmp_path, f"{HEADER}{nfc('é/ü.wav')},Ann,joy\nb.wav,Bob,fear\n")
    # The folder is there exactly as written, its file is not: neither of the two is exact.
    assert left_out(voices)["line 2 of voices.csv"].startswith("names several files, in other Unicode forms: ")


def test_letters_that_only_look_alike_are_other_files(tmp_path: Path) -> None:
    for name in ("①.wav", "ﬁ.wav", "A.WAV", "а.wav"):
        touch(tmp_path / name)
    search = FileSearch(tmp_path)
    for other in ("1.wav", "fi.wav", "a.wav"):
        assert not search.find(other).exists()


def test_a_path_is_taken_as_it_is_written_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    plain, spaced = touch(tmp_path / "a.wav"), touch(tmp_path / " a.wav")
    slashed, backslashed = touch(tmp_path / "c/b.wav"), touch(tmp_path / "c\\b.wav")
    at_home = touch(tmp_path / "home/h.wav")
    search = FileSearch(tmp_path)
    assert search.find(" a.wav") == spaced
    assert search.find("a.wav ") == plain
    assert search.find("c\\b.wav") == backslashed
    assert search.find("~/h.wav") == at_home
    assert search.find("~no-user-of-this-name/h.wav") == tmp_path / "~no-user-of-this-name/h.wav"
    backslashed.unlink()
    assert search.find("c\\b.wav") == slashed
    assert search.find("./c/../c/b.wav").samefile(slashed)
    assert search.find("gone/é.wav") == tmp_path / "gone/é.wav"


@pytest.mark.parametrize("address", ["http://example.org/a.wav", "https://example.org/a.wav", "s3://bucket/a.wav"])
def test_an_address_of_the_web_is_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(NotAFileError, match="download the file"):
        FileSearch(tmp_path).find(address)
    there = touch(tmp_path / "http:" / "a.wav")
    assert FileSearch(tmp_path).find("http://a.wav").samefile(there)


def test_one_file_under_two_paths_is_listed_twice(tmp_path: Path) -> None:
    touch(tmp_path / nfd("é.wav"))
    touch(tmp_path / "b.wav")
    rows = [nfc("é.wav"), nfd("é.wav"), f"./{nfd('é.wav')}", str(tmp_path / nfd("é.wav")), "b.wav"]
    voices = table(tmp_path, HEADER + "".join(f"{path},Ann,{'fear' if path == 'b.wav' else 'joy'}\n" for path in rows))
    assert left_out(voices) == {
        f"line {line} of voices.csv": "is listed twice: on line 2 of voices.csv too" for line in (3, 4, 5)
    }
    assert [name for name, _, _ in labels(voices)] == ["b.wav", nfd("é.wav")]


def test_one_recording_under_two_paths_with_two_labels_is_used_under_neither(tmp_path: Path) -> None:
    write_wav(tmp_path / "clips/a.wav", voice())
    (tmp_path / "link.wav").symlink_to(tmp_path / "clips/a.wav")
    voices = table(tmp_path, f"{HEADER}link.wav,Ann,joy\nclips/../clips/a.wav,Ann,fear\n")
    rows = [inspect_recording(InspectionTask(entry)) for entry in voices.listing().entries["Ann"]]
    settled = settle_all({"Ann": rows})["Ann"]
    assert {row.problem for row in settled} == {"one recording, two labels"}
