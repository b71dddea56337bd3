"""Spellings that are one label are one, and speakers that may be one person are refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.spelling import (
    ambiguous_speakers,
    is_missing,
    label_of,
    names_in,
    names_joined,
    natural_order,
    plain,
    same_labels,
)
from ser_assets.corpus.table.corpus import Table
from ser_assets_tests.factories.corpus_tables import HEADER, table

LETTERS = st.text(st.sampled_from("aAiIıİ\u0307ßsSςσΣéeｊ１1.0 \u00a0\u200bŞş"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("spellings", "label"),
    [
        (["SEVİNÇ", "sevinç", "Sevinç", "sevi\u0307nc\u0327"], "sevinç"),
        (["SIKINTI", "sıkıntı", "Sıkıntı"], "sıkıntı"),
        (["ÖFKE", "öfke", "O\u0308FKE"], "öfke"),
        (["ｊｏｙ", "JOY", "Joy"], "joy"),
        (["Straße", "STRASSE", "STRAẞE"], "strasse"),
        (["no emotion", "No\u00a0Emotion", "no  emotion"], "no emotion"),
        (["ΦΌΒΟΣ", "φόβος"], "φόβοσ"),
        (["1", "1.0", "01", "１"], "1"),
    ],
)
def test_spellings_of_one_label_are_one(spellings: list[str], label: str) -> None:
    assert set(same_labels(map(plain, spellings)).values()) == {label}
    assert set(same_labels(map(plain, reversed(spellings))).values()) == {label}


@pytest.mark.parametrize("labels", [["ağrı", "agri"], ["10", "1"], ["1.5", "1"], ["sad", "såd"], ["peur", "peure"]])
def test_other_labels_stay_apart(labels: list[str]) -> None:
    assert len(set(same_labels(labels).values())) == 2


@given(st.lists(LETTERS, min_size=1, max_size=8))
def test_labels_differ_by_more_than_case_and_stay_what_they_are(texts: list[str]) -> None:
    label = same_labels(plain(text) for text in texts)
    kept = set(label.values())
    assert len({each.casefold() for each in kept}) == len(kept)
    assert same_labels(kept) == {each: each for each in kept}
    for text in label:
        assert label[text] == same_labels([*label, text.lower(), text.casefold()])[text.casefold()]


@pytest.mark.parametrize(
    "names",
    [
        ["Ann", "ann", "ANN"],
        ["1", "01", "1.0", "１", "001"],
        ["S01", "s1"],
        ["Ann Lee", "AnnLee", "ann  lee"],
        ["Işık", "ışık", "ISIK".replace("S", "Ş")],
        ["spk_007", "spk_7"],
        ["٣", "3"],
        ["12,0", "12"],
        ["Groß", "GROSS"],
    ],
)
def test_names_that_may_be_one_person_are_grouped(names: list[str]) -> None:
    assert ambiguous_speakers(dict.fromkeys([*names, "someone else"], "")) == [names]


def test_names_of_different_people_are_not_ambiguous() -> None:
    names = ["Ann", "Anna", "1", "10", "100", "1.5", "0", "Ann-Lee", "Ann B", "José", "Jose", "S1", "S10", "S1a"]
    assert ambiguous_speakers(dict.fromkeys(names, "")) == []


def test_a_table_with_ambiguous_speakers_is_refused_with_both_lines(tmp_path: Path) -> None:
    rows = [f"{number}.wav,{name},joy\n" for number, name in enumerate(["Ann", "1", "ann", "Bob", "01", "1.0", "Ann"])]
    voices = table(tmp_path, HEADER + "".join(rows))
    told = "'01' (line 6 of voices.csv), '1' (line 3 of voices.csv), '1.0' (line 7 of voices.csv); 'Ann' (line 2 of"
    with pytest.raises(CorpusError) as refused:
        voices.listing()
    assert told in str(refused.value)
    assert "'ann' (line 4 of voices.csv). Write each speaker in one way, or set SER_DISTINCT_SPEAKERS=true" in str(
        refused.value
    )
    apart = Table(voices.path, distinct_speakers=True)
    assert apart.actors == ("01", "1", "1.0", "Ann", "ann", "Bob")


def test_speakers_that_differ_by_spaces_around_or_by_invisible_characters_are_one(tmp_path: Path) -> None:
    voices = table(tmp_path, f"{HEADER}a.wav, Ann,joy\nb.wav,Ann\u00a0,fear\nc.wav,\u200bAnn\ufeff,joy\n")
    assert voices.actors == ("Ann",)


def test_speakers_of_rows_that_are_left_out_are_not_ambiguous(tmp_path: Path) -> None:
    assert table(tmp_path, f"{HEADER}a.wav,Ann,joy\nb.wav,ann,joy,fear\n").actors == ("Ann",)


def test_speakers_come_in_natural_order(tmp_path: Path) -> None:
    names = ["10", "2", "S3", "1", "s 20", "S10", "b", "A", "3"]
    in_given_order = ("1", "2", "3", "10", "A", "b", "S3", "S10", "s 20")
    rows = "".join(f"{number}.wav,{name},joy\n" for number, name in enumerate(names))
    assert table(tmp_path, HEADER + rows).actors == in_given_order


@given(st.lists(st.text(max_size=6), min_size=2, max_size=6))
def test_natural_order_compares_any_names(names: list[str]) -> None:
    backwards = names[::-1]
    backwards.sort(key=natural_order)
    assert backwards == sorted(names, key=natural_order)


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1).map(str.strip).filter(bool), max_size=5))
def test_names_with_commas_and_quotes_are_read_as_they_were_joined(names: list[str]) -> None:
    assert names_in(names_joined(names)) == names


def test_missing_in_any_case_but_na_in_capitals_only() -> None:
    assert all(map(is_missing, ("", "nan", "NAN", "none", "N/A", "n/a", "Null", "#N/A", "<NA>", "NA")))
    assert not any(map(is_missing, ("Na", "na", "no", "-", "nana", "0", "nil")))


def test_a_label_is_kept_in_lower_case() -> None:
    assert [label_of(text) for text in ("JOY", "İYİ", "Ärger", "007", "-1")] == ["joy", "iyi", "ärger", "7", "-1"]
