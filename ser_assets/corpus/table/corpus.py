"""Recordings of your own: a table says where they are, who speaks, and with which emotion."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from ser_assets.corpus.interface import CorpusError, Entry, Listing, Rejection, Stray, Take, name_of
from ser_assets.corpus.spelling import ambiguous_speakers, natural_order, same_labels
from ser_assets.corpus.table.conflicts import Claim, conflicts
from ser_assets.corpus.table.file_search import FileSearch, NotAFileError
from ser_assets.corpus.table.grid import NEEDED
from ser_assets.corpus.table.rows import Row, Rows, read_table
from ser_assets.rejections import Problem

LONGEST_SPEAKER = 100
# Dagster takes no partition with this in its name, and none with a control character.
NOT_IN_SPEAKERS = "..."
_SHOWN = 5
# Columns in which spellings that differ only by case or Unicode form mean the same.
_LABELS = ("emotion", "intensity", "gender")


def table_name(path: Path) -> str:
    """Name of the corpus that a table lists: of the file, so that two tables are two corpora.

    Examples:
        >>> table_name(Path("voices/call centre.csv"))
        'table-call_centre'
    """
    return "table-" + re.sub(r"[^\w-]", "_", path.stem)


class Table:
    """The recordings that a table lists, columns `path, speaker, emotion[, take_id, intensity, gender]`.

    A path counts from the folder of the table. Emotions are taken in lower case, in alphabetical order; speakers in the
    natural order of their names. Two rows of a speaker with one `take_id` are two recordings of one performance;
    without it every file is a take of its own.

    distinct_speakers: names that differ only by case, leading zeros, a trailing `.0` or spaces are different people.
    """

    licence = "that of the recordings it learned from"
    fold_schemes: Mapping[str, Sequence[Sequence[str]]] = MappingProxyType({})
    emotions_of_an_actor: tuple[str, ...] = ()
    takes_of_an_actor: int | None = None

    def __init__(self, path: Path, *, distinct_speakers: bool = False) -> None:
        self.path = path
        self.name = table_name(path)
        self.title = path.name
        self.root = path.parent
        self.distinct_speakers = distinct_speakers

    @cached_property
    def actors(self) -> tuple[str, ...]:
        """All speakers, in natural order: 1, 2, 10.

        Raises:
            CorpusError: the table cannot be read, lacks a column, names no speaker, or one speaker in several ways.
        """
        places = {row.values["speaker"]: row.place for row in reversed(self._rows) if not _why_stray(row)}
        if not places:
            raise CorpusError(f"{self.path} names no speaker{self._left_out()}: fill its column 'speaker'")
        in_given_order = {name: places[name] for name in sorted(places, key=natural_order)}
        if not self.distinct_speakers and (groups := ambiguous_speakers(in_given_order)):
            raise CorpusError(self._ambiguous(groups, places))
        return tuple(in_given_order)

    @cached_property
    def emotions(self) -> tuple[str, ...]:
        """All emotions, sorted.

        Raises:
            CorpusError: the table cannot be read, or there are less than two emotions.
        """
        emotions = tuple(sorted(set(self._labels["emotion"].values())))
        if len(emotions) < 2:
            detail = f"one emotion only ({emotions[0]})" if emotions else "no emotion"
            raise CorpusError(
                f"{self.path} names {detail}{self._left_out()}: to learn one from another, label takes with two or more"
            )
        return emotions

    def listing(self) -> Listing:
        """List the recordings of all rows; rows without a speaker are unassigned, other bad ones rejected."""
        unassigned_files = [Stray(row.place, reason) for row in self._rows if (reason := _why_stray(row))]
        files = FileSearch(self.root)
        found = [self._entry(row, files) for row in self._rows if not _why_stray(row)]
        usable = [
            Claim(entry.place, entry.name, entry.take, written)
            for entry, written in found
            if entry.take and not entry.rejection
        ]
        rejected = conflicts(usable)
        entries = [replace(entry, rejection=entry.rejection or rejected.get(entry.place)) for entry, _ in found]
        by_actor: dict[str, list[Entry]] = defaultdict(list)
        for entry in _with_names_apart(entries):
            by_actor[entry.actor].append(entry)
        return Listing({actor: by_actor[actor] for actor in self.actors}, unassigned_files, unused=self._read.unused)

    def missing_recordings_message(self, actor: str | None = None) -> str:
        """Name the table, and the setting that names another."""
        return (
            f"no recordings{f' of {actor}' if actor else ''} in {self.path.absolute()}: add rows, or name another "
            "table with SER_CORPUS_TABLE"
        )

    def _entry(self, row: Row, files: FileSearch) -> tuple[Entry, str]:
        """Turn a row into a recording, whatever other rows say, and its take_id as it is written."""
        values = row.values
        reason = _why_rejected(row)
        path, name = self.root / row.place, row.place
        if values["path"] and "\0" not in values["path"]:
            try:
                path = files.find(values["path"])
                name = name_of(path, self.root)
            except NotAFileError as error:
                reason = reason or str(error)
        written = values.get("take_id", "")
        labels = {column: self._labels[column].get(values.get(column, "")) for column in _LABELS}
        take = Take(
            take_id=take_id_of(values["speaker"], written) if written else name,
            actor=values["speaker"],
            emotion=labels["emotion"] or "",
            intensity=labels["intensity"],
            gender=labels["gender"],
        )
        rejection = Rejection(Problem.ROW, reason) if reason else None
        return Entry(path, name, take.actor, take, rejection, row.place), written

    @cached_property
    def _labels(self) -> dict[str, dict[str, str]]:
        """The label that each spelling stands for, by column."""
        rows = [row.values for row in self._rows if not _why_stray(row)]
        written = {column: {values.get(column, "") for values in rows} - {""} for column in _LABELS}
        return {
            column: same_labels(text for text in texts if not _has_control(text)) for column, texts in written.items()
        }

    @cached_property
    def _read(self) -> Rows:
        return read_table(self.path)

    @property
    def _rows(self) -> Sequence[Row]:
        return self._read.rows

    def _left_out(self) -> str:
        """Tell of rows that are left out, where too little is left."""
        unassigned_files = [f"{row.place} {reason}" for row in self._rows if (reason := _why_stray(row))]
        return (
            f" (rows left out: {len(unassigned_files)}, the first: {unassigned_files[0]})" if unassigned_files else ""
        )

    def _ambiguous(self, groups: list[list[str]], places: dict[str, str]) -> str:
        detail = [", ".join(f"{name!r} ({places[name]})" for name in group[:_SHOWN]) for group in groups[:_SHOWN]]
        more = f"; and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else ""
        return (
            f"{self.path} names speakers that may be one person: {'; '.join(detail)}{more}. Write each speaker in one "
            "way, or set SER_DISTINCT_SPEAKERS=true if they are different people"
        )


def take_id_of(speaker: str, written: str) -> str:
    """The id of a take, unlike that of any other: what a table calls takes may begin again with every speaker.

    No path has two slashes in a row, so that no take without a take_id has this id either.
    """
    return "//".join(part.replace("%", "%25").replace("/", "%2F") for part in (speaker, written))


def _with_names_apart(entries: Sequence[Entry]) -> list[Entry]:
    """Give entries of one name other names, by their place, but for the first that can be used."""
    first: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.rejection is not None):
        first.setdefault(entry.name, entry)
    return [
        entry if entry is first[entry.name] else replace(entry, name=f"{entry.name} ({entry.place})")
        for entry in entries
    ]


def _why_stray(row: Row) -> str:
    """Say why a row belongs to no speaker; empty where it does."""
    if row.problem:
        return row.problem
    speaker = row.values["speaker"]
    if not speaker:
        return f"has no speaker{_instead(row, 'speaker')}"
    return _why_no_partition(speaker)


@lru_cache(maxsize=10_000)
def _why_no_partition(speaker: str) -> str:
    if NOT_IN_SPEAKERS in speaker or _has_control(speaker):
        return f"names a speaker {speaker!r}: without line breaks, tabs and '...', please"
    if len(quote(speaker)) > LONGEST_SPEAKER:
        return f"names a speaker too long to name files after ({speaker[:20]}…)"
    return ""


def _why_rejected(row: Row) -> str:
    """Say why a row of a speaker labels no recording; empty where it does."""
    if missing := [f"{column}{_instead(row, column)}" for column in NEEDED if not row.values[column]]:
        return f"has no {' and no '.join(missing)}"
    if "\0" in row.values["path"]:
        return "has a NUL in its path"
    if found := [name for name, value in row.values.items() if name != "path" and _has_control(value)]:
        return f"has a line break, a tab or a control character in its {found[0]}"
    return ""


def _instead(row: Row, column: str) -> str:
    """What stands where a value is missing."""
    return f" ({row.missing[column]!r})" if row.missing.get(column) else ""


def _has_control(text: str) -> bool:
    return not text.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in text)
