"""A table of your own recordings: what is taken, and what is said of rows that cannot be."""

from pathlib import Path

import pandas as pd
import pytest

from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.inventory import InspectionTask, inspect_recording
from ser_assets.corpus.table.corpus import Table
from ser_assets.settings import Settings
from ser_assets_tests.factories.corpus_tables import left_out
from ser_assets_tests.factories.media import voice, write_wav


def table(folder: Path, text: str, name: str = "voices.csv") -> Table:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return Table(folder / name)


def reasons(of: Table) -> dict[str, str]:
    """Why each recording cannot be used, by name."""
    rows = [inspect_recording(InspectionTask(entry)) for entries in of.listing().entries.values() for entry in entries]
    return {row.path: row.why_rejected for row in rows if row.status == "rejected"}


def test_speakers_and_emotions_are_those_of_the_rows(tmp_path: Path) -> None:
    voices = table(tmp_path, "path,speaker,emotion\na.wav,Zoë,Joy\nb.wav,Ann ,fear\nc.wav,Ann,joy\n")
    assert voices.actors == ("Ann", "Zoë")
    assert voices.emotions == ("fear", "joy")
    assert [entry.take.emotion for entry in voices.listing().entries["Ann"] if entry.take] == ["fear", "joy"]


def test_what_else_a_row_says_goes_with_the_take(tmp_path: Path) -> None:
    text = "path,speaker,emotion,take_id,intensity,gender,note\na.wav,Ann,joy,7,strong,female,hm\nb.wav,Ann,fear,,,,\n"
    first, second = table(tmp_path, text).listing().entries["Ann"]
    assert first.take is not None
    assert (first.take.take_id, first.take.intensity, first.take.gender) == ("Ann//7", "strong", "female")
    assert second.take is not None
    assert (second.take.take_id, second.take.intensity, second.take.statement) == ("b.wav", None, None)


def test_paths_count_from_the_folder_of_the_table_or_are_absolute(tmp_path: Path) -> None:
    inside = write_wav(tmp_path / "corpus/clips/a.wav", voice())
    outside = write_wav(tmp_path / "elsewhere/b.wav", voice(seed=1))
    voices = table(tmp_path / "corpus", f"path,speaker,emotion\nclips/a.wav,Ann,joy\n{outside},Ann,fear\n")
    assert [entry.path for entry in voices.listing().entries["Ann"]] == [inside, outside]
    assert reasons(voices) == {}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_as_spreadsheets_write_it_is_read(tmp_path: Path, delimiter: str) -> None:
    rows = [["path", " speaker", "emotion"], ['"a, b; c.wav"', "Ann", "joy"], ["d.wav", "Bob", "fear"], ["", "", ""]]
    text = "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows)
    voices = table(tmp_path, text)
    assert [entry.name for entry in voices.listing().entries["Ann"]] == ["a, b; c.wav"]
    assert voices.listing().unassigned_files == []


def test_a_parquet_file_says_the_same_as_a_csv(tmp_path: Path) -> None:
    rows = pd.DataFrame({"path": ["a.wav", None], "speaker": [7, 7], "emotion": ["joy", "fear"]})
    rows.to_parquet(tmp_path / "voices.parquet")
    voices = Table(tmp_path / "voices.parquet")
    first, second = voices.listing().entries["7"]
    assert first.name == "a.wav"
    assert (second.name, second.rejection and second.rejection.reason) == ("row 2 of voices.parquet", "has no path")


def test_bad_rows_are_named_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    for name in ("a.wav", "e.wav"):
        write_wav(tmp_path / name, voice(seed=ord(name[0])))
    (tmp_path / "d.wav").write_text("no sound")
    voices = table(
        tmp_path,
        "path,speaker,emotion\na.wav,Ann,joy\n,Ann,joy\nc.wav,Ann,\nd.wav,Ann,fear\na.wav,Ann,fear\ngone.wav,Ann,joy\n"
        "e.wav,,joy\ne.wav,Bob,fear\n",
    )
    assert reasons(voices) == {
        "line 3 of voices.csv": "has no path (line 3 of voices.csv)",
        "c.wav": "has no emotion (line 4 of voices.csv)",
        "d.wav": "cannot be decoded (Invalid data found when processing input) (line 5 of voices.csv)",
        "a.wav": "is listed on line 6 of voices.csv too, with emotion fear and not joy (line 2 of voices.csv)",
        "a.wav (line 6 of voices.csv)": (
            "is listed on line 2 of voices.csv too, with emotion joy and not fear (line 6 of voices.csv)"
        ),
        "gone.wav": "cannot be read (No such file or directory) (line 7 of voices.csv)",
    }
    assert voices.listing().unassigned_files == [("line 8 of voices.csv", "has no speaker")]
    assert voices.actors == ("Ann", "Bob")


@pytest.mark.parametrize("speaker", ["a...b", "x" * 101, "ф" * 20])
def test_a_speaker_whose_name_cannot_name_a_partition_is_told(tmp_path: Path, speaker: str) -> None:
    voices = table(tmp_path, f"path,speaker,emotion\na.wav,{speaker},joy\nb.wav,Ann,fear\nc.wav,Ann,joy\n")
    assert voices.actors == ("Ann",)
    assert "names a speaker" in voices.listing().unassigned_files[0].reason


def test_a_take_cannot_have_two_emotions(tmp_path: Path) -> None:
    voices = table(
        tmp_path, "path,speaker,emotion,take_id\na.wav,Ann,joy,1\nb.wav,Ann,fear,1\nc.wav,Bob,fear,1\nd.wav,Ann,joy,1\n"
    )
    reason = "give every performance a take_id of its own"
    assert left_out(voices) == {
        "line 2 of voices.csv": f"is take 1 of Ann as on line 3 of voices.csv, but joy and not fear: {reason}",
        "line 3 of voices.csv": f"is take 1 of Ann as on line 2 of voices.csv, but fear and not joy: {reason}",
        "line 5 of voices.csv": f"is take 1 of Ann as on line 3 of voices.csv, but joy and not fear: {reason}",
    }


def test_a_name_is_the_same_however_it_was_typed(tmp_path: Path) -> None:
    voices = table(
        tmp_path, "path,speaker,emotion\na.wav,José,Straße\nb.wav,Jose\u0301,STRASSE\nc.wav,José\u200b,joy\n"
    )
    assert voices.actors == ("José",)
    assert voices.emotions == ("joy", "strasse")


def test_a_path_with_a_nul_is_told_and_harms_nobody_else(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", voice())
    voices = table(tmp_path, "path,speaker,emotion\na.wav,Ann,joy\nx\0y.wav,Ann,fear\n")
    assert reasons(voices) == {"line 3 of voices.csv": "has a NUL in its path (line 3 of voices.csv)"}


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"voices\.csv, line"):
        _ = table(tmp_path, 'path,speaker,emotion\na.wav,Ann,joy\n"b.wav,Ann,fear\nc.wav,Ann,fear\n').actors


def test_columns_of_a_parquet_file_may_have_blanks_but_not_bytes(tmp_path: Path) -> None:
    rows = pd.DataFrame({"path ": ["a.wav"], " speaker": ["Ann"], "emotion": ["joy"]})
    rows.to_parquet(tmp_path / "voices.parquet")
    assert Table(tmp_path / "voices.parquet").actors == ("Ann",)
    rows.assign(**{"path ": [b"a.wav"]}).to_parquet(tmp_path / "bytes.parquet")
    with pytest.raises(CorpusError, match="bytes in row 1"):
        _ = Table(tmp_path / "bytes.parquet").actors


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,who,emotion\na.wav,Ann,joy\n", "has no column speaker"),
        ("", "has no column path, speaker, emotion"),
        ("path,speaker,emotion\n", "names no speaker"),
        ("path,speaker,emotion\na.wav,,joy\n", "names no speaker"),
        ("path,speaker,emotion\na.wav,Ann,joy\nb.wav,Ann,Joy\n", r"one emotion only \(joy\)"),
        ("path,speaker,emotion\na.wav,Ann,\n", "no emotion"),
    ],
)
def test_a_table_that_cannot_be_a_corpus_is_told_with_the_remedy(tmp_path: Path, text: str, reason: str) -> None:
    voices = table(tmp_path, text)
    with pytest.raises(CorpusError, match=rf"voices\.csv .*{reason}"):
        _ = voices.actors, voices.emotions


def test_a_table_that_is_not_utf8_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "voices.csv").write_bytes("path,speaker,emotion\na.wav,Zoë,joy\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="save it as UTF-8"):
        _ = Table(tmp_path / "voices.csv").actors


def test_a_table_that_is_not_there_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"No such file.*SER_CORPUS_TABLE"):
        _ = Table(tmp_path / "voices.csv").actors
    (tmp_path / "voices.parquet").write_bytes(b"no parquet")
    with pytest.raises(CorpusError, match="no Parquet file"):
        _ = Table(tmp_path / "voices.parquet").actors


def test_the_settings_name_the_corpus(tmp_path: Path) -> None:
    assert corpus_of(Settings()).name == "ravdess"
    with pytest.raises(CorpusError, match="SER_CORPUS_TABLE"):
        corpus_of(Settings(corpus="table"))
    assert corpus_of(Settings(corpus="table", corpus_table=tmp_path / "a.csv")).root == tmp_path
