"""Rows and headers of a table are taken as they are written, or refused with line and reason; nothing is guessed."""

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_assets.corpus.interface import CorpusError
from ser_assets_tests.factories.corpus_tables import HEADER, LABELS, ROWS, labels, left_out, table


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("c.wav,Ann, Lee,joy", "has 4 fields and the header 3: quote a field that holds a comma"),
        ("c.wav,Bob,joy,", "has 4 fields and the header 3"),
        ("c.wav,Bob", "has 2 fields and the header 3: put a comma between all fields"),
        ("c.wav;Bob;joy", "has 1 field and the header 3"),
        ("# Bob was ill on that day", "has 1 field and the header 3"),
        ("path,speaker,emotion", "repeats the header"),
    ],
)
def test_a_row_that_does_not_fit_the_header_is_left_out_by_its_line(tmp_path: Path, row: str, reason: str) -> None:
    voices = table(tmp_path, f"{ROWS}{row}\nd.wav,Bob,joy\n")
    [(place, told)] = left_out(voices).items()
    assert place == "line 4 of voices.csv"
    assert told.startswith(reason)
    assert labels(voices) == [*LABELS, ("d.wav", "Bob", "joy")]


def test_where_no_row_fits_the_first_one_tells_why(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"rows left out: 2, the first: line 2 of voices\.csv has 4 fields"):
        _ = table(tmp_path, ROWS.replace("joy", "joy,").replace("fear", "fear,")).actors
    with pytest.raises(CorpusError, match=r"one emotion only \(joy\) \(rows left out: 1, the first: line 3 of"):
        _ = table(tmp_path, f"{HEADER}a.wav,Ann,joy\nb.wav,Bob,fear,calm\n").emotions


def test_an_empty_column_at_the_end_is_fine_and_a_field_that_moved_into_it_is_not(tmp_path: Path) -> None:
    text = "path,speaker,emotion,\na.wav,Ann,joy,\nb.wav,Bob,fear,\nc.wav,Ann, Lee,joy\n,,,\n"
    voices = table(tmp_path, text)
    assert labels(voices) == LABELS
    [(place, told)] = left_out(voices).items()
    assert (place, told[:36]) == ("line 4 of voices.csv", "has 'joy' in a column without a name")


def test_an_index_without_a_name_before_the_columns_is_passed_over(tmp_path: Path) -> None:
    assert labels(table(tmp_path, ",path,speaker,emotion\n0,a.wav,Ann,joy\n1,b.wav,Bob,fear\n")) == LABELS


@pytest.mark.parametrize(
    "header",
    ["Path,SPEAKER,Emotion,Take ID", " path , speaker,emotion ,take_id", "ｐａｔｈ,speaker,EMOTİON,take-id"],
)
def test_a_heading_is_known_in_any_case_and_form(tmp_path: Path, header: str) -> None:
    voices = table(tmp_path, f"{header}\na.wav,Ann,joy,7\nb.wav,Bob,fear,8\n")
    assert labels(voices) == LABELS
    assert [entry.take.take_id for entry in voices.listing().entries["Ann"] if entry.take] == ["Ann//7"]


@pytest.mark.parametrize(
    "header", ["path,speaker,emotion,emotion", "path,speaker,Path ,emotion", "path,speaker,emotion,ＥＭＯＴＩＯＮ"]
)
def test_a_column_named_twice_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(CorpusError, match=r"voices\.csv names the column \w+ twice \(columns \d and \d\)"):
        _ = table(tmp_path, f"{header}\na.wav,Ann,b.wav,joy\n").actors
    assert labels(table(tmp_path, "path,note,speaker,note,emotion\na.wav,1,Ann,2,joy\nb.wav,,Bob,,fear\n")) == LABELS


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f'{ROWS}"c.wav,Ann,joy\nd.wav,Bob,fear\n', 4),
        (f'{ROWS}c.wav,"Ann,joy\nd.wav,"Bob",fear\n', 4),
        (f'{HEADER}\n\n"a.wav,Ann,joy\n' + 9000 * "b.wav,Bob,fear,fear\n", 4),
        ('path,"speaker,emotion\na.wav,Ann,joy\n', 1),
    ],
)
def test_a_quote_that_is_not_closed_is_refused_with_the_line_where_it_opens(
    tmp_path: Path, text: str, line: int
) -> None:
    with pytest.raises(CorpusError, match=rf"voices\.csv, line {line}: .*quote"):
        _ = table(tmp_path, text).actors


def test_a_quote_that_swallows_rows_before_another_closes_it_is_told(tmp_path: Path) -> None:
    swallowed = 'b.wav,Bob,fear,"hm\nc.wav,Bob,joy,\nd.wav,Bob,joy,so"\n'
    text = f"path,speaker,emotion,note\na.wav,Ann,joy,\n{swallowed}e.wav,Ann,fear,\n"
    told = "holds line 4 too, which looks like a row: is a quote not closed?"
    assert left_out(table(tmp_path, text)) == {"line 3 of voices.csv": told}
    text = text.replace('fear,"hm', '"fear,hm')
    assert left_out(table(tmp_path, text)) == {"line 3 of voices.csv": told}


def test_a_line_break_inside_quotes_is_part_of_a_note_and_lines_go_on_counting(tmp_path: Path) -> None:
    note = '"one, two, three\nfour, five, six, seven"'
    voices = table(tmp_path, f"path,speaker,emotion,note\na.wav,Ann,joy,{note}\nb.wav,Bob,fear,\nc.wav,,joy,\n")
    assert labels(voices) == LABELS
    assert left_out(voices) == {"line 5 of voices.csv": "has no speaker"}


def test_a_line_break_inside_a_label_is_told(tmp_path: Path) -> None:
    voices = table(tmp_path, f'{ROWS}c.wav,Bob,"joy\nfear"\nd.wav,"Bob\nAnn",joy\n')
    first, second = left_out(voices).values()
    assert first == "has a line break, a tab or a control character in its emotion"
    assert second.startswith("names a speaker 'Bob\\nAnn'")
    assert voices.emotions == ("fear", "joy")


@pytest.mark.parametrize(
    "nothing", ["", " ", "NaN", "nan", "None", "NONE", "N/A", "n/a", "NULL", "null", "#N/A", "<NA>", "NA"]
)
def test_a_missing_value_is_missing_in_every_column(tmp_path: Path, nothing: str) -> None:
    header = "path,speaker,emotion,take_id,intensity,gender\na.wav,Ann,joy,,,\nb.wav,Bob,fear,,,\n"
    rows = f"{nothing},Ann,joy,,,\nd.wav,{nothing},joy,,,\ne.wav,Ann,{nothing},,,\n"
    voices = table(tmp_path, f"{header}{rows}f.wav,Ann,joy,{nothing},{nothing},{nothing}\ng.wav,Ann,fear,{nothing},,\n")
    told = f" ({nothing!r})" if nothing.strip() else ""
    assert left_out(voices) == {
        "line 4 of voices.csv": f"has no path{told}",
        "line 5 of voices.csv": f"has no speaker{told}",
        "line 6 of voices.csv": f"has no emotion{told}",
    }
    assert voices.actors == ("Ann", "Bob")
    assert voices.emotions == ("fear", "joy")
    take = voices.listing().entries["Ann"][-1].take
    assert take is not None
    assert (take.take_id, take.intensity, take.gender) == ("g.wav", None, None)


def test_a_name_that_only_looks_like_a_missing_value_is_a_name(tmp_path: Path) -> None:
    assert table(tmp_path, f"{HEADER}a.wav,Na,joy\nb.wav,Nan Goldin,fear\nc.wav,Nil,joy\n").actors == (
        "Na",
        "Nan Goldin",
        "Nil",
    )


@pytest.mark.parametrize("speaker", ["1.23457E+17", "4e+05", "1,5E+12"])
def test_a_number_that_a_spreadsheet_has_shortened_is_no_speaker(tmp_path: Path, speaker: str) -> None:
    voices = table(tmp_path, f'{ROWS}c.wav,"{speaker}",joy\n')
    assert "a number that a spreadsheet has shortened" in left_out(voices)["line 4 of voices.csv"]
    assert voices.actors == ("Ann", "Bob")


@pytest.mark.parametrize(
    "content",
    [
        'path;speaker;emotion;"note (who, when, where, why)"\na.wav;Ann;joy;1,5\nb.wav;Bob;fear;2,5\n',
        "path\tspeaker\temotion\tnote, or; so, if, any\na.wav\tAnn\tjoy\t,,,\nb.wav\tBob\tfear\t;;;\n",
        "path|speaker|emotion|a,b;c,d;e,f;g\na.wav|Ann|joy|,,,;;;\nb.wav|Bob|fear|\n",
        '"path","speaker","emotion","a;b;c;d;e"\n"a.wav","Ann","joy",";;;;"\n"b.wav","Bob","fear",""\n',
        "sep=/\npath/speaker/emotion\na.wav/Ann/joy\nb.wav/Bob/fear\n",
        'path, speaker, emotion\n"a.wav", "Ann", joy\nb.wav, Bob, "fear"\n',
    ],
)
def test_the_delimiter_is_the_one_that_gives_the_columns(tmp_path: Path, content: str) -> None:
    assert labels(table(tmp_path, content)) == LABELS


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    assert left_out(table(tmp_path, f"sep=,\n\n{ROWS}\nc.wav,,joy\n")) == {"line 7 of voices.csv": "has no speaker"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    notes=st.lists(st.text(st.sampled_from('ab ,;|"\t'), max_size=12), min_size=4, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encode=st.sampled_from([str.encode, lambda text: text.encode("utf-16"), lambda text: text.encode("utf-8-sig")]),
)
def test_what_a_csv_writer_writes_is_read_as_it_was(
    tmp_path: Path,
    notes: list[str],
    delimiter: str,
    quoting: int,
    line_end: str,
    encode: Callable[[str], bytes],
) -> None:
    rows = [(f"{number}.wav", "AB"[number % 2], ("joy", "fear")[number // 2 % 2]) for number in range(len(notes))]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(["note, or; so", "path", "speaker", "emotion"])
    writer.writerows([note, *row] for note, row in zip(notes, rows, strict=True))
    voices = table(tmp_path, encode(text.getvalue()))
    assert labels(voices) == sorted(rows)
    assert left_out(voices) == {}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_changes_nothing_but_their_places(tmp_path: Path, seed: int) -> None:
    rows = [
        f"{n}.wav,{('Ann', 'Bob', '', 'Çağ')[n % 4]},{('SIKINTI', 'sıkıntı', 'Straße', 'STRASSE', 'nan')[n % 5]}"
        for n in range(20)
    ]
    rows.append("x.wav,Ann,joy,fear")
    shuffled = random.Random(seed).sample(rows, len(rows))
    first, second = (
        table(tmp_path, HEADER + "\n".join(order), f"{name}.csv") for name, order in (("a", rows), ("b", shuffled))
    )
    assert labels(first) == labels(second)
    assert (first.actors, first.emotions) == (second.actors, second.emotions)
    assert sorted(left_out(first).values()) == sorted(left_out(second).values())


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=80))
def test_whatever_the_bytes_there_are_labels_or_a_reason(tmp_path: Path, content: bytes) -> None:
    for start in (b"", HEADER.encode(), ROWS.encode()):
        try:
            read = labels(table(tmp_path, start + content))
        except CorpusError as error:
            assert "voices.csv" in str(error)  # noqa: PT017
        else:
            assert set(read) >= set(LABELS if start == ROWS.encode() else ())
