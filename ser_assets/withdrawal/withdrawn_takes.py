"""What has left the corpus, and what its removal touched."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ser_assets.withdrawal.removal import (
    Stored,
    StoredTake,
)

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Removed:
    """What a removal touched. Take ids are not among it, for this goes into logs.

    speakers: those without any take left. takes: their number. tables: rows removed, by table. files: those rewritten
    or removed.
    models: kept models that were removed because they were trained on these takes. champion_marked: the champion too
    was trained on them; it stays in use, marked, until a new one takes its place.
    """

    speakers: tuple[str, ...] = ()
    takes: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    models: tuple[str, ...] = ()
    champion_marked: bool = False

    def __bool__(self) -> bool:
        return bool(self.tables or self.files)

    @property
    def sentence(self) -> str:
        """One sentence for logs."""
        takes = "1 take" if self.takes == 1 else f"{self.takes} takes"
        speakers = f", among them all of {', '.join(self.speakers)}," if self.speakers else ""
        models = (
            f"; models {', '.join(self.models)} were trained on them and have to be trained again"
            if self.models
            else ""
        )
        return (
            f"{takes}{speakers} left the corpus: removed {sum(self.tables.values())} rows of "
            f"{len(self.tables)} tables and changed {len(self.files)} files{models}"
        )


@dataclass(frozen=True)
class Withdrawn:
    """What is stored of recordings that are no longer in the corpus.

    takes: stored takes that the corpus no longer lists. rows: speaker and path of rows of `raw_videos` whose file is
    gone. names: take ids and paths, as logs may name them. speakers: those without any take left.
    """

    stored: Stored
    takes: frozenset[StoredTake] = frozenset()
    rows: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()
    speakers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.takes or self.rows)

    @property
    def count(self) -> int:
        """How many takes these are; tables without a speaker list a take once more."""
        return len({take.take_id for take in self.takes})
