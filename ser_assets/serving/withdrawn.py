"""The mark on a bundle whose model was trained on takes that have left the corpus since."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ser_assets.serving.bundle import BUNDLE_FACTS_FILE, CARD_FILE, BundleError
from ser_assets.storage.files import atomic_file

WITHDRAWN_FILE: Final = "withdrawn.json"
_NOTICE: Final = "> **Withdrawn recordings:** "


@dataclass(frozen=True)
class WithdrawnMark:
    """How many of the takes that a model was trained on have left the corpus, and since when (YYYY-MM-DD)."""

    takes: int
    speakers: int
    since: str

    @property
    def sentence(self) -> str:
        """What to say wherever the model is used."""
        takes = "1 take that has" if self.takes == 1 else f"{self.takes} takes that have"
        speakers = "1 speaker" if self.speakers == 1 else f"{self.speakers} speakers"
        whole = f", among them all of {speakers}" if self.speakers else ""
        return (
            f"this model was trained on {takes} left the corpus since {self.since}{whole}: "
            "`ser-assets run` trains a new one without them"
        )


def withdrawn_from(folder: Path) -> WithdrawnMark | None:
    """Read the mark of a bundle; None where it has none.

    Raises:
        BundleError: the mark is damaged.
    """
    path = folder / WITHDRAWN_FILE
    try:
        return WithdrawnMark(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise BundleError(
            f"{path} is damaged, so that it is unknown which recordings of its training were withdrawn: "
            "`ser-assets run` trains a new champion, or copy the whole folder again"
        ) from error


def is_marked(folder: Path) -> bool:
    """Whether a bundle has a mark, even a damaged one."""
    return (folder / WITHDRAWN_FILE).exists()


def trained_on(folder: Path) -> tuple[frozenset[str], int]:
    """Read the speakers, and the number of takes, that the model of a bundle was trained on; none without a bundle."""
    try:
        training = json.loads((folder / BUNDLE_FACTS_FILE).read_text(encoding="utf-8"))["training"]
        return frozenset(training["actors"]), int(training["takes"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset(), 0


def mark_withdrawn(folder: Path, takes: int, speakers: int, today: str) -> bool:
    """Mark a bundle, and add a notice to its model card; returns whether there is a bundle to mark.

    Args:
        folder: of the champion.
        takes: how many takes it was trained on have left the corpus.
        speakers: how many speakers left with all their takes.
        today: as YYYY-MM-DD.
    """
    if not (folder / BUNDLE_FACTS_FILE).exists():
        return False
    try:
        before = withdrawn_from(folder)
    except BundleError:
        before = None
    mark = WithdrawnMark(takes, speakers, before.since if before else today)
    with atomic_file(folder / WITHDRAWN_FILE) as part:
        part.write_text(json.dumps(dataclasses.asdict(mark)) + "\n", encoding="utf-8")
    card = folder / CARD_FILE
    if card.exists():
        lines = [line for line in card.read_text(encoding="utf-8").splitlines() if not line.startswith(_NOTICE)]
        # The metadata of the card comes before its title.
        below = 1 + next((number for number, line in enumerate(lines) if line.startswith("# ")), -1)
        with atomic_file(card) as part:
            text = "\n".join([*lines[:below], "", f"{_NOTICE}{mark.sentence}.", *lines[below:]])
            part.write_text(text + "\n", encoding="utf-8")
    return True
