"""What every reader of tables hands over: a header, and lines of text with the place where each stands."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ser_assets.corpus.spelling import label_of, plain

NEEDED = ("path", "speaker", "emotion")
OPTIONAL = ("take_id", "intensity", "gender")


class Line(NamedTuple):
    """The fields of a row as text, where it stands, and why its fields cannot be separated, if they cannot."""

    place: str
    fields: Sequence[str]
    problem: str = ""


@dataclass(frozen=True)
class Grid:
    """A header and the lines under it. `title` tells a sheet of a workbook from the others."""

    header: Sequence[str]
    lines: Iterable[Line]
    title: str = ""

    @property
    def columns(self) -> dict[str, list[int]]:
        """The positions of each known column; more than one where the header names it twice."""
        found: dict[str, list[int]] = {}
        for position, name in enumerate(self.header):
            if column := known_column(name):
                found.setdefault(column, []).append(position)
        return found

    @property
    def missing(self) -> list[str]:
        """The needed columns that are not there."""
        return [name for name in NEEDED if name not in self.columns]

    def unnamed_after_known(self) -> Iterator[int]:
        """Positions without a name to the right of a known column: a field that moved to the right ends there."""
        first = min((position for found in self.columns.values() for position in found), default=len(self.header))
        return (position for position, name in enumerate(self.header) if position > first and not plain(name))


def known_column(name: str) -> str:
    """The known column that a heading names: `Take ID` and `takeid` for `take_id`; empty where it names none."""
    return _BY_HEADING.get(squeezed(name), "")


def squeezed(heading: str) -> str:
    """A heading in lower case, nothing but letters and digits."""
    return re.sub(r"[\W_]", "", label_of(plain(heading)))


_BY_HEADING = {squeezed(name): name for name in NEEDED + OPTIONAL}
