"""The archives in which RAVDESS is published on Zenodo: what there is and what each of them holds."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ser_assets.corpus.ravdess import ACTORS, speech_takes

What = Literal["speech-video", "speech-audio"]

_RECORD = "1188976"
_FULL_AV, _VIDEO_ONLY, _AUDIO_ONLY = "01", "02", "03"


class DownloadError(Exception):
    """Recordings could not be fetched or unpacked; the message names them, the reason and what to do."""


@dataclass(frozen=True)
class Archive:
    """A zip with a folder `Actor_NN` for each of its actors, and in it each take in each of its modalities.

    `bytes` and `md5` are the zip's own. `unpacked_bytes` is about what all of its files take, `smallest_take` what no
    recording in it stays under.
    """

    name: str
    bytes: int
    md5: str
    actors: tuple[str, ...]
    modalities: tuple[str, ...]
    ending: str
    unpacked_bytes: int
    smallest_take: int

    def address(self, base_url: str) -> str:
        """Where the archive lies on Zenodo or on a mirror of it."""
        return f"{base_url}/records/{_RECORD}/files/{self.name}?download=1"

    def files(self, actors: Collection[str] = ACTORS, *, with_video_only: bool = True) -> tuple[str, ...]:
        """Name the recordings of these actors as the archive does, `Actor_NN/MM-VC-EE-II-SS-RR-AA.ending`."""
        return tuple(
            f"Actor_{actor}/{modality}-{take.take_id}{self.ending}"
            for actor in self.actors
            if actor in actors
            for modality in self.modalities
            if with_video_only or modality != _VIDEO_ONLY
            for take in speech_takes(actor)
        )


_VIDEO_SPEECH = (
    (552968353, "3c8ececaf392b4a9b11b32271f4f6d01"),
    (570673024, "a6f40d413b2e6ef25b3a595099e59abb"),
    (567824665, "68fa240ddd8a3cc410c64efe5fb2b0e4"),
    (546560009, "013eed832af1f7e97082aae398a00dbe"),
    (562966425, "b00e17d61374ef6ba86fef35d50a20fb"),
    (568517859, "3c42877921cc08cfb5c841a0f2cb94a7"),
    (565652404, "bdd29bfe082f80361ec6b589845c283d"),
    (562573079, "bed5f43d9c18e177e34d4bc1ed9b6d77"),
    (523489249, "775da349c50bf915a1bbcb37379bd092"),
    (565580163, "70199d1c6902f76e17df308d5c41fa01"),
    (518634370, "824504aa41a8fd575e5459d5701dd378"),
    (557928718, "2a1f0ddc0ca207beedee6ce2ea863ad7"),
    (501877549, "c5f2fd4fd77941636947620368c612b5"),
    (552484059, "466d31f4cce92a14b1f4ee884bbdf7d7"),
    (525205576, "4b3b9bc8473e86f884630f2506684887"),
    (562416513, "a63c54570ebbe6bd616d0dced5630f7e"),
    (551688845, "8b7ae3e5a85d2874ac8e1195e722e047"),
    (565655520, "fef2131ac361da182c0cb85f3d8e8a6c"),
    (581121687, "abb97d97d8c4e88c866cee1cea9d06d6"),
    (561349264, "5ddfb22770093bafebdefe8faa449f48"),
    (590292896, "d810cf2ff6863ef91306fc7a16d74fbb"),
    (560907466, "fee55f72c9871401f23d4b167de3217d"),
    (545177865, "b31e8c8904e66102e7a951694db752d6"),
    (595799165, "eef90e806c9179bc5b4b098d03647ae3"),
)

ARCHIVES: dict[What, tuple[Archive, ...]] = {
    "speech-video": tuple(
        Archive(
            name=f"Video_Speech_Actor_{actor}.zip",
            bytes=size,
            md5=md5,
            actors=(actor,),
            modalities=(_FULL_AV, _VIDEO_ONLY),
            ending=".mp4",
            # Films are compressed already.
            unpacked_bytes=size,
            smallest_take=1_000_000,
        )
        for actor, (size, md5) in zip(ACTORS, _VIDEO_SPEECH, strict=True)
    ),
    "speech-audio": (
        Archive(
            name="Audio_Speech_Actors_01-24.zip",
            bytes=208468073,
            md5="bc696df654c87fed845eb13823edef8a",
            actors=ACTORS,
            modalities=(_AUDIO_ONLY,),
            ending=".wav",
            # 1440 takes of 3.7 s on average at 96000 bytes a second, five of them twice that, for they are stereo.
            unpacked_bytes=520_000_000,
            smallest_take=100_000,
        ),
    ),
}


def archives_for(what: What, actors: Collection[str]) -> list[Archive]:
    """List the archives that hold the speech of these actors, as films or as sound alone."""
    return [archive for archive in ARCHIVES[what] if not set(actors).isdisjoint(archive.actors)]
