"""Recordings of your own: a CSV or Parquet file says where they are, who speaks, and with which emotion."""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from ser_assets.corpus.entries import CorpusError, Entry, Listing, Rejection, Stray, Take, name_of
from ser_assets.problems import Problem

NEEDED = ("path", "speaker", "emotion")
OPTIONAL = ("take_id", "intensity", "gender")
LONGEST_SPEAKER = 100
# Dagster takes no partition with these in its name.
NOT_IN_SPEAKERS = ("...", "\a", "\b", "\f", "\n", "\r", "\t", "\v", "\0")

_DELIMITERS = ",;\t"


class _Row(NamedTuple):
    """One row: plain values, empty where there is none, and where it stands."""

    values: Mapping[str, str]
    place: str


class Table:
    """The recordings that a table lists, columns `path, speaker, emotion[, take_id, intensity, gender]`.

    A path counts from the folder of the table. Emotions are taken in lower case, in alphabetical order. Two rows of a
    speaker with one `take_id` are two recordings of one performance; without it every file is a take of its own.
    """

    name = "table"
    emotions_of_an_actor: tuple[str, ...] = ()
    takes_of_an_actor: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.parent

    @cached_property
    def actors(self) -> tuple[str, ...]:
        """All speakers, sorted.

        Raises:
            CorpusError: the table cannot be read, lacks a column, or names no speaker.
        """
        actors = tuple(sorted({row.values["speaker"] for row in self._rows if not _why_stray(row)}))
        if not actors:
            raise CorpusError(f"{self.path} names no speaker: fill its column 'speaker'")
        return actors

    @cached_property
    def emotions(self) -> tuple[str, ...]:
        """All emotions, sorted.

        Raises:
            CorpusError: the table cannot be read, or there are less than two emotions.
        """
        emotions = tuple(sorted({_emotion(row) for row in self._rows if _emotion(row) and not _why_stray(row)}))
        if len(emotions) < 2:
            told = f"one emotion only ({emotions[0]})" if emotions else "no emotion"
            raise CorpusError(f"{self.path} names {told}: to learn one from another, label takes with two or more")
        return emotions

    def listing(self) -> Listing:
        """List the recordings of all rows; rows without a speaker are strays, other bad ones rejected by their line."""
        entries: dict[str, list[Entry]] = defaultdict(list)
        strays = []
        seen: dict[str, _Row] = {}
        for row in self._rows:
            if reason := _why_stray(row):
                strays.append(Stray(row.place, reason))
            else:
                entry = self._entry(row, seen)
                entries[entry.actor].append(entry)
        return Listing({actor: entries[actor] for actor in self.actors}, strays)

    def how_to_fill(self, actor: str | None = None) -> str:
        """Name the table."""
        return f"no recordings{f' of {actor}' if actor else ''} in {self.path}: add rows"

    def _entry(self, row: _Row, seen: dict[str, _Row]) -> Entry:
        """Turn a row into a recording; `seen` holds the first row of each path and of each take."""
        values = row.values
        path = self.root / values["path"]
        name = name_of(path, self.root) if values["path"] else row.place
        take = Take(
            # What a table calls takes may begin anew with every speaker.
            take_id=f"{values['speaker']}/{values['take_id']}" if values.get("take_id") else name,
            actor=values["speaker"],
            emotion=_emotion(row),
            intensity=values.get("intensity") or None,
            gender=values.get("gender") or None,
        )
        reason, before = "", seen.get(f"path {name}")
        if missing := [column for column in NEEDED if not values[column]]:
            reason = f"has no {' and no '.join(missing)}"
        elif "\0" in values["path"]:
            path, name, reason = self.root / row.place, row.place, "has a NUL in its path"
        elif before:
            name, reason = f"{name} ({row.place})", f"is listed twice: on {before.place} too"
        elif _emotion(same_take := seen.setdefault(f"take {take.take_id}", row)) != take.emotion:
            told = f"is take {values['take_id']} of {take.actor} as on {same_take.place}, but {take.emotion}"
            reason = f"{told} and not {_emotion(same_take)}: give every performance a take_id of its own"
        seen.setdefault(f"path {name}", row)
        return Entry(path, name, take.actor, take, Rejection(Problem.ROW, reason) if reason else None, row.place)

    @cached_property
    def _rows(self) -> list[_Row]:
        read = _parquet_rows if self.path.suffix.lower() in {".parquet", ".pq"} else _csv_rows
        try:
            return list(read(self.path))
        except OSError as error:
            reason = error.strerror or error
            raise CorpusError(
                f"{self.path} cannot be read ({reason}): set SER_CORPUS_TABLE to a CSV or Parquet file with columns "
                f"{', '.join(NEEDED)}"
            ) from error


def _emotion(row: _Row) -> str:
    return row.values["emotion"].casefold()


def _plain(text: str) -> str:
    """Text without blanks around it and without what nobody sees: the same name is the same, however it was typed."""
    seen = (letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) != "Cf")
    return "".join(seen).strip()


def _why_stray(row: _Row) -> str:
    """Say why a row belongs to no speaker; empty where it does."""
    speaker = row.values["speaker"]
    if not speaker:
        return "has no speaker"
    if any(part in speaker for part in NOT_IN_SPEAKERS):
        return f"names a speaker {speaker!r}: without line breaks, tabs and '...', please"
    if len(quote(speaker)) > LONGEST_SPEAKER:
        return f"names a speaker too long to name files after ({speaker[:20]}…)"
    return ""


def _csv_rows(path: Path) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            header = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=header.count)
            reader = csv.DictReader(file, delimiter=delimiter, restval="", strict=True)
            _require_columns(path, reader.fieldnames or ())
            for values in reader:
                plain = {str(key).strip(): value or "" for key, value in values.items() if key is not None}
                if any(plain.values()):
                    yield _row(plain, f"line {reader.line_num} of {path.name}")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from error
        except csv.Error as error:
            raise CorpusError(f"{path}, line {reader.line_num}: {error}") from error


def _parquet_rows(path: Path) -> Iterator[_Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        _require_columns(path, names)
        wanted = [name for name in names if name.strip() in NEEDED + OPTIONAL]
        rows = pq.read_table(path, columns=wanted).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} is no Parquet file that can be read ({error})") from error
    for number, values in enumerate(rows, start=1):
        place = f"row {number} of {path.name}"
        if bytes in map(type, values.values()):
            raise CorpusError(f"{path}: bytes in {place}, where text should be")
        plain = {key.strip(): "" if value is None else str(value) for key, value in values.items()}
        yield _row(plain, place)


def _row(values: Mapping[str, str], place: str) -> _Row:
    path = values["path"].strip()
    return _Row({**{name: _plain(value) for name, value in values.items()}, "path": path}, place)


def _require_columns(path: Path, there: Iterable[str]) -> None:
    present = {str(name).strip() for name in there}
    if missing := [name for name in NEEDED if name not in present]:
        raise CorpusError(
            f"{path} has no column {', '.join(missing)}: its first line should read path,speaker,emotion, and "
            f"{', '.join(OPTIONAL)} may follow"
        )
