"""Tables for tests, and what is read from them."""

from pathlib import Path

from ser_assets.corpus.table.corpus import Table

HEADER = "path,speaker,emotion\n"
ROWS = HEADER + "a.wav,Ann,joy\nb.wav,Bob,fear\n"
# What is read from ROWS, whatever file it comes in.
LABELS = [("a.wav", "Ann", "joy"), ("b.wav", "Bob", "fear")]


def table(folder: Path, content: str | bytes, name: str = "voices.csv") -> Table:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Table(folder / name)


def labels(of: Table) -> list[tuple[str, str, str]]:
    """Name, speaker and emotion of every row that labels a recording."""
    entries = [entry for own in of.listing().entries.values() for entry in own if not entry.rejection]
    return sorted((entry.name, entry.actor, entry.take.emotion) for entry in entries if entry.take)


def left_out(of: Table) -> dict[str, str]:
    """Why a row labels no recording, by its place."""
    listing = of.listing()
    rejected = [entry for own in listing.entries.values() for entry in own if entry.rejection]
    return {entry.place: entry.rejection.reason for entry in rejected if entry.rejection} | dict(
        listing.unassigned_files
    )
