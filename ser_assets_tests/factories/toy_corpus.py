"""A minimal corpus class, to be added to the registry: files are named `speaker_emotion_take.wav`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ser_assets.corpus.interface import Entry, Listing, Take, name_of


class ToyCorpus:
    """Two speakers, three emotions."""

    name = "toy"
    title = "Toy"
    licence = "CC0-1.0"
    actors: tuple[str, ...] = ("anna", "ben")
    emotions: tuple[str, ...] = ("anger", "joy", "sorrow")
    emotions_of_an_actor: tuple[str, ...] = emotions
    takes_of_an_actor: int | None = 3
    fold_schemes: Mapping[str, Sequence[Sequence[str]]] = {"each": (("anna",), ("ben",))}

    def __init__(self, raw_dir: Path) -> None:
        self.root = raw_dir

    def listing(self) -> Listing:
        """List the recordings."""
        entries: dict[str, list[Entry]] = defaultdict(list)
        for path in sorted(self.root.rglob("*_*_*.wav")):
            speaker, emotion, _ = path.stem.split("_")
            entries[speaker].append(Entry(path, name_of(path, self.root), speaker, Take(path.stem, speaker, emotion)))
        return Listing({actor: entries[actor] for actor in self.actors if actor in entries})

    def missing_recordings_message(self, actor: str | None = None) -> str:
        """Name the folder."""
        return f"no recordings{f' of {actor}' if actor else ''} in {self.root}"
