"""What a container promises of its own length, and whether the file keeps it: only then is a recording cut short.

Some containers count their samples, some their bytes. Others promise nothing: raw AAC, AMR, MP3 without a Xing header,
MPEG streams and what was written to a pipe. ffmpeg only guesses how long those are.
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from ser_assets.audio.decoding.errors import DecodeError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# Share of the promised samples that must be there: all in lossless formats, while lossy ones round to frames.
COUNTS_SAMPLES: Final = {"flac": 1.0, "wv": 1.0, "tta": 1.0, "aiff": 0.98, "au": 0.98, "ape": 0.98, "rm": 0.98}
# Headers of RIFF files may be a few bytes out.
KEPT_BYTES: Final = 0.98
# What writes to a pipe cannot know the length, and writes 0, or as much as fits: 0x7ffff000, 0x80000000, 0xffffffff.
UNKNOWN_FROM_BYTES: Final = 0x7FFFF000
UNKNOWN_FROM_LONG: Final = 1 << 62
MOV: Final = "mov,mp4,m4a,3gp,3g2,mj2"
MP3_HEADER_BYTES: Final = 256
KEPT_SHARE: Final = 0.98
PADDING_SECONDS: Final = 0.1
REVERSED_BITS: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
# What is looked through for the next page of a damaged Ogg file.
MOST_LOST_BYTES: Final = 1 << 24
# A file full of zeros is a file full of empty chunks.
MOST_CHUNKS: Final = 1000


class _Chunks(NamedTuple):
    """How a container is cut into chunks, and which of them holds the sound."""

    first: int
    header: str
    counts_header: bool
    alignment: int
    sound: bytes


_CHUNKS: Final = {
    "wav": _Chunks(12, "<4sI", False, 2, b"data"),
    "w64": _Chunks(40, "<16sQ", True, 8, b"data"),
    "caf": _Chunks(8, ">4sQ", False, 1, b"data"),
    "avi": _Chunks(0, "<4sI", False, 2, b"RIFF"),
    "asf": _Chunks(0, "<16sQ", True, 1, b"\x36\x26\xb2\x75"),
}


def broken_promise(path: Path, container: str, stream: "AudioStream", decoded_seconds: float) -> str:
    """What is missing of a recording that its container promises: `1.50 s of 3.00 s can be decoded`; empty if nothing.

    Args:
        path: the file.
        container: ffmpeg's name of its format.
        stream: the track that was decoded, still open.
        decoded_seconds: how much of it there is, without silence for gaps.
    """
    if missing := _missing_bytes(path, container, stream):
        return missing
    share = 0.98 if container == "mp3" and _counts_mp3_frames(path) else COUNTS_SAMPLES.get(container, 0.0)
    if not (share and stream.duration and stream.time_base):
        return ""
    promised = float(stream.duration * stream.time_base)
    # Both come from whole samples: half of one is what rounding may cost.
    if decoded_seconds + 0.5 / stream.codec_context.sample_rate < share * promised:
        return f"{decoded_seconds:.2f} s of {promised:.2f} s can be decoded"
    return ""


def broken_duration(container: "InputContainer", stream: "AudioStream", seconds: float) -> str:
    """What is missing of a Matroska or WebM file of one track that says how long it lasts; empty if nothing.

    Its demuxer passes over what is damaged. `seconds`: how much of the track there is, with silence for gaps.
    """
    if container.format.name != "matroska,webm" or len(container.streams) > 1 or not container.duration:
        return ""
    promised = container.duration / 1e6 - float((stream.start_time or 0) * (stream.time_base or 0))
    if seconds < KEPT_SHARE * promised - PADDING_SECONDS:
        return f"{seconds:.2f} s of {promised:.2f} s can be decoded"
    return ""


def _missing_bytes(path: Path, container: str, stream: "AudioStream") -> str:
    there = path.stat().st_size
    if container == MOV and (end := max((entry.pos + entry.size for entry in stream.index_entries), default=0)) > there:
        return f"{there:,} of {end:,} bytes are there"
    measure = _MEASURES.get(container)
    if measure is None and container not in _CHUNKS:
        return ""
    with path.open("rb") as file:
        end = measure(file, there) if measure else _end_of_sound(file, there, _CHUNKS[container])
    return f"{there:,} of {end:,} bytes are there" if end > there else ""


def _end_of_sound(file: BinaryIO, there: int, chunks: _Chunks) -> int:
    """Where the chunk with the sound ends; 0 where its length is unknown, or as good as kept."""
    size, longer = struct.calcsize(chunks.header), 0
    unknown = UNKNOWN_FROM_BYTES if chunks.header.endswith("I") else UNKNOWN_FROM_LONG
    at = chunks.first
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        header = file.read(size)
        if len(header) < size:
            return 0
        name, length = struct.unpack(chunks.header, header)
        if name == b"ds64":  # RF64 tells here what does not fit into 32 bits.
            longer = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        body = length - size if chunks.counts_header else length
        if name.startswith(chunks.sound):
            body = longer if longer and length == 0xFFFFFFFF else body
            known = body > 0 and (longer or body < unknown)
            start = at + size
            return start + body if known and there - start < KEPT_BYTES * body else 0
        if body < 0:
            return 0
        at += size + body
        at += -at % chunks.alignment
    return 0


def _end_of_boxes(file: BinaryIO, there: int) -> int:
    """Where the last box of an mp4 with sound or its index ends."""
    at = end = 0
    while at + 8 <= there:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))[0]
        if length < 8:  # 0 reaches to the end of the file.
            break
        at += length
        if name in {b"mdat", b"moof", b"moov"}:
            end = at
    return end


def _end_of_segment(file: BinaryIO, there: int) -> int:
    """Where the segment of a Matroska or WebM file ends; 0 where the file does not state it."""
    at = 0
    while at < there:
        file.seek(at)
        head = file.read(12)
        if len(head) < 12:
            return 0
        length_bytes = 9 - head[4].bit_length()
        if length_bytes > 8:
            return 0
        length = int.from_bytes(head[4 : 4 + length_bytes]) & ((1 << 7 * length_bytes) - 1)
        if head[:4] == b"\x18\x53\x80\x67" and length == (1 << 7 * length_bytes) - 1:
            return 0
        at += 4 + length_bytes + length
        if head[:4] == b"\x18\x53\x80\x67":
            return at
    return 0


def _end_of_pages(file: BinaryIO, there: int) -> int:
    """Where the last Ogg page ends, or at least the one that must follow it to complete a packet.

    A last page that is not marked as the end of the stream breaks no promise: Telegram on Android writes none. Where a
    page is no page, but another follows later, or its checksum is wrong, the file is damaged.

    Raises:
        DecodeError: it is damaged so.
    """
    at, unfinished = 0, False
    while at < there:
        file.seek(at)
        header = file.read(27)
        if header[:4] != b"OggS"[: len(header)]:
            if b"OggS" in file.read(MOST_LOST_BYTES):
                raise DecodeError(f"is damaged after {at:,} of {there:,} bytes")
            return 0
        if len(header) < 27 or len(lacing := file.read(header[26])) < header[26]:
            return max(at + 27, there + 1)
        body = file.read(sum(lacing))
        whole = len(body) == sum(lacing)
        if whole and ogg_checksum(header[:22] + bytes(4) + header[26:] + lacing + body) != header[22:26]:
            raise DecodeError(f"is damaged after {at:,} of {there:,} bytes")
        at += 27 + len(lacing) + sum(lacing)
        unfinished = lacing[-1:] == b"\xff"
    return at + 27 if unfinished else at


def ogg_checksum(page: bytes) -> bytes:
    """CRC-32 as Ogg has it: the polynomial of zip with the bits of each byte in the opposite order, from 0."""
    reflected = zlib.crc32(page.translate(REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return reflected.to_bytes(4).translate(REVERSED_BITS)


_MEASURES: Final[dict[str, Callable[[BinaryIO, int], int]]] = {
    MOV: _end_of_boxes,
    "matroska,webm": _end_of_segment,
    "ogg": _end_of_pages,
}


def _counts_mp3_frames(path: Path) -> bool:
    """Whether an MP3 file begins with a header that counts its frames: Xing, Info or VBRI."""
    with path.open("rb") as file:
        while (head := file.read(10))[:3] == b"ID3":
            high, middle, low, lowest = head[6:10].ljust(4, b"\0")
            file.seek((high << 21) + (middle << 14) + (low << 7) + lowest, 1)
        first = head + file.read(MP3_HEADER_BYTES)
    if b"VBRI" in first:
        return True
    for name in (b"Xing", b"Info"):
        if (at := first.find(name)) >= 0:
            flags, frames = struct.unpack(">II", first[at + 4 : at + 12].ljust(8, b"\0"))
            return bool(flags & 1 and frames)
    return False
