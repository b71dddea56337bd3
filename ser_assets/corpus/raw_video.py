"""One file of the corpus as table `raw_videos` describes it."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from ser_assets.corpus.interface import Take
from ser_assets.rejections import Problem

SOUND = (
    "container",
    "codec",
    "sampling_rate",
    "channels",
    "audio_tracks",
    "audio_track",
    "seconds",
    "peak",
    "audio_hash",
    "fingerprint",
    "channel_likeness",
    "abrupt_silence",
    "demo",
)
LABELS = tuple(field.name for field in dataclasses.fields(Take))


@dataclass(frozen=True)
class RawVideo:
    """One file of the corpus; `path` is its name as `corpus.interface.name_of` writes it.

    `content_hash` is of the file's bytes, `audio_hash` of its decoded mono samples: the same sound under two names
    has one `audio_hash`. `file_state` is all that the file system reported when the content was hashed; it is empty
    where a later change could leave it the same. What the label says is None where it cannot be read, what the sound
    says where it was not decoded.
    `fingerprint` is much the same for the same sound in another coding; the demo corpus, whose synthesiser says a
    sentence twice alike, has none. `channel_likeness` is how much two channels have in common (0 to 1), None where only
    one has sound, `abrupt_silence` how many seconds of digital silence there are in the middle of sound.
    `seconds`, `sampling_rate` (Hz) and `channels` are those of the file, `audio_tracks` is how many tracks of sound it
    has, `audio_track` which of them is used, counted from 1. A rejected file has a `problem` and a
    `reason`, which goes on where the path ends; `place` is where its label stands, if not in its name.
    """

    path: str
    actor: str
    bytes: int
    file_state: str = ""
    content_hash: str = ""
    take_id: str | None = None
    modality: str | None = None
    vocal_channel: str | None = None
    emotion: str | None = None
    intensity: str | None = None
    statement: str | None = None
    repetition: int | None = None
    gender: str | None = None
    container: str | None = None
    codec: str | None = None
    sampling_rate: int | None = None
    channels: int | None = None
    audio_tracks: int | None = None
    audio_track: int | None = None
    seconds: float | None = None
    peak: float | None = None
    audio_hash: str | None = None
    fingerprint: str | None = None
    channel_likeness: float | None = None
    abrupt_silence: float | None = None
    demo: bool = False
    status: str = "accepted"
    problem: str | None = None
    reason: str | None = None
    place: str | None = None
    duplicate_of: str | None = None

    @property
    def track_used(self) -> str:
        """Which of several audio tracks is used, as a sentence that begins with the path; empty where there is one."""
        if (self.audio_tracks or 1) == 1:
            return ""
        return f"{self.path} has {self.audio_tracks} audio tracks: track {self.audio_track} is used"

    @property
    def why_rejected(self) -> str:
        """The reason, and where the label stands."""
        return f"{self.reason} ({self.place})" if self.place else str(self.reason)

    def rejected(self, problem: Problem, reason: str) -> Self:
        """The same file, rejected."""
        return dataclasses.replace(self, status="rejected", problem=problem.value, reason=reason)

    @property
    def unsettled(self) -> Self:
        """The same file, accepted again if it was rejected for another file that is the same."""
        if self.duplicate_of is None:
            return self
        return dataclasses.replace(self, status="accepted", problem=None, reason=None, duplicate_of=None)
