"""Forgotten speakers stay out, however the list or the corpus writes their names."""

import multiprocessing
from pathlib import Path

import pytest

from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.forgotten import (
    FORGOTTEN_FILE,
    ForgottenMeanwhileError,
    WithoutForgotten,
    forgotten_speakers,
    refuse_forgotten,
)
from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.table.corpus import Table
from ser_assets.settings import Settings
from ser_assets.withdrawal.withdraw import forget


def table_of(folder: Path, *speakers: str) -> Path:
    path = folder / "voices.csv"
    rows = [f"{place}.wav,{speaker},{emotion}" for place, speaker in enumerate(speakers) for emotion in ("joy", "fear")]
    path.write_text("\n".join(["path,speaker,emotion", *rows]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbfZo\xc3\xab\n", "Zoë \r\n".encode(), "zoë".encode(), "ZOË\n\n".encode(), "Zoe\u0308\n".encode()],
    ids=["byte order mark", "space and carriage return", "lower case", "upper case", "decomposed"],
)
def test_a_name_counts_however_the_list_writes_it(tmp_path: Path, content: bytes) -> None:
    settings = Settings(data_dir=tmp_path, corpus="table", corpus_table=table_of(tmp_path, "Ann", "Zoë"))
    settings.corpus_dir.mkdir()
    (settings.corpus_dir / FORGOTTEN_FILE).write_bytes(content)
    corpus = corpus_of(settings)
    assert corpus.actors == ("Ann",)
    assert set(corpus.listing().entries) == {"Ann"}
    with pytest.raises(ForgottenMeanwhileError, match="Zoë was forgotten while this run was going on"):
        refuse_forgotten(settings.corpus_dir, ["Ann", "Zoë"])
    refuse_forgotten(settings.corpus_dir, ["Ann"])


def test_actors_of_ravdess_count_with_and_without_their_zero(tmp_path: Path) -> None:
    (tmp_path / "ravdess").mkdir()
    (tmp_path / "ravdess" / FORGOTTEN_FILE).write_text("3\n")
    assert "03" not in corpus_of(Settings(data_dir=tmp_path)).actors


def test_a_name_with_a_line_separator_in_it_is_one_name(tmp_path: Path) -> None:
    (tmp_path / FORGOTTEN_FILE).write_text("Zo\u2028ë\n", encoding="utf-8")
    assert len(forgotten_speakers(tmp_path)) == 1


def test_a_corpus_of_forgotten_speakers_alone_says_so(tmp_path: Path) -> None:
    corpus = WithoutForgotten(Table(table_of(tmp_path, "Ann")), {"Ann"})
    with pytest.raises(CorpusError, match="every speaker of the corpus is named in"):
        _ = corpus.actors
    assert "keeps this speaker out" in corpus.missing_recordings_message("Ann")


def _forget(data_dir: Path, table: Path, speaker: str) -> None:
    settings = Settings(data_dir=data_dir, corpus="table", corpus_table=table)
    forget(settings, Table(table), speaker)


def test_speakers_forgotten_at_the_same_time_are_all_forgotten(tmp_path: Path) -> None:
    names = ("Ann", "Bob", "Eve", "Zoë")
    table = table_of(tmp_path, *names)
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_forget, args=(tmp_path / "data", table, name)) for name in names]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * len(names)
    assert forgotten_speakers(tmp_path / "data/table-voices") == frozenset(names)
