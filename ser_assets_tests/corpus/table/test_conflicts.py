"""Rows that cannot all be right are rejected, each with the line of another; different takes never share an id."""

import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_assets.corpus.duplicates import settle_all
from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.inventory import InspectionTask, inspect_recording
from ser_assets.corpus.table.corpus import Table, take_id_of
from ser_assets_tests.factories.corpus_tables import HEADER, ROWS, labels, left_out, table
from ser_assets_tests.factories.media import voice, write_wav

WITH_TAKES = "path,speaker,emotion,take_id\n"


def take_ids(of: Table) -> list[str]:
    entries = [entry for own in of.listing().entries.values() for entry in own if not entry.rejection]
    return [entry.take.take_id for entry in entries if entry.take]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.wav,A/B,joy,1", "b.wav,A,fear,B/1"),
        ("C/x.wav,D,joy,", "b.wav,C,fear,x.wav"),
        ("E/y.wav,E,joy,", "b.wav,E,fear,y.wav"),
        ("a.wav,A%2FB,joy,1", "b.wav,A/B,fear,1"),
        ("a.wav,A/,joy,1", "b.wav,A,fear,/1"),
        ("A//1.wav,B,joy,", "b.wav,A,fear,1.wav"),
    ],
)
def test_different_takes_have_different_ids(tmp_path: Path, first: str, second: str) -> None:
    voices = table(tmp_path, f"{WITH_TAKES}{first}\n{second}\n")
    assert len(set(take_ids(voices))) == 2


@given(st.lists(st.tuples(*[st.text(st.sampled_from("a/%2F."), min_size=1, max_size=5)] * 2), min_size=2, max_size=2))
def test_pairs_of_speaker_and_take_have_one_id_each(pairs: list[tuple[str, str]]) -> None:
    first, second = (take_id_of(*pair) for pair in pairs)
    assert (first == second) == (pairs[0] == pairs[1])
    assert str(Path(first)) != first


def test_takes_with_slashes_are_all_learned(tmp_path: Path) -> None:
    rows = ["1.wav,A/B,joy,1", "2.wav,A,joy,B/1", "E/y.wav,E,fear,", "4.wav,E,fear,y.wav"]
    for seed, row in enumerate(rows):
        write_wav(tmp_path / row.partition(",")[0], voice(seed=seed))
    listing = table(tmp_path, WITH_TAKES + "\n".join(rows)).listing()
    settled = settle_all(
        {actor: [inspect_recording(InspectionTask(entry)) for entry in own] for actor, own in listing.entries.items()}
    )
    assert [row.status for own in settled.values() for row in own] == ["accepted"] * 4


@pytest.mark.parametrize(
    ("rows", "difference"),
    [
        (["c.wav,Ann,joy,", "c.wav,Ann,fear,"], "emotion fear and not joy"),
        (["c.wav,Ann,joy,", "c.wav,Bob,joy,"], "speaker Bob and not Ann"),
        (["c.wav,Ann,joy,1", "./c.wav,Ann,joy,2"], "another take_id"),
        (["c.wav,Ann,joy,", "c.wav,Ann,joy,2"], "another take_id"),
    ],
)
def test_rows_of_one_file_that_differ_are_rejected_both(tmp_path: Path, rows: list[str], difference: str) -> None:
    for order in itertools.permutations(rows):
        text = f"{WITH_TAKES}a.wav,Ann,joy,\n{order[0]}\nb.wav,Bob,fear,\n{order[1]}\n"
        voices = table(tmp_path, text)
        told = left_out(voices)
        assert sorted(told) == ["line 3 of voices.csv", "line 5 of voices.csv"]
        assert told["line 3 of voices.csv"].startswith("is listed on line 5 of voices.csv too, with ")
        assert told["line 5 of voices.csv"].startswith("is listed on line 3 of voices.csv too, with ")
        if order == tuple(rows):
            assert told["line 3 of voices.csv"].endswith(difference)
        assert labels(voices) == [("a.wav", "Ann", "joy"), ("b.wav", "Bob", "fear")]


def test_the_inventory_rejects_rows_of_one_file_that_differ_as_a_contradiction(tmp_path: Path) -> None:
    write_wav(tmp_path / "c.wav", voice())
    listing = table(tmp_path, f"{ROWS}c.wav,Ann,joy\nc.wav,Bob,fear\n").listing()
    settled = settle_all(
        {actor: [inspect_recording(InspectionTask(entry)) for entry in own] for actor, own in listing.entries.items()}
    )
    problems = {row.path: row.problem for own in settled.values() for row in own if row.path.startswith("c.wav")}
    assert problems == dict.fromkeys(["c.wav", "c.wav (line 5 of voices.csv)"], "one recording, two labels")


def test_of_rows_that_say_the_same_of_a_file_the_first_counts(tmp_path: Path) -> None:
    voices = table(tmp_path, f"{ROWS}a.wav,Ann,JOY\nb.wav,Bob,fear\nc.wav,Ann,\nc.wav,Ann,joy\n")
    assert left_out(voices) == {
        "line 4 of voices.csv": "is listed twice: on line 2 of voices.csv too",
        "line 5 of voices.csv": "is listed twice: on line 3 of voices.csv too",
        "line 6 of voices.csv": "has no emotion",
    }
    assert labels(voices)[-1] == ("c.wav", "Ann", "joy")


@pytest.mark.parametrize(("one", "other"), [("01", "1"), ("2.0", "2"), ("T3", "t3"), ("take 4", "take4"), ("５", "5")])
def test_a_take_in_two_writings_is_rejected_under_both(tmp_path: Path, one: str, other: str) -> None:
    rows = f"a.wav,Ann,joy,{one}\nb.wav,Ann,joy,{other}\nc.wav,Bob,fear,{one}\nd.wav,Bob,joy,9\n"
    voices = table(tmp_path, WITH_TAKES + rows)
    told = left_out(voices)
    assert list(told) == ["line 2 of voices.csv", "line 3 of voices.csv"]
    assert told["line 2 of voices.csv"].startswith(
        f"is take {one!r} of Ann, and line 3 of voices.csv has take {other!r}"
    )
    assert "write one performance in one way" in told["line 3 of voices.csv"]


def test_takes_that_differ_by_more_and_takes_of_other_speakers_stay_apart(tmp_path: Path) -> None:
    rows = ["a.wav,Ann,joy,1", "b.wav,Ann,joy,10", "c.wav,Ann,fear,1.5", "d.wav,Bob,joy,01", "e.wav,Ann,joy,1a"]
    voices = table(tmp_path, WITH_TAKES + "\n".join(rows))
    assert left_out(voices) == {}
    assert len(set(take_ids(voices))) == 5


@pytest.mark.parametrize("heading", ["takeid", "Take_ID", "take id", "take-id", "TakeId", "TAKE.ID"])
def test_a_heading_is_known_without_its_punctuation(tmp_path: Path, heading: str) -> None:
    voices = table(tmp_path, f"path,speaker,emotion,{heading}\na.wav,Ann,joy,7\nb.wav,Bob,fear,8\n")
    assert take_ids(voices) == ["Ann//7", "Bob//8"]


@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        ("take_ids", "take_id"),
        ("tkae_id", "take_id"),
        ("genders", "gender"),
        ("intensty", "intensity"),
        ("take", "take_id"),
    ],
)
def test_a_heading_that_is_nearly_a_known_one_is_refused(tmp_path: Path, heading: str, meant: str) -> None:
    voices = table(tmp_path, f"path,speaker,emotion,{heading}\na.wav,Ann,joy,7\nb.wav,Bob,fear,8\n")
    with pytest.raises(CorpusError, match=rf"voices\.csv has the column '{heading}', which may be meant for {meant}"):
        voices.listing()


def test_a_heading_like_a_column_that_is_there_and_any_other_are_listed_as_unused(tmp_path: Path) -> None:
    voices = table(tmp_path, "path,speaker,emotion,emotion 2,Note,channels,\na.wav,Ann,joy,,,2,\nb.wav,Bob,fear,,,1,\n")
    assert list(voices.listing().unused) == ["emotion 2", "Note", "channels"]
    assert labels(voices) == [("a.wav", "Ann", "joy"), ("b.wav", "Bob", "fear")]


@pytest.mark.parametrize(
    "headings",
    [
        "start,end",
        "Offset",
        "start,duration",
        "begin_time,end_time",
        "channel",
        "Start (s)",
        "segment_start",
        "offset_ms",
    ],
)
def test_a_table_of_parts_of_files_is_refused_with_the_remedy(tmp_path: Path, headings: str) -> None:
    voices = table(tmp_path, f"path,speaker,emotion,{headings}\na.wav,Ann,joy{',1' * (headings.count(',') + 1)}\n")
    first = headings.partition(",")[0]
    with pytest.raises(
        CorpusError, match=rf"has the column {first!r}".replace("(", r"\(").replace(")", r"\)")
    ) as refused:
        voices.listing()
    assert "Cut the parts into files of their own" in str(refused.value)


@pytest.mark.parametrize("heading", ["emotion ", " Emotion", "E-motion", "emotion"])
def test_a_parquet_file_that_names_a_column_twice_is_refused(tmp_path: Path, heading: str) -> None:
    columns = [pa.array([cell]) for cell in ("a.wav", "Ann", "joy", "fear")]
    names = ["path", "speaker", "emotion", heading]
    pq.write_table(pa.Table.from_arrays(columns, names=names), tmp_path / "voices.parquet")
    with pytest.raises(CorpusError, match=r"names the column emotion twice \(columns 3 and 4\)"):
        Table(tmp_path / "voices.parquet").listing()


def test_intensity_and_gender_are_labels_in_any_case_and_form(tmp_path: Path) -> None:
    header = "path,speaker,emotion,intensity,gender\n"
    rows = [
        "a.wav,Ann,joy,Strong,Female",
        "b.wav,Ann,fear,strong,FEMALE ",
        "c.wav,Bob,joy,ＳＴＲＯＮＧ,",
        "d.wav,Bob,fear,,",
    ]
    listing = table(tmp_path, header + "\n".join(rows)).listing()
    takes = [entry.take for own in listing.entries.values() for entry in own if entry.take]
    assert [take.intensity for take in takes] == ["strong", "strong", "strong", None]
    assert [take.gender for take in takes] == ["female", "female", None, None]


@pytest.mark.parametrize(
    "spellings",
    [
        ["self-conscious", "self\u2010conscious", "self\u2011conscious", "Self\u2013conscious", "self\u2212conscious"],
        ["very happy", "very\u00a0happy", "very  happy", "very\u2009happy", "very\u3000happy"],
        ["joy", "\uff4a\uff4f\uff59", "jo\u00ady"],
    ],
)
def test_labels_that_look_alike_are_one_and_speakers_are_refused(tmp_path: Path, spellings: list[str]) -> None:
    rows = [f"{number}.wav,Ann,{spelling}\n" for number, spelling in enumerate(spellings)]
    assert len(table(tmp_path, f"{HEADER}{''.join(rows)}x.wav,Bob,calm\n").emotions) == 2
    rows = [f"{number}.wav,{spelling},joy\n" for number, spelling in enumerate(spellings)]
    with pytest.raises(CorpusError, match="names speakers that may be one person"):
        _ = table(tmp_path, f"{HEADER}{''.join(rows)}x.wav,Bob,calm\n").actors
