"""Headings that would mislead: near misses of a column that is read, columns of parts of files, and columns unused."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.spelling import plain
from ser_assets.corpus.table.grid import OPTIONAL, known_column, squeezed

_PART_OF_A_FILE = re.compile(
    "(t|time|seg|segment|utt|utterance|clip|audio)?(start|begin|end|stop|onset|offset|channel)"
    "(time)?(in)?(s|sec|secs|seconds|ms|msec|samples?|frames?)?"
)
# How many channels there are says nothing of a part.
_CHANNELS = "channels"
_NEAR = 0.8


def refuse_misleading(path: Path, header: Sequence[str]) -> None:
    """Refuse columns that cannot be passed over without learning something else than the table says.

    Raises:
        CorpusError: a heading is nearly that of an optional column that is not there, or names parts of files.
    """
    parts = [plain(name) for name in header if _names_a_part(name)]
    if parts:
        detail = ", ".join(map(repr, parts))
        raise CorpusError(
            f"{path} has the column {detail}: rows seem to be parts of files, and only whole files are used. Cut the "
            "parts into files of their own (`ffmpeg -i FILE -ss START -to END PART.wav`), list these, and remove or "
            "rename the column"
        )
    absent = {squeezed(name): name for name in OPTIONAL if not any(known_column(each) == name for each in header)}
    for heading in unused(header):
        if near := difflib.get_close_matches(squeezed(heading), absent, n=1, cutoff=_NEAR):
            raise CorpusError(
                f"{path} has the column {heading!r}, which may be meant for {absent[near[0]]}: name it "
                f"{absent[near[0]]}, or less alike if it is something else"
            )


def unused(header: Sequence[str]) -> list[str]:
    """The headings of columns that are not read."""
    return [plain(name) for name in header if plain(name) and not known_column(name)]


def _names_a_part(heading: str) -> bool:
    name = squeezed(heading)
    return _PART_OF_A_FILE.fullmatch(name) is not None and not name.endswith(_CHANNELS)
