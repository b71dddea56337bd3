"""Recordings as they come: one of each kind that may go wrong, and what must be said of it.

`python -m ser_assets_tests.factories.bad_recordings` prints the table of docs/recordings.md.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from ser_assets.corpus.duplicates import resolve_duplicates
from ser_assets.corpus.inventory import InspectionTask, inspect_recording
from ser_assets.corpus.media_files import skipped_text
from ser_assets.corpus.ravdess import Ravdess
from ser_assets.corpus.raw_video import RawVideo
from ser_assets_tests.factories.media import encode, remux, voice, without_last_mark, write_mp4, write_sound, write_wav
from ser_assets_tests.factories.signals import spoken

FOLDER = "Actor_03"
WAV = f"{FOLDER}/03-01-03-01-01-01-03.wav"
FLAC = f"{FOLDER}/03-01-03-01-01-01-03.flac"
MP4 = f"{FOLDER}/01-01-03-01-01-01-03.mp4"
MP3, WEBM = (f"{FOLDER}/03-01-03-01-01-01-03.{ending}" for ending in ("mp3", "webm"))
SAD = f"{FOLDER}/03-01-04-01-01-01-03.wav"
NOBODY = 65534

ACCEPTED, REJECTED, STRAY, PASSED_OVER = "accepted", "rejected", "of no actor", "passed over"


@dataclass(frozen=True)
class Case:
    """What comes in, made by `make` as `name` (bytes that are no UTF-8 escaped), and what becomes of it.

    `says` must be in the reason; `note` tells what is done with one that is accepted.
    """

    what: str
    make: Callable[[Path], object]
    outcome: str
    says: str = ""
    name: str = WAV
    reads_as_root: bool = True
    note: str = ""


def _bytes(content: bytes) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return write


def _wav(samples: np.ndarray, rate: int = 48000, subtype: str = "PCM_16") -> Callable[[Path], object]:
    return lambda path: write_wav(path, samples, rate, subtype)


def _cut(share: float) -> Callable[[Path], object]:
    """Write a whole recording and keep the first part of its bytes."""

    def write(path: Path) -> None:
        whole = (write_mp4 if path.suffix == ".mp4" else write_wav)(path, voice(3.0))
        whole.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])

    return write


def _cut_with(codec: str) -> Callable[[Path], object]:
    """Write a recording as sound alone, and keep half of its bytes."""

    def write(path: Path) -> None:
        write_sound(path, voice(3.0), codec)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return write


def _streamed(path: Path) -> None:
    whole = write_wav(path, voice())
    content = bytearray(whole.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = (0x7FFFF000).to_bytes(4, "little")
    whole.write_bytes(content)


def _half_declared(path: Path) -> None:
    content = bytearray(write_wav(path, voice()).read_bytes())
    content[40:44] = (48000).to_bytes(4, "little")
    path.write_bytes(content)


def _big_endian(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, voice(), 48000, subtype="PCM_24", format="WAV", endian="BIG")


def _flipped_bit(path: Path) -> None:
    content = bytearray(write_wav(path, voice()).read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)


def _spoken_twice(path: Path) -> None:
    write_wav(path, spoken(2.0), 16000)
    write_wav(path.with_name(Path(SAD).name), 0.5 * spoken(2.0), 16000)


def _png(path: Path) -> None:
    from matplotlib.image import imsave

    path.parent.mkdir(parents=True, exist_ok=True)
    imsave(path, np.zeros((8, 8, 3)), format="png")


def _with(value: float) -> np.ndarray:
    samples = voice()
    samples[1000] = value
    return samples


def _link(target: str) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(path.parent / target)

    return write


def _unreadable(path: Path) -> None:
    write_wav(path, voice()).chmod(0)


def _pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def _loop_of_folders(path: Path) -> None:
    write_wav(path, voice())
    (path.parent / "again").symlink_to(path.parent.parent)


def _beside(other: str, write: Callable[[Path, np.ndarray], object] = write_wav) -> Callable[[Path], object]:
    """Write one recording twice, the second time as `other`."""

    def both(path: Path) -> None:
        (write_mp4 if path.suffix == ".mp4" else write_wav)(path, voice())
        write(path.parent / other, voice())

    return both


def _in_odd_folder(path: Path) -> None:
    written = write_wav(path.parents[2] / path.name, voice())
    path.parent.mkdir(parents=True)
    written.rename(path)


def _twenty_minutes(path: Path) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    minute = (np.tile(voice(1.0, rate=16000), 60) * 32767).astype(np.int16)
    with soundfile.SoundFile(path, "w", 16000, 1, "PCM_16") as file:
        for _ in range(20):
            file.write(minute)


def _encoded(*options: str, rate: int = 48000) -> Callable[[Path], object]:
    return lambda path: encode(path, voice(3.0, rate=rate), *options, rate=rate)


def _two_tracks(first: np.ndarray, second: np.ndarray, default: int) -> Callable[[Path], object]:
    marks = [part for track in (0, 1) for part in (f"-disposition:a:{track}", "default" if track == default else "0")]
    return lambda path: encode(path, [first, second], "-c:a", "aac", *marks)


def _paused(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = encode(Path(folder) / path.name, voice(3.0), "-c:a", "libopus")
        remux(whole, path, lambda _, packet: not 1.0 <= float(packet.pts * packet.time_base) < 2.0)


def _without_last_mark(path: Path) -> None:
    without_last_mark(encode(path, voice(3.0), "-c:a", "libopus"))


def _named(ending: str) -> str:
    return f"{FOLDER}/03-01-03-01-01-01-03.{ending}"


OPPOSITE = np.stack([voice(), -voice()])
SURROUND = np.stack([voice(seed=number) * (0.2 + 0.1 * number) for number in range(6)])

CASES = [
    Case("an empty file", _bytes(b""), REJECTED, "is empty"),
    *(
        Case(f"{kind} cut off after {share:.0%} of its bytes", _cut(share), REJECTED, says, name)
        for kind, name, says in (("wav", WAV, "cut short"), ("flac", FLAC, "cut short"), ("mp4", MP4, "decoded"))
        for share in (0.1, 0.5, 0.9)
    ),
    Case("a flac with a flipped bit", _flipped_bit, REJECTED, "can be decoded", FLAC),
    Case("a wav whose header speaks of half of the sound", _half_declared, REJECTED, "by its header"),
    Case("a big-endian wav (RIFX)", _big_endian, ACCEPTED),
    Case("a pointer of git-lfs", _bytes(b"version https://git-lfs.github.com/spec/v1\n"), REJECTED, "git-lfs pointer"),
    Case("the error page of a server, named mp4", _bytes(b"<!DOCTYPE html><p>404"), REJECTED, "is a web page", MP4),
    Case("text named mp4", _bytes(b"these are words, and no film\n" * 50), REJECTED, "cannot be decoded", MP4),
    Case("a picture (PNG) named mp4", _png, REJECTED, "no audio stream", MP4),
    Case("an mp4 without sound", lambda path: write_mp4(path, None), REJECTED, "no audio stream", MP4),
    Case(
        "a video-only file (02-) with a silent track",
        lambda path: write_mp4(path, np.zeros(48000, np.float32)),
        REJECTED,
        "video-only",
        f"{FOLDER}/02-01-03-01-01-01-03.mp4",
    ),
    Case("nothing but silence", _wav(np.zeros(48000)), REJECTED, "is silent"),
    Case("nothing but a constant offset", _wav(np.full(48000, 0.4)), REJECTED, "is silent"),
    Case("a voice on a constant offset", _wav(voice() + 0.4), ACCEPTED, note="the offset is taken away"),
    Case("a clipped voice", _wav(np.clip(8 * voice(), -1, 1)), ACCEPTED, note="the check `nothing_clipped` warns"),
    Case("a float wav with NaN", _wav(_with(np.nan), subtype="FLOAT"), REJECTED, "not finite"),
    Case("a float wav with infinity", _wav(_with(np.inf), subtype="FLOAT"), REJECTED, "not finite"),
    Case("16 bit integers written as floats", _wav(32767 * voice(), subtype="FLOAT"), REJECTED, "times full scale"),
    Case("8 kHz", _wav(voice(rate=8000), 8000), ACCEPTED, note="resampled"),
    Case("96 kHz", _wav(voice(rate=96000), 96000), ACCEPTED, note="resampled"),
    Case("4 kHz", _wav(voice(rate=4000), 4000), REJECTED, "is sampled at 4000 Hz"),
    Case("24 bit", _wav(voice(), subtype="PCM_24"), ACCEPTED),
    Case("64 bit floats", _wav(voice(), subtype="DOUBLE"), ACCEPTED),
    Case("5.1 channels", _wav(SURROUND), ACCEPTED, note="the mean of all channels"),
    Case("stereo in opposite phases, whose mean is silence", _wav(OPPOSITE), ACCEPTED, note="the louder channel alone"),
    Case("40 ms long", _wav(voice(0.04)), REJECTED, "too short"),
    Case("20 minutes long", _twenty_minutes, REJECTED, "is longer than 120 s"),
    Case("a code that does not exist", _wav(voice()), REJECTED, "emotion 09", f"{FOLDER}/03-01-09-01-01-01-03.wav"),
    Case(
        "a combination that does not exist: strong neutral",
        _wav(voice()),
        REJECTED,
        "neutral has no strong",
        f"{FOLDER}/03-01-01-02-01-01-03.wav",
    ),
    Case(
        "an actor that is not that of its folder",
        _wav(voice()),
        REJECTED,
        "named for actor 04",
        f"{FOLDER}/03-01-03-01-01-01-04.wav",
    ),
    Case("actor 00", _wav(voice()), REJECTED, "actor 00", f"{FOLDER}/03-01-03-01-01-01-00.wav"),
    Case("actor 25", _wav(voice()), REJECTED, "actor 25", f"{FOLDER}/03-01-03-01-01-01-25.wav"),
    Case("the folder of an actor 25", _wav(voice()), STRAY, "Actor_25", "Actor_25/03-01-03-01-01-01-25.wav"),
    Case("a file of no actor", _wav(voice()), STRAY, "no folder of an actor", "clips/holiday.wav"),
    Case(
        "a take in no folder of an actor",
        _wav(voice()),
        ACCEPTED,
        name="clips/03-01-03-01-01-01-03.wav",
        note="its name tells",
    ),
    Case("no right to read it", _unreadable, REJECTED, "Permission denied", reads_as_root=False),
    Case("a wav from a pipe, which tells no length", _streamed, ACCEPTED),
    Case("mp3 cut off after 50% of its bytes", _cut_with("libmp3lame"), REJECTED, "cut short", MP3),
    Case("webm cut off after 50% of its bytes", _cut_with("libopus"), REJECTED, "cut short", WEBM),
    Case("opus cut off after 50% of its bytes", _cut_with("libopus"), REJECTED, "cut short", _named("opus")),
    Case("opus without the mark of its end (Telegram)", _without_last_mark, ACCEPTED, name=_named("opus")),
    Case("mp3 that does not count its frames", _encoded("-q:a", "0", "-write_xing", "0"), ACCEPTED, name=MP3),
    Case(
        "webm without packets in a pause",
        _paused,
        ACCEPTED,
        name=WEBM,
        note="the pause is silence of its length",
    ),
    Case(
        "amr with comfort noise",
        _encoded("-c:a", "libopencore_amrnb", "-dtx", "1", rate=8000),
        ACCEPTED,
        name=_named("amr"),
    ),
    *(Case(f"a voice note: {ending}", _encoded(), ACCEPTED, name=_named(ending)) for ending in ("aac", "caf", "wma")),
    Case(
        "a film whose second track of sound is the default",
        _two_tracks(voice(hertz=300), voice(), 1),
        ACCEPTED,
        name=MP4,
        note="the default one; `doctor` tells",
    ),
    Case(
        "a film whose default track is silence",
        _two_tracks(np.zeros(48000), voice(), 0),
        ACCEPTED,
        name=MP4,
        note="the other one; `doctor` tells",
    ),
    Case("a text among the recordings", _bytes(b"notes"), PASSED_OVER, name=f"{FOLDER}/notes.txt"),
    Case(
        "one recording with two emotions (of the second)", _beside("03-01-04-01-01-01-03.wav"), REJECTED, "of 03)", SAD
    ),
    Case("one performance at two levels with two emotions (of the second)", _spoken_twice, REJECTED, "sounds the", SAD),
    Case("a link that leads nowhere", _link("gone.wav"), REJECTED, "No such file"),
    Case("a link to itself", _link(Path(WAV).name), REJECTED, "symbolic links"),
    Case("folders that are linked in a loop", _loop_of_folders, ACCEPTED, note="each folder is entered once"),
    Case("a pipe named wav", _pipe, REJECTED, "no regular file"),
    *(
        Case(f"`{name}`", _bytes(b"left by a system"), PASSED_OVER, name=f"{FOLDER}/{name}")
        for name in ("._03-01-03-01-01-01-03.wav", ".DS_Store", "Thumbs.db")
    ),
    Case("an ending in upper case", _wav(voice()), ACCEPTED, name=f"{FOLDER}/03-01-03-01-01-01-03.WAV"),
    Case("a folder with spaces and an emoji", _wav(voice()), ACCEPTED, name=f"my 🎤 clips/{WAV}"),
    Case("a folder whose name is not UTF-8", _in_odd_folder, ACCEPTED, name=f"caf\\xe9/{WAV}"),
    Case("a second name from a copy", _wav(voice()), REJECTED, "RAVDESS name", f"{FOLDER}/{Path(WAV).stem} (1).wav"),
    Case(
        "one recording under two names (of the second)",
        _beside("03-01-03-01-01-02-03.wav"),
        REJECTED,
        "is the same recording as",
        f"{FOLDER}/03-01-03-01-01-02-03.wav",
    ),
    Case("mp4 and wav of one take (of the mp4)", _beside(Path(WAV).name), REJECTED, "is the same take as", MP4),
    Case("song among speech", _wav(voice()), REJECTED, "is song", f"{FOLDER}/03-02-03-01-01-01-03.wav"),
]


@dataclass(frozen=True)
class Found:
    """What became of a recording, in words, and its row if it has one."""

    outcome: str
    reason: str
    row: RawVideo | None = None


def take_in(case: Case, raw: Path) -> Found:
    """Put a recording into an empty folder, which anybody may enter, and make the inventory of it."""
    path = raw / os.fsdecode(case.name.encode().replace(rb"\xe9", b"\xe9"))
    case.make(_first(case, path))
    with _no_longer_root(needed=not case.reads_as_root):
        listing = Ravdess(raw).listing()
        rows = resolve_duplicates(inspect_recording(InspectionTask(entry)) for entry in listing.entries.get("03", []))
    for row in rows:
        if row.path == case.name:
            return Found(row.status, row.reason or "", row)
    for stray in listing.unassigned_files:
        if stray.name == case.name:
            return Found(STRAY, stray.reason)
    return Found(PASSED_OVER, skipped_text(listing.skipped) if listing.skipped else "")


@contextmanager
def open_folder() -> Iterator[Path]:
    """Hand out a temporary folder that other users may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def table() -> str:
    """What becomes of all cases, as a table in Markdown."""
    lines = ["| what comes in | what becomes of it | the reason given, or what is done with it |", "|---|---|---|"]
    for case in CASES:
        with open_folder() as folder:
            found = take_in(case, folder)
        lines.append(f"| {case.what} | {found.outcome} | {found.reason or case.note} |")
    return "\n".join(lines)


def _first(case: Case, path: Path) -> Path:
    """The file that is made first, where the case is about the second."""
    return path.with_name(Path(WAV).name) if "(of the second)" in case.what else path


@contextmanager
def _no_longer_root(*, needed: bool) -> Iterator[None]:
    """Give up the rights of root for a while, for root may read everything."""
    if not needed or os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


if __name__ == "__main__":
    print(table())
