"""Recordings of your own: a CSV or Parquet file says where they are, who speaks, and with which emotion."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ser_assets.corpus.entries import CorpusError, Entry, Listing, Rejection, Stray, Take, name_of
from ser_assets.problems import Problem

NEEDED = ("path", "speaker", "emotion")
OPTIONAL = ("take_id", "intensity", "gender")
LONGEST_SPEAKER = 60
# Dagster takes no partition with these in its name.
NOT_IN_SPEAKERS = ("...", "\a", "\b", "\f", "\n", "\r", "\t", "\v", "\0")

_DELIMITERS = ",;\t"


class _Row(NamedTuple):
    """One row: values stripped, empty where there is none, and where it stands."""

    values: Mapping[str, str]
    place: str


class Table:
    """The recordings that a table lists, columns `path, speaker, emotion[, take_id, intensity, gender]`.

    A path counts from the folder of the table. Emotions are taken in lower case, in alphabetical order. Two rows with
    one `take_id` are two recordings of one performance; without it every file is a take of its own.
    """

    name = "table"
    emotions_of_an_actor: tuple[str, ...] = ()
    takes_of_an_actor: int | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path.parent

    @cached_property
    def actors(self) -> tuple[str, ...]:
        """All speakers of whom there is a row with an emotion, sorted.

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
        places: dict[str, str] = {}
        for row in self._rows:
            if reason := _why_stray(row):
                strays.append(Stray(row.place, reason))
            else:
                entry = self._entry(row, places)
                entries[entry.actor].append(entry)
        return Listing({actor: entries[actor] for actor in self.actors}, strays)

    def how_to_fill(self, actor: str) -> str:
        """Name the table."""
        return f"no recordings of {actor} in {self.path}: add rows with this speaker"

    def _entry(self, row: _Row, places: dict[str, str]) -> Entry:
        """Turn a row into a recording; `places` tells where a path stood before."""
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
        rejection = None
        if missing := [column for column in NEEDED if not values[column]]:
            rejection = Rejection(Problem.ROW, f"has no {' and no '.join(missing)}")
        elif name in places:
            rejection = Rejection(Problem.ROW, f"is listed twice: on {places[name]} too")
            name = f"{name} ({row.place})"
        else:
            places[name] = row.place
        return Entry(path, name, take.actor, take, rejection, row.place)

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
    return row.values["emotion"].lower()


def _why_stray(row: _Row) -> str:
    """Say why a row belongs to no speaker; empty where it does."""
    speaker = row.values["speaker"]
    if not speaker:
        return "has no speaker"
    if any(part in speaker for part in NOT_IN_SPEAKERS):
        return f"names a speaker {speaker!r}: without line breaks, tabs and '...', please"
    if len(speaker.encode()) > LONGEST_SPEAKER:
        return f"names a speaker longer than {LONGEST_SPEAKER} bytes ({speaker[:20]}…)"
    return ""


def _csv_rows(path: Path) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            header = file.readline()
            file.seek(0)
            delimiter = max(_DELIMITERS, key=header.count)
            reader = csv.DictReader(file, delimiter=delimiter, restval="")
            _require_columns(path, reader.fieldnames or ())
            for values in reader:
                plain = {str(key).strip(): (value or "").strip() for key, value in values.items() if key is not None}
                if any(plain.values()):
                    yield _Row(plain, f"line {reader.line_num} of {path.name}")
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
        rows = pq.read_table(path, columns=[name for name in names if name in NEEDED + OPTIONAL]).to_pylist()
    except pa.ArrowException as error:
        raise CorpusError(f"{path} is no Parquet file ({error})") from error
    for number, values in enumerate(rows, start=1):
        plain = {key: "" if value is None else str(value).strip() for key, value in values.items()}
        yield _Row(plain, f"row {number} of {path.name}")


def _require_columns(path: Path, there: Iterable[str]) -> None:
    present = {str(name).strip() for name in there}
    if missing := [name for name in NEEDED if name not in present]:
        raise CorpusError(
            f"{path} has no column {', '.join(missing)}: its first line should read path,speaker,emotion, and "
            f"{', '.join(OPTIONAL)} may follow"
        )
