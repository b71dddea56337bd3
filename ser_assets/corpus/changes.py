"""How the recordings and labels of now differ from those that `raw_videos` lists."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from ser_assets.corpus.interface import Entry, Listing
from ser_assets.corpus.inventory import LOOKED_AT_AGAIN, hash_of_file, unopened
from ser_assets.corpus.raw_video import LABELS, RawVideo
from ser_assets.rejections import Problem


class Change(NamedTuple):
    """One recording that is not as `raw_videos` describes it; `what` continues the sentence after its name."""

    actor: str
    name: str
    kind: Literal["new", "content", "label", "copies"]
    what: str


def changes(listing: Listing, known: Mapping[str, Mapping[str, RawVideo]]) -> Iterator[Change]:
    """Find recordings that are new, have another content or another label; nothing is decoded.

    Recordings that are gone are not among them (`ser_assets.withdrawal.withdraw` removes those), nor are new ones that
    cannot used whatever their sound is.

    Args:
        listing: of the corpus as it is now.
        known: rows of `raw_videos` by speaker and path; other speakers are passed over.
    """
    for actor, rows in known.items():
        for entry in listing.entries.get(actor, ()):
            change = _change(entry, rows.get(entry.name))
            if change is not None:
                yield change


def _change(entry: Entry, before: RawVideo | None) -> Change | None:
    now = unopened(entry)
    if before is None:
        return None if now.status == "rejected" else Change(entry.actor, entry.name, "new", "is new")
    if now.problem == Problem.MISSING:
        return None
    if now.problem and before.status == "accepted":
        return Change(entry.actor, entry.name, "label", str(now.reason))
    for label in LABELS:
        if getattr(before, label) != getattr(now, label):
            what = f"has {label} {getattr(now, label)}, and had {getattr(before, label)}"
            return Change(entry.actor, entry.name, "label", what)
    if before.file_state == now.file_state or now.problem:
        return None
    has_changed = before.problem in LOOKED_AT_AGAIN or _content_hash(entry) != before.content_hash
    return Change(entry.actor, entry.name, "content", "has changed") if has_changed else None


def _content_hash(entry: Entry) -> str:
    """Hash of the content; empty where it cannot be read."""
    try:
        return hash_of_file(entry.path)
    except OSError:
        return ""
